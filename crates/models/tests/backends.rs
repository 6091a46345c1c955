//! The engines against each other: the same weights on the same images give the same logits, gradients and statistics.

use std::collections::BTreeMap;

use candle_core::Tensor;
use models::{Architecture, Backend, Classifier, Family, Normaliser};

#[macro_use]
#[path = "common/backends.rs"]
mod backends;
#[path = "common/networks.rs"]
mod networks;

use networks::{Outcome, distance, images, weights};

const LABELS: [u32; 4] = [3, 0, 9, 3];

/// A network on a backend, and the same on the blocked engine.
fn both(backend: &Backend, family: Family, name: &str) -> Outcome<[Classifier; 2]> {
    let architecture = name.parse::<Architecture>()?.in_family(family)?;
    let weights = weights(architecture)?;
    let on = |backend: &Backend| Classifier::on(backend, architecture, 10, Normaliser::CIFAR10, &weights);
    Ok([on(backend)?, on(&Backend::default())?])
}

fn gradients_of_pixels(backend: &Backend, family: Family, name: &str, size: usize) -> Outcome {
    let ([network, reference], images) = (both(backend, family, name)?, images(size)?);
    let (network, reference) = (network.freeze()?, reference.freeze()?);
    let (found, expected) = (network.evaluate(&images, &LABELS)?, reference.evaluate(&images, &LABELS)?);
    assert!(distance(&found.logits, &expected.logits)? < 1e-5, "{name}: logits");
    assert!(distance(&found.latent, &expected.latent)? < 1e-5, "{name}: latent");
    assert!((found.loss / expected.loss - 1.0).abs() < 1e-5, "{name}: loss");
    let found = network.input_gradient(&images, &LABELS)?;
    let expected = reference.input_gradient(&images, &LABELS)?;
    let of_image =
        |image| -> Outcome<f64> { distance(&found.gradient.get(image)?, &expected.gradient.get(image)?) };
    let mut apart: Vec<f64> = (0..LABELS.len()).map(of_image).collect::<Outcome<_>>()?;
    apart.sort_by(f64::total_cmp);
    // A ReLU or a maximum that rounding turns changes one image's gradient, by up to a percent, and each pair of instruction sets
    // turns others; half of the images agree to 1.1e-5 on every pair (AMX rounds most), and what is computed otherwise moves all of them.
    assert!(apart[1] < 2e-5 && apart[3] < 3e-2, "{name}: gradients of the pixels, {apart:?}");
    Ok(())
}

/// One of each kind of operation: shortcuts without parameters, concatenated channels, groups, kernels of 1 × 7, windows that reach
/// over the edge, slopes, linear layers on planes, channels one by one, functions of values, factors of planes, shuffled channels, norms of pixels, attention of
/// all tokens and within shifted windows, also where these reach over the edge, norms of responses, attention by cosines, borders of zeros,
/// the mean of two heads.
fn gradients_of_pixels_are_the_same(backend: &Backend) -> Outcome {
    use Family::{Cifar, Imagenet};
    for (family, name, size) in [
        (Cifar, "resnet20", 32),
        (Cifar, "resnet18thin", 32),
        (Cifar, "vgg11", 32),
        (Cifar, "densenet_cifar", 32),
        (Cifar, "inceptionv3", 32),
        (Imagenet, "leaky_resnet18", 64),
        (Imagenet, "resnext50_32x4d", 64),
        (Imagenet, "squeezenet1_1", 64),
        (Imagenet, "alexnet", 64),
        (Imagenet, "mobilenet_v2", 64),
        (Imagenet, "mobilenet_v3_small", 64),
        (Imagenet, "efficientnet_b0", 64),
        (Imagenet, "shufflenet_v2_x0_5", 64),
        (Cifar, "convnext_atto", 32),
        (Cifar, "vit_tiny_patch4_32", 32),
        (Imagenet, "swin_t", 100),
        (Imagenet, "convnextv2_atto", 64),
        (Imagenet, "swin_v2_t", 72),
        (Cifar, "wide_resnet28_10_swish", 8),
        (Imagenet, "deit_tiny_distilled_patch16_224", 224),
        (Imagenet, "resnet18d", 72),
    ] {
        gradients_of_pixels(backend, family, name, size)?;
    }
    Ok(())
}

