//! Processes that share training batches: each has the gradients and statistics of one that has all; on the CPU engine bit for bit.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use models::{Architecture, Backend, Classifier, Family, Normaliser, ParameterGradients, Precision, Sharing};
use ranks::{Ranks, Simulation};
use serde_json::Value;

use crate::{
    architectures::{draw, drawn_weights, wide},
    networks::{Outcome, noise, weights},
};

/// Every parameter's gradient and every buffer after the step, as bits; and the loss.
type Found = (BTreeMap<String, Vec<u32>>, u32);

struct Step {
    family: Family,
    name: &'static str,
    images: usize,
    size: usize,
    backend: Backend,
}

impl Step {
    fn batch(&self) -> Outcome<(Tensor, Vec<u32>)> {
        let (count, size) = (self.images, self.size);
        let values: Vec<f32> =
            noise(count * 3 * size * size, 3).iter().map(|value| 0.5 + 0.5 * value).collect();
        let images = Tensor::from_vec(values, (count, 3, size, size), &Device::Cpu)?;
        Ok((images, (0..count as u32).map(|image| image * 7 % 10).collect()))
    }

    fn classifier(&self) -> Outcome<Classifier> {
        let architecture = self.name.parse::<Architecture>()?.in_family(self.family)?;
        Ok(Classifier::on(&self.backend, architecture, 10, Normaliser::CIFAR10, &weights(architecture)?)?)
    }

    /// As a process among others does it, that looks at its own images alone.
    fn run(&self, sharing: Sharing) -> Outcome<Found> {
        let (images, labels) = self.batch()?;
        let own = sharing.own_images(self.images);
        let of_others = (&images * f64::NAN)?;
        let images = of_others.slice_assign(
            &[own.clone(), 0..3, 0..self.size, 0..self.size],
            &images.narrow(0, own.start, own.len())?,
        )?;
        let mut classifier = self.classifier()?;
        classifier.share(sharing);
        classifier.set_step(5, 9);
        let found = classifier.parameter_gradients(&images, &labels)?;
        let bits = |tensor: &Tensor| -> Outcome<Vec<u32>> {
            Ok(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect())
        };
        let gradients = found.gradients.iter().map(|(name, values)| Ok((name.clone(), bits(values)?)));
        let buffers =
            classifier.buffers().iter().map(|(name, values)| Ok((name.clone(), bits(values.as_tensor())?)));
        Ok((gradients.chain(buffers).collect::<Outcome<_>>()?, found.loss()?.to_bits()))
    }

    fn on(&self, processes: usize, sharing: impl Fn(Ranks) -> Sharing + Sync) -> Vec<Found> {
        let run = |ranks| self.run(sharing(ranks)).map_err(|error| error.to_string());
        let found = Simulation::new(processes, 1).with_delays(50).run(run);
        found
            .into_iter()
            .map(|found| found.unwrap_or_else(|error| panic!("{}: {error}", self.name)))
            .collect()
    }
}

fn steps() -> Vec<Step> {
    use Family::{Cifar, Imagenet};
    let backend = || Backend::Cpu(Precision::Full);
    let of = |family, name, images, size| Step { family, name, images, size, backend: backend() };
    vec![
        of(Cifar, "resnet18", 70, 16),
        of(Cifar, "densenet_cifar", 70, 16),
        of(Imagenet, "mobilenet_v3_small", 70, 32),
        of(Imagenet, "efficientnet_b0", 40, 32),
        of(Cifar, "vit_tiny_patch4_32", 70, 32),
        of(Imagenet, "convnextv2_atto", 70, 32),
        of(Imagenet, "swin_v2_t", 34, 32),
        Step { backend: Backend::Cpu(Precision::Bf16), ..of(Cifar, "resnet18", 70, 16) },
    ]
}

