//! Toy kernels at the paper's size, 16 of 7×7 on 32×32 images, in images a second: a step of their fit (forward, losses, backward,
//! SGD) and the making of images with them (forward, joining of frequencies), whole and in parts.

use std::hint::black_box;

use benches::{numbers, settings};
use candle_core::{Device, Tensor};
use cdes::{Objective, Restructurer, ToyKernels, noise_generator, noisy, target_density};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use training::Sgd;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const SIDE: usize = 32;
const STEP: usize = 100;
const MADE: usize = 100;

fn images(count: usize) -> candle_core::Result<Tensor> {
    let pixels: Vec<f32> =
        numbers(1, count * 3 * SIDE * SIDE).iter().map(|value| 0.5 + 0.5 * value).collect();
    Tensor::from_vec(pixels, (count, 3, SIDE, SIDE), &Device::Cpu)
}

fn steps(criterion: &mut Criterion) {
    step(criterion).expect("a step that succeeds");
}

fn step(criterion: &mut Criterion) -> Outcome {
    let (kernels, images) = (ToyKernels::new(16, 7, 0)?, images(STEP)?);
    let objective = Objective::new(SIDE, SIDE, target_density(20, SIDE, 1.0))?;
    let mut sgd = Sgd::new(0.9, 1e-4);
    let mut group = criterion.benchmark_group("kernel step");
    group.throughput(Throughput::Elements(STEP as u64)).sampling_mode(SamplingMode::Flat);
    group.bench_function("whole", |bench| {
        bench.iter(|| {
            let noisy = noisy(black_box(&images), &mut noise_generator(0, 0, 0)).expect("images");
            let (_, gradients) = kernels.gradients(&objective, &noisy).expect("images that fit");
            // So small a rate that the kernels stay what they are, however often they are moved.
            sgd.step(kernels.parameters(), &gradients, 1e-9).expect("gradients of the parameters");
        });
    });
    group.bench_function("objective alone", |bench| {
        bench.iter(|| objective.evaluate(black_box(&images), &images).expect("images that fit"));
    });
    group.finish();
    Ok(())
}

fn generations(criterion: &mut Criterion) {
    generation(criterion).expect("images that fit");
}

fn generation(criterion: &mut Criterion) -> Outcome {
    let (kernels, images) = (ToyKernels::new(16, 7, 0)?, images(MADE)?);
    let restructurer = Restructurer::new(SIDE, SIDE, 10)?;
    let made = kernels.apply(&images)?;
    let [low, high] =
        [&images, &made].map(|images| images.flatten_all().and_then(|values| values.to_vec1::<f32>()));
    let (low, high) = (low?, high?);
    let mut out = vec![0.0; low.len()];
    let mut group = criterion.benchmark_group("restructured images");
    group.throughput(Throughput::Elements(MADE as u64)).sampling_mode(SamplingMode::Flat);
    group.bench_function("whole", |bench| {
        bench.iter(|| {
            let noisy = noisy(black_box(&images), &mut noise_generator(0, 0, 0)).expect("images");
            let made = kernels.apply(&noisy).expect("images");
            restructurer.apply(&images, &made).expect("images of the planned size")
        });
    });
    group.bench_function("kernels alone", |bench| {
        bench.iter(|| kernels.apply(black_box(&images)).expect("images"));
    });
    group.bench_function("restructuring alone", |bench| {
        bench.iter(|| restructurer.apply_into(black_box(&low), &high, &mut out).expect("whole planes"));
    });
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = settings();
    targets = steps, generations
}
criterion_main!(benches);