fn gradients_of_parameters_are_the_same(backend: &Backend) -> Outcome {
    for (family, name, size) in [
        (Family::Cifar, "resnet20", 32),
        (Family::Cifar, "vgg11", 32),
        (Family::Imagenet, "vgg11", 32),
        (Family::Imagenet, "mobilenet_v3_small", 32),
        (Family::Cifar, "convnext_atto", 32),
        (Family::Cifar, "vit_tiny_patch4_32", 32),
        (Family::Imagenet, "convnextv2_atto", 32),
        (Family::Imagenet, "swin_t", 72),
        (Family::Imagenet, "swin_v2_t", 72),
    ] {
        let ([mut network, mut reference], images) = (both(backend, family, name)?, images(size)?);
        let found = network.parameter_gradients_in_evaluation(&images, &LABELS)?;
        let expected = reference.parameter_gradients_in_evaluation(&images, &LABELS)?;
        assert!(found.gradients.keys().eq(expected.gradients.keys()), "{name}: the same parameters");
        assert_eq!(found.gradients.len(), network.parameters().len(), "{name}: all of them");
        for (parameter, expected) in &expected.gradients {
            assert_eq!(found.gradients[parameter].dims(), expected.dims());
            let apart = distance(&found.gradients[parameter], expected)?;
            assert!(apart < 1e-3, "{name}: gradient of {parameter}, {apart}");
        }
    }
    Ok(())
}

/// Deeper networks than these, on so few images: a ReLU that rounding turns moves all gradients by a percent.
fn training_is_the_same(backend: &Backend) -> Outcome {
    let together = |tensors: &BTreeMap<String, Tensor>| -> Outcome<Tensor> {
        let flat = tensors.values().map(Tensor::flatten_all).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&flat, 0)?)
    };
    for name in ["resnet20", "vgg11"] {
        let ([mut network, mut reference], images) = (both(backend, Family::Cifar, name)?, images(32)?);
        let found = network.parameter_gradients(&images, &LABELS)?;
        let expected = reference.parameter_gradients(&images, &LABELS)?;
        assert!((found.loss()? / expected.loss()? - 1.0).abs() < 1e-4, "{name}: loss");
        assert!(distance(&found.logits, &expected.logits)? < 1e-4, "{name}: logits in training");
        let apart = distance(&together(&found.gradients)?, &together(&expected.gradients)?)?;
        assert!(apart < 3e-3, "{name}: gradients in training, {apart}");
        for (buffer, expected) in reference.buffers() {
            let apart = distance(&network.buffers()[buffer], expected)?;
            assert!(apart < 1e-4, "{name}: {buffer}, {apart}");
        }
    }
    Ok(())
}

