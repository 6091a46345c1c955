//! The gradient of a direct convolution's weights: patches of the input and gradients, turned so that a vector holds sixteen rows of
//! one sample, and multiplied.
#![allow(unsafe_code)]

use super::{
    ConvolutionShape,
    factors::{Factors, run_with},
    gemm::{self, Inner, Turned, summands_of_images},
    patches::pixels_at_once,
    simd::{InstructionSet, Kernel, LANES, Lane, Simd},
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::{collect, for_each_part};

/// Bytes of turned patches at once: a weight gradient sums over the pixels at once and pays for every sum, so it takes many.
const SCRATCH: usize = 4 << 20;

/// Partial sums of a weight gradient, however many threads there are: the bits must not depend on them.
const PARTIAL_SUMS: usize = 4;

/// The gradient of the weights, (outputs, inputs / groups, rows, columns of the kernel).
pub(super) fn weight_gradient<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    if g.dims.pixels() == 1 && shape.groups == 1 {
        return weight_gradient_of_one_pixel::<F>(x, g, shape, instructions, arena);
    }
    let (groups, part) = (shape.groups, shape.part());
    let parts = PARTIAL_SUMS.min(x.dims.blocks() * g.dims.pixels());
    let partial =
        |index: usize| partial_weight_gradient::<F>(x, g, shape, (index, parts), instructions, arena);
    let partials: Vec<Vec<Lane>> = collect(groups * parts, 1, partial);
    let columns = part.depth().div_ceil(LANES);
    let total = partials.chunks(parts).flat_map(|partials| sum_rows(partials, part, columns)).collect();
    partials.into_iter().for_each(|sums| arena.give(sums));
    total
}

/// One of `parts` sums for one group: sum `index` mod `parts` of group `index` / `parts`. Each is over whole blocks, if there are enough.
fn partial_weight_gradient<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    (index, parts): (usize, usize),
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<Lane> {
    let (groups, part, to) = (shape.groups, shape.part(), g.dims);
    let (group, piece) = (index / parts, index % parts);
    let (rows, columns) = (part.outputs.div_ceil(LANES), part.depth().div_ceil(LANES));
    let blocks = x.dims.blocks();
    let each = summands_of_images(F);
    let at_once = pixels_at_once((rows + columns) * each, to.pixels(), SCRATCH);
    let mut sums = arena.take(part.outputs * columns);
    sums.fill(Lane::ZERO);
    let mut patches = arena.take(columns * at_once * each);
    let mut turned = arena.take(rows * at_once * each);
    let unit = if blocks < parts { to.pixels() } else { 1 };
    let edge = |piece: usize| piece * blocks * unit / parts * (to.pixels() / unit);
    let (first, end) = (edge(piece), edge(piece + 1));
    for block in first / to.pixels()..end.div_ceil(to.pixels()) {
        let pixels = first.max(block * to.pixels())..end.min((block + 1) * to.pixels());
        let pixels = pixels.start - block * to.pixels()..pixels.end - block * to.pixels();
        let place = block * groups + group;
        let (x_part, g_part) = (x.part(place, groups), g.part(place, groups));
        for start in pixels.clone().step_by(at_once) {
            let count = at_once.min(pixels.end - start);
            let samples = count * each;
            let range = Range { start, count, sample: 0, samples };
            let patches = &mut patches[..];
            let turn =
                TurnPatches::<F> { x: x_part, from: x.dims, shape: part, to, range, patches: &mut *patches };
            run_with::<F, _>(instructions, turn);
            let channels = part.outputs;
            let (g, pixels, turned_to) = (g_part, to.pixels(), &mut turned[..]);
            run_with::<F, _>(instructions, TurnPlanes::<F> { g, pixels, channels, range, turned: turned_to });
            let (a, b) =
                (Turned { data: &turned, stride: samples }, Turned { data: patches, stride: samples });
            let (rows, columns, out) = (part.outputs, part.depth(), &mut sums[..]);
            run_with::<F, _>(instructions, Inner::<F> { a, rows, b, columns, samples, is_first: false, out });
        }
    }
    arena.give(patches);
    arena.give(turned);
    sums
}