#[test]
fn gradients_of_shared_batches_have_the_same_bits() -> Outcome {
    for step in steps() {
        let expected = step.run(Sharing::default())?;
        for processes in 2..=3.min(step.images.div_ceil(16)) {
            for (rank, found) in step.on(processes, Sharing::among).into_iter().enumerate() {
                let differing: Vec<_> =
                    expected.0.iter().filter(|(name, values)| found.0[*name] != **values).collect();
                let names: Vec<_> = differing.iter().map(|(name, _)| name).take(5).collect();
                assert!(names.is_empty(), "{} on {rank} of {processes}: {names:?}", step.name);
                assert_eq!(found.1, expected.1, "{} on {rank} of {processes}: loss", step.name);
            }
        }
    }
    Ok(())
}

#[test]
fn more_processes_than_parts_and_too_few_images() -> Outcome {
    let step =
        Step { family: Family::Cifar, name: "resnet20", images: 90, size: 8, backend: Backend::default() };
    let expected = step.run(Sharing::default())?;
    // Six blocks: seven processes do not share them.
    for processes in [4, 5, 6] {
        assert!(step.on(processes, Sharing::among).iter().all(|found| *found == expected), "{processes}");
    }
    let (images, labels) = step.batch()?;
    let alone = Simulation::new(7, 0).run(|ranks| -> Result<f32, String> {
        let mut classifier = step.classifier().map_err(|error| error.to_string())?;
        classifier.share(Sharing::among(ranks));
        let found = classifier.parameter_gradients(&images, &labels);
        found.and_then(|found| found.loss()).map_err(|error| error.to_string())
    });
    assert!(
        alone.iter().all(|loss| loss.as_ref().is_ok_and(|loss| loss.to_bits() == expected.1)),
        "{alone:?}"
    );
    Ok(())
}

/// The running statistics that each process would have are those of its own images; all keep the first's.
#[test]
fn statistics_of_ones_own_images() -> Outcome {
    for backend in [Backend::default(), Backend::candle_cpu()] {
        let step = Step { family: Family::Cifar, name: "resnet20", images: 64, size: 8, backend };
        let own = |ranks: Ranks| Sharing { own_statistics: true, ..Sharing::among(ranks) };
        let (found, expected) = (step.on(2, own), step.run(Sharing::default())?);
        assert!(found[0] == found[1] && found[0].0 != expected.0);
        let first = Step { images: 32, ..step };
        let of_first = first.run(Sharing::default())?;
        assert_eq!(
            found[0].0["bn1.running_mean"], of_first.0["bn1.running_mean"],
            "those of the first 32 images"
        );
        assert_eq!(found[0].0["bn1.running_var"], of_first.0["bn1.running_var"]);
    }
    Ok(())
}

/// Sums of processes are rounded elsewhere than those of one: to some units in the last place of the largest number of each tensor.
#[test]
fn tensors_of_processes_add_up_to_the_same_gradients() -> Outcome {
    use Family::{Cifar, Imagenet};
    let of = |family, name, images, size| Step { family, name, images, size, backend: Backend::candle_cpu() };
    let steps = [
        of(Cifar, "resnet20", 70, 8),
        of(Imagenet, "convnext_atto", 34, 32),
        of(Imagenet, "mobilenet_v3_small", 34, 32),
    ];
    for step in steps {
        let expected = step.run(Sharing::default())?;
        for processes in 2..=3.min(step.images.div_ceil(16)) {
            let found = step.on(processes, Sharing::among);
            assert!(found.iter().all(|other| *other == found[0]), "{}: all have the same bits", step.name);
            let wide =
                |bits: &[u32]| -> Vec<f64> { bits.iter().map(|&bits| f32::from_bits(bits).into()).collect() };
            let most = expected
                .0
                .values()
                .flat_map(|bits| wide(bits))
                .fold(0.0, |most: f64, value| most.max(value.abs()));
            for (name, bits) in &expected.0 {
                let (own, found) = (wide(bits), wide(&found[0].0[name]));
                let size = own.iter().fold(1e-3 * most, |size, value| size.max(value.abs()));
                let error =
                    own.iter().zip(&found).map(|(own, found)| (own - found).abs()).fold(0.0, f64::max);
                assert!(error < 2e-4 * size, "{} on {processes}: {name}: {error:e} of {size:e}", step.name);
            }
            let [own, found] = [expected.1, found[0].1].map(f32::from_bits);
            assert!((own - found).abs() < 1e-5, "{}: loss {own}, {found}", step.name);
        }
    }
    Ok(())
}

