//! What several processes send for a training step, and how fast they are together.
//!
//! ```text
//! cargo bench -p benches --bench sharing -- resnet18 128 32
//! ```
//! prints the bytes that a process of two and of four sends, beside those of the gradients, and the images per second of this process alone. Started
//! by `torchrun --no-python`, it prints the images per second of all ranks together.
#![allow(clippy::print_stdout, reason = "a table for people")]

use std::{error::Error, time::Instant};

use benches::numbers;
use candle_core::{Device, Tensor};
use models::{Architecture, Classifier, Normaliser, Sharing};
use ranks::{PATIENCE, Ranks, Simulation};

/// Steps that are counted, after one that is not.
const STEPS: usize = 5;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

struct Task {
    architecture: Architecture,
    pixels: Tensor,
    labels: Vec<u32>,
}

impl Task {
    fn network(&self, ranks: &Ranks) -> Outcome<Classifier> {
        let weights = training::initialise(&self.architecture.graph(10).shapes(), 0)?;
        let mut network = Classifier::new(self.architecture, 10, Normaliser::CIFAR10, &weights)?;
        network.share(Sharing::among(ranks.clone()));
        Ok(network)
    }

    /// Bytes that rank 0 of so many sends for a step.
    fn bytes(&self, size: usize) -> Outcome<u64> {
        let sent = Simulation::new(size, 0).with_delays(0).run(|ranks| -> Result<u64, String> {
            let step = || -> Outcome<u64> {
                self.network(&ranks)?.parameter_gradients(&self.pixels, &self.labels)?;
                Ok(ranks.sent())
            };
            step().map_err(|error| error.to_string())
        });
        Ok(sent.into_iter().collect::<Result<Vec<_>, _>>()?[0])
    }

    fn images_per_second(&self, ranks: &Ranks) -> Outcome<f64> {
        let mut network = self.network(ranks)?;
        network.parameter_gradients(&self.pixels, &self.labels)?;
        ranks.barrier()?;
        let started = Instant::now();
        for _ in 0..STEPS {
            network.parameter_gradients(&self.pixels, &self.labels)?;
        }
        Ok((STEPS * self.labels.len()) as f64 / started.elapsed().as_secs_f64())
    }
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let argument = |place: usize, default: &str| arguments.get(place).map_or(default, |word| word).to_owned();
    let architecture: Architecture = argument(0, "resnet18").parse()?;
    let (images, side): (usize, usize) = (argument(1, "128").parse()?, argument(2, "32").parse()?);
    let pixels: Vec<f32> = numbers(1, images * 3 * side * side).iter().map(|x| 0.5 + 0.5 * x).collect();
    let pixels = Tensor::from_vec(pixels, (images, 3, side, side), &Device::Cpu)?;
    let labels = (0..images as u32).map(|image| image % 10).collect();
    let task = Task { architecture, pixels, labels };

    let ranks = ranks::started(PATIENCE, &|_| ())?;
    if ranks.is_alone() {
        let weights: usize =
            architecture.graph(10).parameters().values().map(|shape| shape.iter().product::<usize>()).sum();
        println!("gradients: {:.1} MB", megabytes(4 * weights as u64));
        for size in [2, 4] {
            println!("{size} processes: {:.1} MB sent by each for a step", megabytes(task.bytes(size)?));
        }
    }
    let rate = task.images_per_second(&ranks)?;
    if ranks.is_first() {
        let threads = rayon::current_num_threads();
        println!("{} processes of {threads} threads: {rate:.1} images/s", ranks.size());
    }
    ranks.end()?;
    ranks.finish();
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
