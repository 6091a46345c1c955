//! Networks for some of the classes of a head: their logits and gradients are those of the whole network for these classes.

use candle_core::{Device, Tensor};
use candle_nn::Module;
use models::{Backend, Classifier, Family, Frozen, Normaliser};

use crate::networks::{Outcome, distance, images, weights_for};

const CLASSES: usize = 40;
const OUTPUTS: [usize; 7] = [31, 0, 39, 8, 7, 16, 20];
const LABELS: [u32; 4] = [3, 0, 6, 3];

/// A network, and the same for some of its classes.
fn both(backend: &Backend, family: Family, name: &str) -> Outcome<[Frozen; 2]> {
    let architecture = name.parse::<models::Architecture>()?.in_family(family)?;
    let weights = weights_for(architecture, CLASSES)?;
    let whole = Classifier::on(backend, architecture, CLASSES, Normaliser::CIFAR10, &weights)?;
    let weights = architecture.restricted(CLASSES, &OUTPUTS, weights)?;
    let part = Classifier::on(backend, architecture, OUTPUTS.len(), Normaliser::CIFAR10, &weights)?;
    Ok([whole.freeze()?, part.freeze()?])
}

/// A linear layer behind the pooling, and a convolution before it.
const NETWORKS: [(Family, &str, usize); 3] = [
    (Family::Cifar, "resnet20", 32),
    (Family::Imagenet, "squeezenet1_1", 64),
    (Family::Imagenet, "resnet18", 64),
];

fn logits_are_those_of_the_whole_network(backend: &Backend) -> Outcome {
    let rows: Vec<u32> = OUTPUTS.iter().map(|&output| output as u32).collect();
    for (family, name, size) in NETWORKS {
        let ([whole, part], images) = (both(backend, family, name)?, images(size)?);
        let rows = Tensor::new(rows.as_slice(), backend.device())?;
        let expected = whole.logits(&images)?.index_select(&rows, 1)?;
        let found = part.logits(&images)?;
        assert_eq!(found.dims(), [4, 7]);
        let apart = distance(&found, &expected)?;
        assert!(apart < 1e-6, "{name}: {apart}");
        // It is a selection: in another order it is another one.
        assert!(distance(&found, &expected.flip(&[1])?)? > 1e-2, "{name}");
    }
    Ok(())
}

/// Of the whole network's loss among these logits alone: softmax and difference in f64, and by candle's autograd.
fn gradients_are_those_without_the_other_logits(backend: &Backend) -> Outcome {
    for (family, name, size) in NETWORKS {
        let ([whole, part], images) = (both(backend, family, name)?, images(size)?);
        let logits = whole.logits(&images)?.to_device(&Device::Cpu)?.to_vec2::<f32>()?;
        let (mut of_logits, mut loss) = (Vec::new(), 0.0);
        for (row, &label) in logits.iter().zip(&LABELS) {
            let left: Vec<f64> = OUTPUTS.iter().map(|&output| row[output].into()).collect();
            let sum: f64 = left.iter().map(|logit| logit.exp()).sum();
            loss += (sum.ln() - left[label as usize]) / LABELS.len() as f64;
            let mut gradient = [0f32; CLASSES];
            for (place, (&output, logit)) in OUTPUTS.iter().zip(&left).enumerate() {
                let target = f64::from(u8::from(place == label as usize));
                gradient[output] = ((logit.exp() / sum - target) / LABELS.len() as f64) as f32;
            }
            of_logits.extend(gradient);
        }
        let of_logits = Tensor::from_vec(of_logits, (LABELS.len(), CLASSES), backend.device())?;
        let expected = whole.vector_jacobian_product(&images, &of_logits)?;
        let found = part.input_gradient(&images, &LABELS)?;
        assert!((f64::from(found.loss) / loss - 1.0).abs() < 1e-5, "{name}: {} and {loss}", found.loss);
        let apart = distance(&found.gradient, &expected)?;
        assert!(apart < 1e-5, "{name}: {apart}");

        let pixels = candle_core::Var::from_tensor(&images.to_device(backend.device())?)?;
        let rows: Vec<u32> = OUTPUTS.iter().map(|&output| output as u32).collect();
        let left = whole.forward(&pixels)?.index_select(&Tensor::new(rows, backend.device())?, 1)?;
        let labels = Tensor::new(&LABELS, backend.device())?;
        let gradients = candle_nn::loss::cross_entropy(&left, &labels)?.backward()?;
        let apart = distance(gradients.get(&pixels).ok_or("a gradient")?, &found.gradient)?;
        assert!(apart < 1e-4, "{name}: by autograd {apart}");
    }
    Ok(())
}

on_every_backend!(logits_are_those_of_the_whole_network, gradients_are_those_without_the_other_logits);
