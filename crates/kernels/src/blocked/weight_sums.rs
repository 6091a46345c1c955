//! The gradient of a direct convolution's weights: patches of the input and gradients, turned so that a vector holds sixteen rows of
//! one sample, and multiplied.
#![allow(unsafe_code)]

use super::{
    ConvolutionShape,
    factors::{Factors, run_with},
    gemm::{self, Inner, Turned, summands_of_images},
    parts::{Portion, WeightSums},
    patches::pixels_at_once,
    simd::{InstructionSet, Kernel, LANES, Lane, Simd},
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::{collect, for_each_part};

/// Bytes of turned patches at once: a weight gradient sums over the pixels at once and pays for every sum, so it takes many.
const SCRATCH: usize = 4 << 20;

/// Whether outputs are one pixel, as in linear layers: there are few samples and many weights, and all samples are summed at once.
pub(super) fn is_of_one_pixel(to: Dims, shape: ConvolutionShape) -> bool {
    to.pixels() == 1 && shape.groups == 1
}

/// For each part of a batch the sums of each group, (outputs, inputs · taps).
pub(super) fn weight_sums<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    piece: Portion<'_>,
    how: (InstructionSet, &Arena),
) -> Vec<WeightSums> {
    let (groups, parts) = (shape.groups, piece.ranges(x.dims.blocks(), g.dims.pixels()));
    let of_part = |index: usize| {
        let (group, part) = (index % groups, &parts[index / groups]);
        sums_of_part::<F>(x, g, shape, (group, part), how)
    };
    let mut sums = collect(parts.len() * groups, 1, of_part).into_iter();
    parts.iter().map(|_| WeightSums(sums.by_ref().take(groups).collect())).collect()
}

/// The sums of a group over some output pixels, counted through the blocks.
fn sums_of_part<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    (group, pixels): (usize, &std::ops::Range<usize>),
    (instructions, arena): (InstructionSet, &Arena),
) -> Vec<Lane> {
    let (groups, part, to) = (shape.groups, shape.part(), g.dims);
    // Without groups the gradients may be those of some outputs alone.
    let outputs = to.channels / groups;
    let (rows, columns) = (outputs.div_ceil(LANES), part.depth().div_ceil(LANES));
    let each = summands_of_images(F);
    // As many as if all outputs were here: the bits depend on it.
    let at_once = pixels_at_once((part.outputs.div_ceil(LANES) + columns) * each, to.pixels(), SCRATCH);
    let mut sums = arena.take(outputs * columns);
    sums.fill(Lane::ZERO);
    let mut patches = arena.take(columns * at_once * each);
    let mut turned = arena.take(rows * at_once * each);
    let (first, end) = (pixels.start, pixels.end);
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
            let channels = outputs;
            let (g, pixels, turned_to) = (g_part, to.pixels(), &mut turned[..]);
            run_with::<F, _>(instructions, TurnPlanes::<F> { g, pixels, channels, range, turned: turned_to });
            let (a, b) =
                (Turned { data: &turned, stride: samples }, Turned { data: patches, stride: samples });
            let (rows, columns, out) = (outputs, part.depth(), &mut sums[..]);
            run_with::<F, _>(instructions, Inner::<F> { a, rows, b, columns, samples, is_first: false, out });
        }
    }
    arena.give(patches);
    arena.give(turned);
    sums
}

/// The gradient of the weights, (outputs, inputs), where outputs are one pixel: some rows of weights at a time. The gradients may be those
/// of some outputs alone.
pub(super) fn weight_gradient_of_one_pixel<const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    let outputs = g.dims.channels;
    let (rows, columns) = (outputs.div_ceil(LANES), shape.depth().div_ceil(LANES));
    let each = summands_of_images(F);
    let samples = x.dims.blocks() * each;
    let (mut patches, mut turned) = (arena.take(columns * samples), arena.take(rows * samples));
    for block in 0..x.dims.blocks() {
        let range = Range { start: 0, count: 1, sample: block * each, samples };
        let (x_part, to) = (x.block(block), g.dims);
        let turn = TurnPatches::<F> { x: x_part, from: x.dims, shape, to, range, patches: &mut patches };
        run_with::<F, _>(instructions, turn);
        let channels = outputs;
        let turn = TurnPlanes::<F> { g: g.block(block), pixels: 1, channels, range, turned: &mut turned };
        run_with::<F, _>(instructions, turn);
    }
    let depth = shape.depth();
    let mut total = vec![0.0; outputs * depth];
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

/// The gradient of the weights, (outputs, inputs / groups, rows, columns of the kernel), from the sums of all parts for so many outputs.
pub(super) fn weights_of_sums(parts: &[WeightSums], outputs: usize, shape: ConvolutionShape) -> Vec<f32> {
    let (part, of_group) = (shape.part(), outputs / shape.groups);
    let columns = part.depth().div_ceil(LANES);
    // Without the columns that only fill vectors.
    let mut total = vec![0.0; outputs * part.depth()];
    for_each_part(&mut total, part.depth(), |output, total| {
        let (group, row) = (output / of_group, output % of_group);
        for (vector, total) in total.chunks_mut(LANES).enumerate() {
            for WeightSums(groups) in parts {
                let lane = &groups[group][row * columns + vector].0;
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
