//! Transforms, profiles and hybrids of `spectral`. Transforms count planes, the others images; all run on all threads.

use std::hint::black_box;

use benches::{numbers, settings};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spectral::{Convention, Error, Hybrid, Profiler, RadialBins, RealFft2, Recipe};

/// Planes, height, width: batches of small images, of photographs, and sizes that are no powers of two, one of them a prime number.
const PLANES: [(usize, usize, usize); 9] = [
    (3072, 32, 32),
    (768, 64, 64),
    (96, 224, 224),
    (96, 256, 256),
    (64, 299, 299),
    (64, 331, 331),
    (64, 384, 384),
    (1024, 33, 33),
    (256, 96, 100),
];

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fft of real planes");
    for (planes, height, width) in PLANES {
        let batch = numbers(1, planes * height * width);
        let plan = RealFft2::<f32>::new(height, width).expect("planes larger than 2×2");
        let mut spectra = plan.transform_batch(&batch).expect("whole planes");
        group.throughput(Throughput::Elements(planes as u64));
        let id = BenchmarkId::new(format!("{height}x{width}"), format!("{planes} planes"));
        group.bench_function(id, |bench| {
            bench.iter(|| plan.transform_batch_into(black_box(&batch), &mut spectra).expect("whole planes"));
        });
    }
    group.finish();
}

fn radial_averages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("radial average of a plane");
    for (_, height, width) in PLANES {
        let plane: Vec<f64> = numbers(2, height * width).into_iter().map(f64::from).collect();
        let bins = RadialBins::new(height, width, Convention::Reference);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{height}x{width}"), |bench| {
            bench.iter(|| bins.average(black_box(&plane)));
        });
    }
    group.finish();
}

/// From the pixels or gradients of a batch to a profile per image.
fn profiles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("profiles");
    for (recipe, name) in
        [(Recipe::Gradient, "gradient"), (Recipe::Density, "density"), (Recipe::Power, "power")]
    {
        for (images, size) in [(1024, 32), (32, 224)] {
            let batch = numbers(3, images * 3 * size * size);
            let profiler = profiler(recipe, size).expect("planes large enough for bands");
            group.throughput(Throughput::Elements(images as u64));
            let id = BenchmarkId::new(name, format!("{size}x{size}x3, {images} images"));
            group.bench_function(id, |bench| bench.iter(|| profiler.profiles(black_box(&batch))));
        }
    }
    group.finish();
}

/// From the bytes of two batches to those of their hybrids.
fn hybrids(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hybrids");
    let bytes = |seed, count| -> Vec<u8> {
        numbers(seed, count).into_iter().map(|value| (127.0 + 127.0 * value) as u8).collect()
    };
    for (images, size, radius) in [(1024, 32, 12), (256, 64, 24), (32, 224, 84)] {
        let count = images * 3 * size * size;
        let (high, low, mut out) = (bytes(4, count), bytes(5, count), vec![0; count]);
        let hybrid = Hybrid::new(3, size, size, radius).expect("planes larger than 2×2");
        group.throughput(Throughput::Elements(images as u64));
        group.bench_function(format!("{size}x{size}x3, {images} images"), |bench| {
            bench.iter(|| hybrid.apply_into(black_box(&high), &low, &mut out).expect("whole images"));
        });
    }
    group.finish();
}

fn profiler(recipe: Recipe, size: usize) -> Result<Profiler, Error> {
    Profiler::new(recipe, 3, size, size, Convention::Reference)
}

criterion_group! {
    name = benches;
    config = settings();
    targets = transforms, radial_averages, profiles, hybrids
}
criterion_main!(benches);
