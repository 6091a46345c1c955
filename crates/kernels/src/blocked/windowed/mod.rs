//! Convolutions in groups of few channels, depthwise ones above all: windows slide over padded planes, and each vector is multiplied
//! where it lies. Packing patches for a product would cost more than the product.

mod motion;
mod padded;
mod slide;
mod sums;

use super::{
    ConvolutionShape,
    epilogue::Then,
    factors::{Factors, PAIRS},
    gemm::Out,
    simd::{InstructionSet, pair_bits, run},
    sums::BlockSums,
    tensor::{Arena, Blocked, Dims, Mask},
};
use crate::{
    parallel::{collect, for_each_small_part},
    strips::Strip,
};
use motion::Motion;
use padded::Padded;
use slide::{AT_ONCE, Slide};
use sums::Sums;

/// Most channels of a group, in and out.
const FEW: usize = 16;

/// Whether windows had better slide.
pub(super) fn suits(shape: ConvolutionShape) -> bool {
    let (part, [rows, columns]) = (shape.part(), shape.kernel);
    let pads = shape.padding.iter().all(|&padding| padding < rows.min(columns));
    shape.groups > 1 && rows == columns && rows > 1 && pads && part.inputs.max(part.outputs) <= FEW
}

/// Weights as windows meet them.
#[derive(Debug)]
pub(super) struct Windowed {
    motion: Motion,
    groups: usize,
    factors: Factors,
    /// By group, then by the outputs that are computed at once: (input · tap, output).
    weights: Vec<f32>,
}

impl Windowed {
    /// To be filled.
    pub(super) fn new(shape: ConvolutionShape, factors: Factors, is_gradient: bool) -> Self {
        let motion = if is_gradient { Motion::backward(shape) } else { Motion::forward(shape) };
        Self { motion, groups: shape.groups, factors, weights: Vec::new() }
    }

    /// Fills in weights as they are named, (outputs, inputs / groups, kernel, kernel).
    pub(super) fn fill(&mut self, weight: &[f32], is_gradient: bool) {
        let Motion { inputs, outputs, .. } = self.motion;
        let (taps, factors) = (self.motion.taps(), self.factors);
        self.weights.clear();
        for group in weight.chunks_exact(inputs * outputs * taps) {
            let value = |output: usize, input: usize, tap: usize| {
                let at = if is_gradient {
                    (input * outputs + output) * taps + taps - 1 - tap
                } else {
                    (output * inputs + input) * taps + tap
                };
                if factors == PAIRS { f32::from_bits(pair_bits(group[at], 0.0) << 16) } else { group[at] }
            };
            let mut first = 0;
            while first < outputs {
                let count = if outputs - first >= AT_ONCE { AT_ONCE } else { 1 };
                for summand in 0..inputs * taps {
                    let of = |output: usize| value(output, summand / taps, summand % taps);
                    self.weights.extend((first..first + count).map(of));
                }
                first += count;
            }
        }
    }

    /// From what goes in to planes of size `to`, then what follows, while the results are in registers.
    pub(super) fn convolve(
        &self,
        x: &Blocked,
        to: Dims,
        then: Then<'_>,
        instructions: InstructionSet,
        arena: &Arena,
    ) -> (Blocked, Option<Mask>) {
        let (motion, groups) = (self.motion, self.groups);
        let mut y = arena.blocked(to);
        let mut mask = then.has_relu().then(|| arena.take_mask(to.len()));
        let length = motion.outputs * to.pixels();
        let masks = Mask::chunks(&mut mask, length, to.blocks() * groups);
        let mut parts: Vec<_> = y.data.chunks_mut(length).zip(masks).collect();
        let rows = Padded::rows_at_once(motion, to);
        for_each_small_part(&mut parts, 1, motion.groups_at_once(to), |index, part| {
            let (values, mask) = &mut part[0];
            let mut out = Out {
                values: Strip::whole(values, to.pixels()),
                mask: mask.as_deref_mut().map(|mask| Strip::whole(mask, to.pixels())),
            };
            let finish = then.of_part(index, groups, [motion.outputs, length]);
            let each = self.weights.len() / groups;
            let weights = &self.weights[index % groups * each..][..each];
            let mut scratch = arena.take(Padded::len(motion, to, rows));
            for first in (0..to.height).step_by(rows) {
                let lines = first..to.height.min(first + rows);
                let (x, from) = (x.part(index, groups), x.dims);
                let rounded = self.factors == PAIRS;
                let padded = Padded { x, from, motion, to, lines, rounded, padded: &mut scratch };
                run(instructions, Slide { padded, weights, out: &mut out, finish });
            }
            arena.give(scratch);
        });
        (y, mask)
    }
}

/// The gradient of the weights, (outputs, inputs / groups, kernel, kernel).
pub(super) fn weight_sums(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    factors: Factors,
    instructions: InstructionSet,
    arena: &Arena,
) -> BlockSums {
    let (motion, groups, to) = (Motion::forward(shape), shape.groups, g.dims);
    let rows = Padded::rows_at_once(motion, to);
    let sums = collect(groups, motion.groups_at_once(to), |group| {
        let each = motion.inputs * motion.outputs * motion.taps();
        let mut totals = vec![0f64; to.blocks() * each];
        let mut scratch = arena.take(Padded::len(motion, to, rows));
        let mut rounded = arena.take(if factors == PAIRS { rows * to.width } else { 0 });
        for (block, totals) in totals.chunks_exact_mut(each).enumerate() {
            let index = block * groups + group;
            for first in (0..to.height).step_by(rows) {
                let lines = first..to.height.min(first + rows);
                let (x, from) = (x.part(index, groups), x.dims);
                let is_rounded = factors == PAIRS;
                let padded = Padded { x, from, motion, to, lines, rounded: is_rounded, padded: &mut scratch };
                let lanes = to.valid_lanes(block);
                let (g, rounded, totals) = (g.part(index, groups), &mut rounded[..], &mut totals[..]);
                run(instructions, Sums { padded, g, rounded, lanes, totals });
            }
        }
        arena.give(scratch);
        arena.give(rounded);
        totals
    });
    let each = shape.weights() / groups;
    let of_block = |block: usize| sums.iter().flat_map(move |sums| &sums[block * each..][..each]);
    BlockSums::new(shape.weights(), (0..to.blocks()).flat_map(of_block).copied().collect())
}
