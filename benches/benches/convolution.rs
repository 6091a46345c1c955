//! Convolutions and batch-norm passes of the blocked engine, on each instruction set but the portable one, convolutions on the
//! best one in bf16 too; one layer by candle's own `conv2d` for comparison.
//!
//! Throughput is in operations of the direct sum for convolutions (Gelem/s reads as GFLOP/s), in weights for packing,
//! in values for batch-norm.

use std::hint::black_box;

use benches::{ACTIVATIONS, LAYERS, Layer, len, numbers, settings};
use candle_core::{Device, Result, Tensor};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use kernels::{
    Precision,
    blocked::{
        Arena, Blocked, ChannelAffine, ChannelAffineGradient, Convolution, Dims, InstructionSet,
        channel_affine, channel_affine_gradient, channel_sums, gate, moments,
    },
};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The instruction sets that people run.
fn instruction_sets() -> Vec<InstructionSet> {
    let mut instruction_sets = InstructionSet::available();
    instruction_sets.retain(|&instructions| {
        instructions != InstructionSet::PORTABLE || cfg!(not(target_arch = "x86_64"))
    });
    instruction_sets
}

/// The ways that convolutions are computed, with their names.
fn ways() -> Vec<(String, InstructionSet, Precision)> {
    let exact = instruction_sets()
        .into_iter()
        .map(|instructions| (instructions.name().to_owned(), instructions, Precision::Full));
    let best = InstructionSet::available()[0];
    let rounded = best.has_bf16().then(|| (format!("{} bf16", best.name()), best, Precision::Bf16));
    exact.chain(rounded).collect()
}

/// A layer computed in a way, and what its passes take.
struct Prepared {
    convolution: Convolution,
    weight: Vec<f32>,
    x: Blocked,
    g: Blocked,
    arena: Arena,
}

impl Prepared {
    fn new(layer: &Layer, instructions: InstructionSet, precision: Precision) -> Self {
        let arena = Arena::default();
        let weight = numbers(1, layer.weights());
        let blocked = |seed, dims| Blocked::from_nchw(&numbers(seed, len(dims)), dims, &arena);
        let (x, g) = (blocked(2, layer.input()), blocked(3, layer.output()));
        // Where AMX goes forward in f32 on tiles; elsewhere it is the same as for evaluation.
        let convolution = Convolution::for_training(precision, &weight, layer.shape, true, instructions);
        Self { convolution, weight, x, g, arena }
    }
}

/// Times one pass of every layer in every way.
fn each_layer(
    criterion: &mut Criterion,
    pass: &str,
    amount: fn(&Layer) -> u64,
    run: impl Fn(&mut Prepared, &Layer),
) {
    let mut group = criterion.benchmark_group(pass);
    for layer in &LAYERS {
        group.throughput(Throughput::Elements(amount(layer)));
        for (name, instructions, precision) in ways() {
            let mut prepared = Prepared::new(layer, instructions, precision);
            group.bench_function(BenchmarkId::new(layer.name, name), |bench| {
                bench.iter(|| run(&mut prepared, layer));
            });
        }
    }
    group.finish();
}

fn forward(criterion: &mut Criterion) {
    each_layer(criterion, "convolution forward", Layer::operations, |at, _| {
        at.arena.recycle(at.convolution.forward(black_box(&at.x), &at.arena));
    });
}

fn input_gradient(criterion: &mut Criterion) {
    each_layer(criterion, "convolution input gradient", Layer::operations, |at, layer| {
        at.arena.recycle(at.convolution.input_gradient(black_box(&at.g), layer.input(), &at.arena));
    });
}

fn weight_gradient(criterion: &mut Criterion) {
    each_layer(criterion, "convolution weight gradient", Layer::operations, |at, _| {
        black_box(at.convolution.weight_gradient(black_box(&at.x), &at.g, &at.arena));
    });
}

fn repack(criterion: &mut Criterion) {
    let weights = |layer: &Layer| layer.weights() as u64;
    each_layer(criterion, "convolution repack", weights, |at, _| {
        at.convolution.repack(black_box(&at.weight));
    });
}