/// One-hot targets are labels; the gradient is linear in the targets.
fn soft_targets_are_mixtures_of_labels(backend: &Backend) -> Outcome {
    let ([mut network, mut reference], images) = (both(backend, Family::Cifar, "resnet20")?, images(32)?);
    let one_hot = |labels: &[u32]| -> Vec<f32> {
        labels
            .iter()
            .flat_map(|label| (0..10).map(move |class| f32::from(u8::from(class == *label))))
            .collect()
    };
    let plain = reference.parameter_gradients(&images, &LABELS)?;
    let soft = network.soft_parameter_gradients(&images, &one_hot(&LABELS))?;
    assert!((soft.loss()? / plain.loss()? - 1.0).abs() < 1e-4, "{} {}", soft.loss()?, plain.loss()?);
    let others = [1, 1, 4, 0];
    let mixed: Vec<f32> =
        one_hot(&LABELS).iter().zip(one_hot(&others)).map(|(own, other)| 0.75 * own + 0.25 * other).collect();
    let mixed = network.soft_parameter_gradients(&images, &mixed)?;
    let other = reference.parameter_gradients(&images, &others)?;
    let head = "linear.bias";
    let expected = ((&plain.gradients[head] * 0.75)? + (&other.gradients[head] * 0.25)?)?;
    assert!(distance(&mixed.gradients[head], &expected)? < 1e-3);
    let loss = 0.75 * plain.loss()? + 0.25 * other.loss()?;
    assert!((mixed.loss()? / loss - 1.0).abs() < 1e-4, "{} {loss}", mixed.loss()?);
    for wrong in [vec![0.1; 39], vec![0.2; 40]] {
        let refused = network.soft_parameter_gradients(&images, &wrong);
        assert!(refused.is_err_and(|error| error.to_string().contains("10 numbers")));
    }
    Ok(())
}

/// A seed and the number of a step decide what is dropped, not what was computed before.
fn dropout_depends_on_the_step_alone(backend: &Backend) -> Outcome {
    let ([mut network, _], images) = (both(backend, Family::Imagenet, "alexnet")?, images(64)?);
    let mut logits = |step: u64| -> Outcome<Vec<f32>> {
        network.set_step(5, step);
        Ok(network.parameter_gradients(&images, &LABELS)?.logits.flatten_all()?.to_vec1()?)
    };
    let (first, second) = (logits(0)?, logits(1)?);
    assert_ne!(first, second);
    assert_eq!(first, logits(0)?);
    Ok(())
}

/// Of networks with dropout or stochastic depth in training, the same values are dropped: nothing else makes the engines differ by more than rounding.
fn the_same_values_are_dropped(backend: &Backend) -> Outcome {
    for name in ["alexnet", "vgg11", "efficientnet_b0"] {
        let ([mut network, mut reference], images) = (both(backend, Family::Imagenet, name)?, images(64)?);
        for step in [0, 3] {
            let [found, expected] = [&mut network, &mut reference].map(|network| {
                network.set_step(5, step);
                network.parameter_gradients(&images, &LABELS)
            });
            let (found, expected) = (found?, expected?);
            assert!(distance(&found.logits, &expected.logits)? < 1e-4, "{name}, step {step}: logits");
            // Of the layers that dropout is between: farther down, ReLUs and maxima that rounding turns move gradients too.
            let dropped =
                expected.gradients.iter().filter(|(parameter, _)| parameter.starts_with("classifier."));
            for (parameter, expected) in dropped {
                let apart = distance(&found.gradients[parameter], expected)?;
                assert!(apart < 1e-3, "{name}, step {step}: gradient of {parameter}, {apart}");
            }
        }
    }
    Ok(())
}

/// A frozen network keeps its weights when the classifier learns on.
fn what_is_frozen_stays(backend: &Backend) -> Outcome {
    let ([network, _], images) = (both(backend, Family::Cifar, "resnet20")?, images(32)?);
    let frozen = network.freeze()?;
    for variable in network.parameters().values() {
        variable.set(&variable.as_tensor().zeros_like()?)?;
    }
    let (before, after) = (frozen.evaluate(&images, &LABELS)?, network.freeze()?.evaluate(&images, &LABELS)?);
    assert!((after.loss - 10f32.ln()).abs() < 1e-5, "a network of zeros");
    assert!((before.loss - after.loss).abs() > 1e-3);
    Ok(())
}

on_backends_of_tensors!(
    gradients_of_pixels_are_the_same,
    gradients_of_parameters_are_the_same,
    training_is_the_same,
    soft_targets_are_mixtures_of_labels,
    dropout_depends_on_the_step_alone,
    the_same_values_are_dropped,
    what_is_frozen_stays,
);
