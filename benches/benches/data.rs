//! Data sets: photographs decoded and resized to batches, CIFAR-10 read from its files, and how long a trainer waits for batches.
#![allow(clippy::print_stdout, reason = "a part of the time is no figure of Criterion's")]

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use benches::{numbers, photograph, settings};
use candle_core::{Device, Tensor};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use datasets::{
    Augmentation, BatchOptions, ImageSet, Limits, Order, cifar,
    folder::{self, Options},
    synthetic::Synthetic,
};
use models::{Architecture, Classifier, Normaliser};
use training::Sgd;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const PHOTOGRAPHS: usize = 128;

fn photographs(folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for index in 0..PHOTOGRAPHS {
        fs::write(folder.join(format!("{index:04}.jpg")), photograph(index))?;
    }
    Ok(())
}

fn batches_of_photographs(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a folder");
    photographs(&root.path().join("train/all")).expect("files");
    let set = folder::load(root.path(), Options::default()).expect("photographs").train;
    let mut group = criterion.benchmark_group("500×375 JPEG to 224×224");
    group.throughput(Throughput::Elements(PHOTOGRAPHS as u64)).sampling_mode(SamplingMode::Flat);
    for (name, augmentation) in [("centre", None), ("random crop", Some(Augmentation::default()))] {
        let options = BatchOptions { batch_size: 64, augmentation, ..BatchOptions::default() };
        group.bench_function(name, |bench| {
            bench
                .iter(|| set.batches(options).for_each(|batch| drop(black_box(batch.expect("sound files")))));
        });
    }
    group.finish();
}

/// Sixty thousand records of noise, in the six files of CIFAR-10.
fn cifar10(root: &Path) -> Outcome {
    let pixels: Vec<u8> =
        numbers(3, 10_000 * 307).iter().map(|value| (127.0 + 127.0 * value) as u8).collect();
    let record = |index: usize| [&[(index % 10) as u8], &pixels[index * 300..][..3072]].concat();
    let records: Vec<u8> = (0..10_000).flat_map(record).collect();
    for index in 1..=5 {
        fs::write(root.join(format!("data_batch_{index}.bin")), &records)?;
    }
    Ok(fs::write(root.join("test_batch.bin"), &records)?)
}

fn reading(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a folder");
    cifar10(root.path()).expect("files");
    let mut group = criterion.benchmark_group("CIFAR-10 read");
    group.throughput(Throughput::Elements(60_000)).sampling_mode(SamplingMode::Flat);
    group.bench_function("60000 records", |bench| {
        bench.iter(|| cifar::load_cifar10(root.path(), Limits::default()).expect("a data set"));
    });
    group.finish();
}

/// The part of its time that a ResNet-18 trainer spends on waiting for the one loader thread, printed; what is measured is the step.
fn waiting(criterion: &mut Criterion) {
    let set = Synthetic { seed: 0, train: 2048, test: 0 }.generate().train;
    let architecture: Architecture = "resnet18".parse().expect("a network");
    let weights = training::initialise(&architecture.graph(10).shapes(), 0).expect("weights");
    let classifier = Classifier::new(architecture, 10, Normaliser::CIFAR10, &weights).expect("a network");
    let (mut network, mut waited, mut total) =
        (Network(classifier, Sgd::new(0.9, 5e-4)), Duration::ZERO, Duration::ZERO);
    let mut epoch = 0;
    criterion.bench_function("epoch of 2048 images, ResNet-18, 1 loader", |bench| {
        bench.iter_custom(|rounds| {
            let started = Instant::now();
            for _ in 0..rounds {
                waited += network.epoch(&set, epoch).expect("an epoch");
                epoch += 1;
            }
            total += started.elapsed();
            started.elapsed()
        });
    });
    println!(
        "waiting for batches: {:.2} % of the time",
        100.0 * waited.as_secs_f64() / total.as_secs_f64().max(1e-9)
    );
}

struct Network(Classifier, Sgd);

impl Network {
    /// Learns from all images; gives the time spent on waiting.
    fn epoch(&mut self, set: &ImageSet, epoch: u64) -> Result<Duration, Box<dyn std::error::Error>> {
        let order = Order::Shuffled { seed: 0, epoch };
        let augmentation = Some(Augmentation::default());
        let mut batches =
            set.batches(BatchOptions { order, augmentation, workers: 1, ..BatchOptions::default() });
        let mut waited = Duration::ZERO;
        loop {
            let asked = Instant::now();
            let Some(batch) = batches.next() else { return Ok(waited) };
            waited += asked.elapsed();
            let batch = batch?;
            let pixels = Tensor::from_slice(&batch.images, (batch.len(), 3, 32, 32), &Device::Cpu)?;
            let found = self.0.parameter_gradients(&pixels, &batch.labels)?;
            self.1.step(self.0.parameters(), &found.gradients, 1e-6)?;
        }
    }
}

criterion_group! {
    name = benches;
    config = settings();
    targets = batches_of_photographs, reading, waiting
}
criterion_main!(benches);