fn batch_norm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch-norm");
    for dims in ACTIVATIONS {
        group.throughput(Throughput::Elements(len(dims) as u64));
        // AMX has nothing of its own for it.
        let instruction_sets =
            instruction_sets().into_iter().filter(|instructions| instructions.name() != "amx");
        instruction_sets.for_each(|instructions| batch_norm_passes(&mut group, dims, instructions));
    }
    group.finish();
}

/// Forward: moments, then normalise, add the shortcut, ReLU. Backward: gate, the channels' sums, the affine map's gradient.
fn batch_norm_passes(group: &mut Group<'_>, dims: Dims, instructions: InstructionSet) {
    let arena = Arena::default();
    let blocked = |seed| Blocked::from_nchw(&numbers(seed, len(dims)), dims, &arena);
    let (x, residual, mut g) = (blocked(1), blocked(2), blocked(3));
    let [a, b, c] = [4, 5, 6].map(|seed| numbers(seed, dims.channels));
    let how = ChannelAffine { scale: &a, shift: &b, residual: Some(&residual), relu: true };
    let mask = channel_affine(&x, how, instructions, &arena).1.expect("a mask with ReLU");
    let id =
        |pass| BenchmarkId::new(format!("{pass} {} @{}", dims.channels, dims.height), instructions.name());
    group.bench_function(id("moments"), |bench| bench.iter(|| moments(black_box(&x), instructions)));
    group.bench_function(id("channel affine"), |bench| {
        bench.iter(|| {
            let (y, mask) = channel_affine(black_box(&x), how, instructions, &arena);
            arena.recycle(y);
            mask.into_iter().for_each(|mask| arena.recycle_mask(mask));
        });
    });
    group.bench_function(id("gate"), |bench| bench.iter(|| gate(black_box(&mut g), &mask, instructions)));
    group.bench_function(id("channel sums"), |bench| {
        bench.iter(|| channel_sums(black_box(&g), Some(&mask), &x, &a, instructions));
    });
    let how = ChannelAffineGradient { mask: Some(&mask), x: Some((&x, &b, &c)), a: &a, has_residual: true };
    let mut gradient = Some(g);
    group.bench_function(id("channel affine gradient"), |bench| {
        bench.iter(|| {
            let g = gradient.take().expect("the gradient comes back as the residual's");
            let (of_x, of_residual) = channel_affine_gradient(black_box(g), how, instructions, &arena);
            arena.recycle(of_x);
            gradient = of_residual;
        });
    });
}

/// The layer that ResNet-18 has most of, by candle; its backward pass computes both gradients.
fn candle(criterion: &mut Criterion) {
    compare(criterion, &LAYERS[1]).expect("the layer fits");
}

fn compare(criterion: &mut Criterion, layer: &Layer) -> Result<()> {
    // Sixteen images: candle takes seconds for 128.
    let layer = Layer { images: 16, ..*layer };
    let (input, shape) = (layer.input(), layer.shape);
    let tensor = |seed, dims: [usize; 4]| {
        Tensor::from_vec(numbers(seed, dims.iter().product()), dims.as_slice(), &Device::Cpu)
    };
    let x = tensor(1, [input.images, input.channels, input.height, input.width])?;
    let weight = tensor(2, [shape.outputs, shape.inputs, shape.kernel[0], shape.kernel[1]])?;
    let mut group = criterion.benchmark_group("convolution forward, 16 images");
    group.throughput(Throughput::Elements(layer.operations()));
    group.bench_function(BenchmarkId::new(layer.name, "candle"), |bench| {
        bench.iter(|| black_box(&x).conv2d(&weight, shape.padding[0], shape.stride, 1, 1));
    });
    for (name, instructions, precision) in ways() {
        let at = Prepared::new(&layer, instructions, precision);
        group.bench_function(BenchmarkId::new(layer.name, name), |bench| {
            bench.iter(|| at.arena.recycle(at.convolution.forward(black_box(&at.x), &at.arena)));
        });
    }
    group.finish();
    Ok(())
}

criterion_group! {
    name = benches;
    config = settings();
    targets = forward, input_gradient, weight_gradient, repack, batch_norm, candle
}
criterion_main!(benches);