/// The same where the output is one pixel, as in linear layers: there are few samples and many weights, so that all samples are
/// summed at once, some rows of weights at a time.
fn weight_gradient_of_one_pixel<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    let (rows, columns) = (shape.outputs.div_ceil(LANES), shape.depth().div_ceil(LANES));
    let each = summands_of_images(F);
    let samples = x.dims.blocks() * each;
    let (mut patches, mut turned) = (arena.take(columns * samples), arena.take(rows * samples));
    for block in 0..x.dims.blocks() {
        let range = Range { start: 0, count: 1, sample: block * each, samples };
        let (x_part, to) = (x.block(block), g.dims);
        let turn = TurnPatches::<F> { x: x_part, from: x.dims, shape, to, range, patches: &mut patches };
        run_with::<F, _>(instructions, turn);
        let channels = shape.outputs;
        let turn = TurnPlanes::<F> { g: g.block(block), pixels: 1, channels, range, turned: &mut turned };
        run_with::<F, _>(instructions, turn);
    }
    let depth = shape.depth();
    let mut total = vec![0.0; shape.outputs * depth];
    for_each_part(&mut total, LANES * depth, |group, total| {
        let turned = &turned[group * samples..][..samples];
        let rows = total.len() / depth;
        let mut sums = arena.take(rows * columns);
        let (a, b) = (Turned { data: turned, stride: samples }, Turned { data: &patches, stride: samples });
        let out = &mut sums[..];
        run_with::<F, _>(
            instructions,
            Inner::<F> { a, rows, b, columns: depth, samples, is_first: true, out },
        );
        for (total, sums) in total.chunks_mut(depth).zip(sums.chunks(columns)) {
            total.chunks_mut(LANES).zip(sums).for_each(|(to, sum)| to.copy_from_slice(&sum.0[..to.len()]));
        }
        arena.give(sums);
    });
    arena.give(patches);
    arena.give(turned);
    total
}

/// The partial sums' total, without the columns that only fill vectors.
fn sum_rows(partials: &[Vec<Lane>], shape: ConvolutionShape, columns: usize) -> Vec<f32> {
    let mut total = vec![0.0; shape.outputs * shape.depth()];
    for_each_part(&mut total, shape.depth(), |output, total| {
        for (vector, total) in total.chunks_mut(LANES).enumerate() {
            for partial in partials {
                let lane = &partial[output * columns + vector].0;
                total.iter_mut().zip(lane).for_each(|(total, value)| *total += value);
            }
        }
    });
    total
}

/// Output pixels that are treated together.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: usize,
    count: usize,
    /// Where their summands begin among all that are summed at once.
    sample: usize,
    /// How many those are.
    samples: usize,
}

/// Patches under a range of output pixels, turned: (input · tap, sample).
struct TurnPatches<'a, const F: Factors> {
    x: &'a [Lane],
    from: Dims,
    shape: ConvolutionShape,
    to: Dims,
    range: Range,
    patches: &'a mut [Lane],
}

impl<const F: Factors> Kernel for TurnPatches<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, from, shape, to, range, patches } = self;
        let (depth, taps, across) = (shape.depth(), shape.taps(), shape.kernel[1]);
        let [above, before] = shape.padding;
        let groups = patches.chunks_mut(range.samples).take(depth.div_ceil(LANES));
        for (group, patches) in groups.enumerate() {
            let patches = &mut patches[range.sample..][..range.count * summands_of_images(F)];
            let here = LANES.min(depth - group * LANES);
            // Plane, row and column of each tap of the group.
            let places: [(usize, usize, usize); LANES] = std::array::from_fn(|i| {
                let row = group * LANES + i.min(here - 1);
                (row / taps * from.pixels(), row % taps / across, row % across)
            });
            for (index, patch) in patches.chunks_exact_mut(summands_of_images(F)).enumerate() {
                let pixel = range.start + index;
                let (top, left) = (pixel / to.width * shape.stride, pixel % to.width * shape.stride);
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let mut rows = [S::splat(0.0); LANES];
                    for (row, (plane, down, across)) in rows.iter_mut().zip(places).take(here) {
                        let y = (top + down).wrapping_sub(above);
                        let column = (left + across).wrapping_sub(before);
                        if y < from.height && column < from.width {
                            *row = S::load(&x[plane + y * from.width + column]);
                        }
                    }
                    gemm::turn::<S, F>(rows, patch);
                }
            }
        }
    }
}

/// A range of pixels of planes, turned: (channel, sample).
struct TurnPlanes<'a, const F: Factors> {
    g: &'a [Lane],
    pixels: usize,
    channels: usize,
    range: Range,
    turned: &'a mut [Lane],
}

impl<const F: Factors> Kernel for TurnPlanes<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { g, pixels, channels, range, turned } = self;
        let groups = turned.chunks_mut(range.samples).take(channels.div_ceil(LANES));
        for (group, turned) in groups.enumerate() {
            let turned = &mut turned[range.sample..][..range.count * summands_of_images(F)];
            let first = group * LANES;
            for (index, to) in turned.chunks_exact_mut(summands_of_images(F)).enumerate() {
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let mut rows = [S::splat(0.0); LANES];
                    for (i, row) in rows.iter_mut().enumerate().take(channels - first) {
                        *row = S::load(&g[(first + i) * pixels + range.start + index]);
                    }
                    gemm::turn::<S, F>(rows, to);
                }
            }
        }
    }
}
