//! What must not reach a result of the blocked engine: the number of threads, what lies in the lanes without an image,
//! and what earlier work left in the buffers.

use crate::common::{bits, fine};
use kernels::blocked::{
    Arena, Blocked, Cells, ChannelAffine, ChannelAffineGradient, Convolution, ConvolutionShape, Dims,
    InstructionSet, accumulate, channel_affine, channel_affine_gradient, channel_sums, gate, mean_pool,
    mean_pool_gradient, moments,
};

const fn shape(channels: [usize; 2], kernel: usize, stride: usize) -> ConvolutionShape {
    ConvolutionShape::same(channels, kernel, stride)
}

/// A convolution for each way that passes are computed.
const SHAPES: [ConvolutionShape; 13] = [
    shape([16, 24], 3, 1),
    shape([3, 16], 3, 1),
    shape([16, 3], 3, 1),
    shape([12, 20], 3, 2),
    shape([20, 12], 1, 2),
    shape([9, 5], 1, 1),
    shape([3, 16], 7, 1),
    shape([3, 16], 7, 2),
    ConvolutionShape { groups: 4, ..shape([16, 24], 3, 1) },
    ConvolutionShape { groups: 3, ..shape([12, 30], 3, 2) },
    ConvolutionShape { groups: 12, ..shape([12, 12], 5, 2) },
    ConvolutionShape { groups: 8, ..shape([8, 8], 7, 1) },
    ConvolutionShape { kernel: [10, 7], padding: [0, 0], ..shape([9, 20], 1, 1) },
];

/// Three blocks, the last one not full.
const IMAGES: usize = 37;

/// One block: fewer than there are threads.
const FEW: usize = 9;

fn input(shape: ConvolutionShape, images: usize) -> Dims {
    Dims { images, channels: shape.inputs, height: 10, width: 7 }
}

fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

/// Forward, input gradient and weight gradient.
fn passes(
    (shape, images): (ConvolutionShape, usize),
    instructions: InstructionSet,
    arena: &Arena,
    scale: f32,
) -> [Vec<f32>; 3] {
    let dims = input(shape, images);
    let out = shape.output_dims(dims);
    let scaled = |seed, len| fine(seed, len).iter().map(|x| x * scale).collect::<Vec<f32>>();
    let weight = fine(1, shape.weights());
    let convolution = Convolution::new(&weight, shape, true, instructions);
    let x = Blocked::from_nchw(&scaled(2, len(dims)), dims, arena);
    let g = Blocked::from_nchw(&scaled(3, len(out)), out, arena);
    let (y, dx) = (convolution.forward(&x, arena), convolution.input_gradient(&g, dims, arena));
    let found = [y.to_nchw(), dx.to_nchw(), convolution.weight_gradient(&x, &g, arena)];
    [x, g, y, dx].into_iter().for_each(|blocked| arena.recycle(blocked));
    found
}

/// Everything between convolutions, in the order of a residual block's steps.
fn pointwise(instructions: InstructionSet, arena: &Arena, scale: f32) -> Vec<Vec<f32>> {
    let dims = Dims { images: IMAGES, channels: 19, height: 9, width: 8 };
    let blocked = |seed| {
        let values: Vec<f32> = fine(seed, len(dims)).iter().map(|x| x * scale).collect();
        Blocked::from_nchw(&values, dims, arena)
    };
    let per_channel = |seed| fine(seed, dims.channels);
    let (x, residual, g) = (blocked(1), blocked(2), blocked(3));
    let found = moments(&x, instructions);
    let statistics = found.iter().flat_map(|m| split(m.mean).into_iter().chain(split(m.variance))).collect();
    let (factors, summands) = (per_channel(4), per_channel(5));
    let how = ChannelAffine { scale: &factors, shift: &summands, residual: Some(&residual), relu: true };
    let (y, mask) = channel_affine(&x, how, instructions, arena);
    let mask = mask.expect("a mask with ReLU");
    let sums = channel_sums(&g, Some(&mask), &x, &per_channel(6), instructions).pairs();
    let sums = sums.iter().flat_map(|(a, b)| split(*a).into_iter().chain(split(*b))).collect();
    let x_and_factors = Some((&x, &factors[..], &summands[..]));
    let how = ChannelAffineGradient { mask: Some(&mask), x: x_and_factors, a: &summands, has_residual: true };
    let (dx, g) = channel_affine_gradient(g, how, instructions, arena);
    let mut g = g.expect("a gradient of the residual");
    gate(&mut g, &mask, instructions);
    accumulate(&mut g, &dx, instructions);
    let cells = Cells::adaptive([1, 1], [dims.height, dims.width]);
    let means = mean_pool(&y, &cells, arena);
    let spread = mean_pool_gradient(&means, &cells, arena);
    let all = [&y, &dx, &g, &spread, &means].map(Blocked::to_nchw);
    let all = [statistics, sums].into_iter().chain(all).collect();
    [x, residual, g, y, dx, spread, means].into_iter().for_each(|blocked| arena.recycle(blocked));
    arena.recycle_mask(mask);
    all
}

/// A number of f64 as two of f32, whose bits tell it apart from others (almost).
fn split(value: f64) -> [f32; 2] {
    [value as f32, (value - f64::from(value as f32)) as f32]
}

