//! Whole networks on 32×32 images, in images a second: a training step (forward, backward, SGD) and the step that the
//! gradient spectrum is made of (forward, backward to the pixels); in f32, and in bf16 (no faster than f32 on processors
//! without instructions for it).

use std::hint::black_box;

use benches::{numbers, settings};
use candle_core::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use models::{Architecture, Backend, Classifier, Normaliser, Precision};
use training::Sgd;

const NETWORKS: [&str; 2] = ["resnet18", "resnet20"];

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What convolutions multiply, and what that is called.
const PRECISIONS: [(Precision, &str); 2] = [(Precision::Full, ""), (Precision::Bf16, " bf16")];

fn classifier(name: &str, precision: Precision) -> Result<Classifier, Box<dyn std::error::Error>> {
    let architecture: Architecture = name.parse()?;
    let weights = training::initialise(&architecture.graph(10).shapes(), 0)?;
    Ok(Classifier::on(&Backend::Cpu(precision), architecture, 10, Normaliser::CIFAR10, &weights)?)
}

/// Pixels in 0..1, and labels.
fn batch(images: usize) -> candle_core::Result<(Tensor, Vec<u32>)> {
    let pixels: Vec<f32> = numbers(1, images * 3072).iter().map(|value| 0.5 + 0.5 * value).collect();
    let labels = (0..images as u32).map(|image| image % 10).collect();
    Ok((Tensor::from_vec(pixels, (images, 3, 32, 32), &Device::Cpu)?, labels))
}

fn training_steps(criterion: &mut Criterion) {
    for (name, precision) in
        NETWORKS.into_iter().flat_map(|name| PRECISIONS.map(|precision| (name, precision)))
    {
        training_step(criterion, name, precision, 128).expect("a step that succeeds");
    }
}

fn training_step(
    criterion: &mut Criterion,
    name: &str,
    (precision, suffix): (Precision, &str),
    images: usize,
) -> Outcome {
    let (mut classifier, mut sgd) = (classifier(name, precision)?, Sgd::new(0.9, 5e-4));
    let (pixels, labels) = batch(images)?;
    let mut group = criterion.benchmark_group("training step");
    group.throughput(Throughput::Elements(images as u64)).sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::new(name, format!("{images} images{suffix}")), |bench| {
        bench.iter(|| {
            let found =
                classifier.parameter_gradients(black_box(&pixels), &labels).expect("a batch that fits");
            // So small a rate that the network stays what it is, however often it is moved.
            sgd.step(classifier.parameters(), &found.gradients, 1e-6).expect("gradients of the parameters");
        });
    });
    group.finish();
    Ok(())
}

fn input_gradients(criterion: &mut Criterion) {
    for (name, precision) in
        NETWORKS.into_iter().flat_map(|name| PRECISIONS.map(|precision| (name, precision)))
    {
        for images in [64, 128] {
            input_gradient(criterion, name, precision, images).expect("a step that succeeds");
        }
    }
}

fn input_gradient(
    criterion: &mut Criterion,
    name: &str,
    (precision, suffix): (Precision, &str),
    images: usize,
) -> Outcome {
    let (frozen, (pixels, labels)) = (classifier(name, precision)?.freeze()?, batch(images)?);
    let mut group = criterion.benchmark_group("input gradient");
    group.throughput(Throughput::Elements(images as u64)).sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::new(name, format!("{images} images{suffix}")), |bench| {
        bench.iter(|| frozen.input_gradient(black_box(&pixels), &labels).expect("a batch that fits"));
    });
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = settings();
    targets = training_steps, input_gradients
}
criterion_main!(benches);
