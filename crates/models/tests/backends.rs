//! The engines against each other: the same weights on the same images give the same logits, gradients and statistics.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use models::{Architecture, Backend, Classifier, Family, Normaliser};

#[macro_use]
#[path = "common/backends.rs"]
mod backends;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const LABELS: [u32; 4] = [3, 0, 9, 3];

/// Numbers in [−1, 1) that look random.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn weights(architecture: Architecture) -> Outcome<BTreeMap<String, Tensor>> {
    let tensor = |(at, (name, shape)): (usize, (String, Vec<usize>))| {
        let count: usize = shape.iter().product();
        let fan_in: usize = shape[1..].iter().product();
        let (middle, width) = match () {
            () if shape.len() > 1 => (0.0, (3.0 / fan_in as f32).sqrt()),
            () if name.ends_with("bias") || name.ends_with("mean") => (0.0, 0.1),
            () => (1.0, 0.2),
        };
        let values = noise(count, at as u64 + 1).iter().map(|value| middle + width * value).collect();
        Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
    };
    architecture.graph(10).shapes().into_iter().enumerate().map(tensor).collect()
}

fn images(size: usize) -> Outcome<Tensor> {
    let values = noise(4 * 3 * size * size, 3).iter().map(|value| 0.5 + 0.5 * value).collect();
    Ok(Tensor::from_vec(values, (4, 3, size, size), &Device::Cpu)?)
}

/// ‖a − b‖ / ‖b‖.
fn distance(a: &Tensor, b: &Tensor) -> Outcome<f64> {
    let values = |x: &Tensor| -> Outcome<Vec<f32>> { Ok(x.flatten_all()?.to_vec1()?) };
    let (a, b) = (values(a)?, values(b)?);
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| -> f64 {
        values.map(|value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
    };
    Ok(norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied()).max(1e-12))
}

/// A network on a backend, and the same on the blocked engine.
fn both(backend: &Backend, family: Family, name: &str) -> Outcome<[Classifier; 2]> {
    let architecture = name.parse::<Architecture>()?.of(family)?;
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
    // A ReLU or a maximum that rounding turns changes one image's gradient, by up to a percent; the others agree to 1e-5.
    assert!(apart[2] < 1e-4 && apart[3] < 3e-2, "{name}: gradients of the pixels, {apart:?}");
    Ok(())
}

/// One of each kind of operation: shortcuts without parameters, concatenated channels, groups, kernels of 1 × 7, windows that reach
/// over the edge, slopes, linear layers on planes.
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
    ] {
        gradients_of_pixels(backend, family, name, size)?;
    }
    Ok(())
}

fn gradients_of_parameters_are_the_same(backend: &Backend) -> Outcome {
    for (family, name) in [(Family::Cifar, "resnet20"), (Family::Cifar, "vgg11"), (Family::Imagenet, "vgg11")]
    {
        let ([mut network, mut reference], images) = (both(backend, family, name)?, images(32)?);
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
    dropout_depends_on_the_step_alone,
    what_is_frozen_stays,
);
