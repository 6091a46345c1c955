//! How many images a second a device learns from and differentiates: ResNet-18 on images of 32×32 pixels, unless told otherwise.
//!
//! ```sh
//! cargo run --release -p examples --example device_speed -- cpu resnet18 128
//! ```
//! Devices are `cpu`, `cpu:bf16`, `cpu-plain` (what GPUs run, on the CPU) and, in a build with `--features cuda`, `cuda:0`,
//! `cuda:0:tf32` and `cuda:0:bf16`, where `tf32` and `bf16` round what convolutions multiply. Each batch is copied to a GPU anew, while
//! the one before it is computed.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::{
    env,
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Tensor};
use kernels::device::{BandMeans, Uploads};
use models::{Architecture, Backend, Classifier, Normaliser, Precision};
use spectral::{Convention, Profiler, RadialBins, Recipe};
use training::Sgd;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How long a measurement goes on at least, after one step that is not counted.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

fn main() -> Outcome {
    let mut arguments = env::args().skip(1);
    let device = arguments.next().unwrap_or_else(|| "cpu".to_owned());
    let name = arguments.next().unwrap_or_else(|| "resnet18".to_owned());
    let images: usize = arguments.next().map_or(Ok(128), |count| count.parse())?;
    let backend = backend(&device)?;
    let architecture: Architecture = name.parse()?;
    let weights = training::initialise(&architecture.graph(10).shapes(), 1)?;
    let mut network = Classifier::on(&backend, architecture, 10, Normaliser::CIFAR10, &weights)?;
    let mut pixels = Pixels::new(images, backend.device())?;
    let labels: Vec<u32> = (0..images as u32).map(|image| image % 10).collect();

    let mut sgd = Sgd::new(0.9, 5e-4);
    let training = images_per_second(images, || {
        let found = network.parameter_gradients(&pixels.next()?, &labels)?;
        sgd.step(network.parameters(), &found.gradients, 1e-3)?;
        // Steps are queued; only the last one is waited for.
        Ok(found)
    })?;
    println!("{device} {name} training {training:.0} images/s");

    let frozen = network.freeze()?;
    let spectra = Spectra::new(&backend)?;
    let spectrum = images_per_second(images, || {
        let found = frozen.input_gradient(&pixels.next()?, &labels)?;
        spectra.of(&found.gradient)
    })?;
    println!("{device} {name} gradient-spectrum {spectrum:.0} images/s");
    assert!(training > 0.0 && spectrum > 0.0, "a device that does nothing");
    Ok(())
}

fn backend(device: &str) -> Outcome<Backend> {
    Ok(match device {
        "cpu" => Backend::default(),
        "cpu:bf16" => Backend::Cpu(Precision::Bf16),
        "cpu-plain" => Backend::candle_cpu(),
        "cuda:0" => Backend::cuda(0, Precision::Full)?,
        "cuda:0:tf32" => Backend::cuda(0, Precision::Tf32)?,
        "cuda:0:bf16" => Backend::cuda(0, Precision::Bf16)?,
        other => {
            return Err(format!(
                "{other}: expected cpu, cpu:bf16, cpu-plain, cuda:0, cuda:0:tf32 or cuda:0:bf16"
            )
            .into());
        }
    })
}

/// Batches of the same images, one always under way.
struct Pixels {
    values: Vec<f32>,
    shape: (usize, usize, usize, usize),
    uploads: Uploads,
}

impl Pixels {
    fn new(images: usize, device: &Device) -> Outcome<Self> {
        let shape = (images, 3, 32, 32);
        let values = Tensor::rand(0f32, 1f32, shape, &Device::Cpu)?.flatten_all()?.to_vec1()?;
        let mut uploads = Uploads::new(device)?;
        uploads.begin(&values, shape)?;
        Ok(Self { values, shape, uploads })
    }

    fn next(&mut self) -> Outcome<Tensor> {
        let batch = self.uploads.take()?;
        self.uploads.begin(&self.values, self.shape)?;
        Ok(batch)
    }
}

/// Where gradients are, their profiles: from a device a row an image comes back.
enum Spectra {
    Host(Box<Profiler>),
    Device(BandMeans),
}

impl Spectra {
    fn new(backend: &Backend) -> Outcome<Self> {
        let bins = RadialBins::new(32, 32, Convention::Reference);
        Ok(match backend {
            Backend::Cpu(_) => {
                Self::Host(Box::new(Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?))
            }
            Backend::Candle { device, .. } => {
                Self::Device(BandMeans::new([32, 32], &bins.half_weights(), bins.len(), device)?)
            }
        })
    }

    fn of(&self, gradient: &Tensor) -> Outcome<usize> {
        Ok(match self {
            Self::Host(profiler) => {
                profiler.profiles(&gradient.flatten_all()?.to_vec1::<f32>()?)?.rows().count()
            }
            Self::Device(means) => {
                means.of_gradients(gradient)?.to_dtype(DType::F32)?.to_vec2::<f32>()?.len()
            }
        })
    }
}

/// The rate of a step on so many images; the device is waited for at the end.
fn images_per_second<T: Settle>(images: usize, mut step: impl FnMut() -> Outcome<T>) -> Outcome<f64> {
    step()?.settle()?;
    let started = Instant::now();
    let (mut steps, mut last) = (0, step()?);
    while started.elapsed() < LONG_ENOUGH || steps < 2 {
        last = step()?;
        steps += 1;
        if steps % 10 == 0 {
            // A queue without end would be measured instead of the device.
            last.settle()?;
        }
    }
    last.settle()?;
    Ok(((steps + 1) * images) as f64 / started.elapsed().as_secs_f64())
}

/// What a device may still be at work on.
trait Settle {
    fn settle(&self) -> Outcome;
}

impl Settle for models::ParameterGradients {
    fn settle(&self) -> Outcome {
        self.loss()?;
        Ok(())
    }
}

impl Settle for usize {
    fn settle(&self) -> Outcome {
        Ok(())
    }
}