/// A process that dies is named, not the operation that asked for its part.
#[test]
fn the_engine_says_what_went_wrong_between_processes() -> Outcome {
    let step =
        Step { family: Family::Cifar, name: "resnet20", images: 32, size: 8, backend: Backend::candle_cpu() };
    let said = Simulation::new(2, 0).run(|ranks| -> Result<Found, String> {
        if ranks.rank() == 1 {
            ranks.say_failed("as it was asked").map_err(|error| error.to_string())?;
            return Err("failed".to_owned());
        }
        step.run(Sharing::among(ranks)).map_err(|error| match error.downcast_ref::<models::Error>() {
            Some(models::Error::Ranks(error)) => error.to_string(),
            other => format!("{other:?}"),
        })
    });
    assert_eq!(said[0], Err("rank 1: as it was asked".to_owned()));
    Ok(())
}

/// Each process's own statistics are what PyTorch's `DistributedDataParallel` has: `tests/python/ddp.py` ran it on two processes, in float64.
#[test]
fn own_statistics_are_those_of_distributed_data_parallel() -> Outcome {
    let golden: Value = serde_json::from_str(include_str!("../data/ddp.json"))?;
    let numbers = |value: &Value| serde_json::from_value::<Vec<f64>>(value.clone());
    let architecture: Architecture = "resnet20".parse()?;
    let weights = drawn_weights(architecture)?;
    let images: Vec<f32> = draw("images", 64 * 3 * 16 * 16).into_iter().map(|value| value as f32).collect();
    let images = Tensor::from_vec(images, (64, 3, 16, 16), &Device::Cpu)?;
    let labels: Vec<u32> = (0..64).map(|image| image * 7 % 10).collect();
    let step = |backend: &Backend, ranks: Ranks| -> Outcome<(Classifier, ParameterGradients)> {
        let mut network = Classifier::on(backend, architecture, 10, Normaliser::CIFAR10, &weights)?;
        network.share(Sharing { own_statistics: true, ..Sharing::among(ranks) });
        let found = network.parameter_gradients(&images, &labels)?;
        Ok((network, found))
    };
    let on = |backend: Backend| {
        Simulation::new(2, 0).run(|ranks| step(&backend, ranks).map_err(|error| error.to_string()))
    };
    for found in on(Backend::default()).into_iter().chain(on(Backend::candle_cpu())) {
        let (network, found) = found?;
        let loss = f64::from(found.loss()?);
        assert!((loss / golden["loss"].as_f64().ok_or("a loss")? - 1.0).abs() < 1e-5, "{loss}");
        for (name, gradient) in &found.gradients {
            let norm: f64 = wide(gradient).into_iter().map(|value| value * value).sum::<f64>().sqrt();
            let expected = golden["norms"][name].as_f64().ok_or("a norm")?;
            assert!((norm / expected - 1.0).abs() < 1e-3, "{name}: {norm}, {expected}");
        }
        for (name, expected) in golden["first"].as_object().ok_or("gradients")? {
            let (found, expected) = (wide(&found.gradients[name]), numbers(expected)?);
            let size = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 2e-3 * size, "{name}: {found}, {expected}");
            }
        }
        for (name, expected) in golden["buffers"].as_object().ok_or("buffers")? {
            let found = wide(network.buffers()[name].as_tensor());
            for (found, expected) in found.iter().zip(numbers(expected)?) {
                assert!(
                    (found - expected).abs() < 1e-5 * expected.abs().max(1.0),
                    "{name}: {found}, {expected}"
                );
            }
        }
    }
    Ok(())
}