fn to_bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_convolutions() {
    for (instructions, shape) in InstructionSet::available()
        .into_iter()
        .flat_map(|instructions| SHAPES.map(|shape| (instructions, shape)))
    {
        for images in [IMAGES, FEW] {
            let run = || passes((shape, images), instructions, &Arena::default(), 1.0).to_vec();
            let alone = bits(1, run);
            for threads in [2, 3] {
                let found = bits(threads, run);
                assert_eq!(found, alone, "{images} of {shape:?} by {instructions:?} on {threads} threads");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_steps_between() {
    for instructions in InstructionSet::available() {
        let run = || pointwise(instructions, &Arena::default(), 1.0);
        let alone = bits(1, run);
        for threads in [2, 3] {
            assert_eq!(bits(threads, run), alone, "{instructions:?} on {threads} threads");
        }
    }
}

/// Buffers full of NaN and infinity, as a diverging step leaves them, do not show in the next one.
#[test]
fn used_buffers_leave_no_trace() {
    for instructions in InstructionSet::available() {
        let used = Arena::default();
        for shape in SHAPES {
            let fresh = passes((shape, IMAGES), instructions, &Arena::default(), 1.0);
            let [y, _, dweight] = passes((shape, IMAGES), instructions, &used, f32::NAN);
            assert!(y.iter().chain(&dweight).all(|value| value.is_nan()), "NaN goes everywhere");
            for (found, expected) in passes((shape, IMAGES), instructions, &used, 1.0).iter().zip(&fresh) {
                assert_eq!(to_bits(found), to_bits(expected), "{shape:?} by {instructions:?}");
            }
        }
        let fresh = pointwise(instructions, &Arena::default(), 1.0);
        pointwise(instructions, &used, f32::NAN);
        for (found, expected) in pointwise(instructions, &used, 1.0).iter().zip(&fresh) {
            assert_eq!(to_bits(found), to_bits(expected), "steps between, by {instructions:?}");
        }
    }
}

/// Activations whose lanes without an image hold `filler`: what is added there comes from a batch that has images in
/// those lanes.
fn with_filler(
    values: &[f32],
    dims: Dims,
    filler: f32,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let full = Dims { images: dims.blocks() * 16, ..dims };
    let residual: Vec<f32> = (0..len(full)).map(|i| if i < len(dims) { 0.0 } else { filler }).collect();
    let residual = Blocked::from_nchw(&residual, full, arena);
    let (ones, zeros) = (vec![1.0; dims.channels], vec![0.0; dims.channels]);
    let how = ChannelAffine { scale: &ones, shift: &zeros, residual: Some(&residual), relu: false };
    channel_affine(&Blocked::from_nchw(values, dims, arena), how, instructions, arena).0
}

/// Lanes keep to themselves: what an activation holds beside its images is in no image's result.
#[test]
fn lanes_without_an_image_stay_alone() {
    for (instructions, shape) in InstructionSet::available()
        .into_iter()
        .flat_map(|instructions| SHAPES.map(|shape| (instructions, shape)))
    {
        let (dims, arena) = (input(shape, IMAGES), Arena::default());
        let weight = fine(1, shape.weights());
        let convolution = Convolution::new(&weight, shape, true, instructions);
        let values = fine(2, len(dims));
        let clean = Blocked::from_nchw(&values, dims, &arena);
        let dirty = with_filler(&values, dims, f32::NAN, instructions, &arena);
        assert_eq!(dirty.to_nchw(), values, "the images are as they were");
        let [y, expected] = [&dirty, &clean].map(|x| convolution.forward(x, &arena));
        assert_eq!(y.to_nchw(), expected.to_nchw(), "forward of {shape:?} by {instructions:?}");
        let cells = Cells::adaptive([1, 1], [dims.height, dims.width]);
        let [found, expected] = [&dirty, &clean].map(|x| mean_pool(x, &cells, &arena).to_nchw());
        assert_eq!(found, expected, "means");
        assert_eq!(
            moments(&dirty, instructions),
            moments(&clean, instructions),
            "moments by {instructions:?}"
        );
        // Sums over images cannot tell lanes apart: there the gradient is zero, against any number.
        let out = shape.output_dims(dims);
        let g = Blocked::from_nchw(&fine(3, len(out)), out, &arena);
        let dirty = with_filler(&values, dims, 1e20, instructions, &arena);
        let [found, expected] = [&dirty, &clean].map(|x| convolution.weight_gradient(x, &g, &arena));
        assert_eq!(found, expected, "weight gradient of {shape:?} by {instructions:?}");
    }
}

/// A gradient that batch-norm's backward makes has zeros beside its images, though its constants are added everywhere.
#[test]
fn combined_gradients_are_zero_beside_the_images() {
    let dims = Dims { images: 18, channels: 3, height: 5, width: 4 };
    let (values, ones, arena) = (fine(1, len(dims)), vec![1.0; 3], Arena::default());
    for instructions in InstructionSet::available() {
        for filler in [1e20, f32::NAN] {
            let x = with_filler(&values, dims, filler, instructions, &arena);
            let g = Blocked::from_nchw(&values, dims, &arena);
            let x = Some((&x, &ones[..], &ones[..]));
            let how = ChannelAffineGradient { mask: None, x, a: &ones, has_residual: true };
            let (dx, g) = channel_affine_gradient(g, how, instructions, &arena);
            let g = g.expect("a gradient of the residual");
            // Σ dx over all lanes; a lane without an image would add its 1.
            let plain = dx.to_nchw();
            let found = channel_sums(&dx, None, &g, &[0.0; 3], instructions).pairs();
            for (channel, (_, sum)) in found.into_iter().enumerate() {
                let planes = plain.chunks(dims.pixels()).skip(channel).step_by(dims.channels);
                let expected: f64 = planes.flatten().map(|&value| f64::from(value)).sum();
                assert!(
                    (sum - expected).abs() < 1e-3,
                    "channel {channel} by {instructions:?}: {sum}, {expected}"
                );
            }
        }
    }
}
