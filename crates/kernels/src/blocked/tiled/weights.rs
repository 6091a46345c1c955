//! Weights as tiles: `[group of rows][tap][group of summands][half][part][row][pair]`, in groups of 32.
//!
//! Forward, rows are outputs and inputs are summed over; backward it is the other way round. A pair is summand k with 16 + k.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over blocks of constant size")]

use super::{
    super::{
        ConvolutionShape,
        simd::{InstructionSet, Kernel, LANES, Lane, Simd, run_on_pairs},
    },
    parts::{GROUP, TILE, groups, pairs},
};
use crate::parallel::for_each_part;

/// The weights of one direction.
#[derive(Debug, Default)]
pub(super) struct Panels {
    tiles: Vec<Lane>,
    /// Vectors from a group of rows to the next.
    stride: usize,
}

impl Panels {
    /// The tiles of a group of rows.
    pub(super) fn group(&self, group: usize) -> &[Lane] {
        &self.tiles[group * self.stride..][..self.stride]
    }

    /// Packs the filters, (outputs, inputs, rows, columns of the kernel).
    pub(super) fn fill<const PARTS: usize>(
        &mut self,
        shape: ConvolutionShape,
        is_backward: bool,
        instructions: InstructionSet,
        filters: &[f32],
    ) {
        let ConvolutionShape { inputs, outputs, .. } = shape;
        let [rows, summands] = if is_backward { [inputs, outputs] } else { [outputs, inputs] };
        let taps = shape.taps();
        self.stride = taps * groups(summands, GROUP) * 2 * PARTS * TILE;
        self.tiles.resize(groups(rows, GROUP) * self.stride, Lane::ZERO);
        for_each_part(&mut self.tiles, self.stride, |group, to| {
            run_on_pairs(
                instructions,
                Pack::<PARTS> { filters, outputs, inputs, taps, group, is_backward, to },
            );
        });
    }

    /// Bytes of all.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.tiles[..])
    }
}

/// The filters of 32 outputs and 32 inputs at one tap, (output, input).
type Block = [[Lane; 2]; GROUP];

/// Packs one group of rows.
struct Pack<'a, const PARTS: usize> {
    filters: &'a [f32],
    outputs: usize,
    inputs: usize,
    taps: usize,
    group: usize,
    is_backward: bool,
    to: &'a mut [Lane],
}

impl<const PARTS: usize> Kernel for Pack<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { filters, outputs, inputs, taps, group, is_backward, to } = self;
        let across = groups(if is_backward { outputs } else { inputs }, GROUP);
        let each = 2 * PARTS * TILE;
        let mut blocks = vec![[[Lane::ZERO; 2]; GROUP]; taps];
        for along in 0..across {
            let [output, input] = if is_backward { [along, group] } else { [group, along] };
            gather(filters, [outputs, inputs], [output * GROUP, input * GROUP], &mut blocks);
            for (tap, block) in blocks.iter().enumerate() {
                let to = &mut to[(tap * across + along) * each..][..each];
                // SAFETY: the caller vouches for the features.
                unsafe {
                    if is_backward {
                        write_turned::<S, PARTS>(block, to);
                    } else {
                        write::<S, PARTS>(block, to);
                    }
                }
            }
        }
    }
}

/// The filters of 32 outputs and inputs from the `first` on, tap by tap; zeros where there are none.
#[inline(always)]
fn gather(filters: &[f32], [outputs, inputs]: [usize; 2], first: [usize; 2], blocks: &mut [Block]) {
    let taps = blocks.len();
    let count = GROUP.min(inputs - first[1]);
    if count < GROUP || first[0] + GROUP > outputs {
        blocks.fill([[Lane::ZERO; 2]; GROUP]);
    }
    for row in 0..GROUP.min(outputs - first[0]) {
        let filters = &filters[((first[0] + row) * inputs + first[1]) * taps..][..count * taps];
        for (input, filter) in filters.chunks_exact(taps).enumerate() {
            for (block, &weight) in blocks.iter_mut().zip(filter) {
                block[row][input / LANES].0[input % LANES] = weight;
            }
        }
    }
}

/// Outputs as rows, pairs of inputs.
#[inline(always)]
unsafe fn write<S: Simd, const PARTS: usize>(block: &Block, to: &mut [Lane]) {
    for row in 0..GROUP {
        let to = &mut to[row / TILE * PARTS * TILE + row % TILE..];
        // SAFETY: the caller vouches for the features.
        unsafe {
            let parts = pairs::<S, PARTS>(S::load(&block[row][0]), S::load(&block[row][1]));
            for (part, value) in parts.into_iter().enumerate() {
                S::store(&mut to[part * TILE], value);
            }
        }
    }
}

/// Inputs as rows, pairs of outputs.
#[inline(always)]
unsafe fn write_turned<S: Simd, const PARTS: usize>(block: &Block, to: &mut [Lane]) {
    for half in 0..2 {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut columns = [[S::splat(0.0); LANES]; PARTS];
            for i in 0..LANES {
                let (first, second) = (S::load(&block[i][half]), S::load(&block[LANES + i][half]));
                for (part, value) in pairs::<S, PARTS>(first, second).into_iter().enumerate() {
                    columns[part][i] = value;
                }
            }
            for part in 0..PARTS {
                let rows = S::transpose(columns[part]);
                for i in 0..LANES {
                    S::store(&mut to[(half * PARTS + part) * TILE + i], rows[i]);
                }
            }
        }
    }
}
