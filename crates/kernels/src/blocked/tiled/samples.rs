//! Pixels as tiles whose depth is images: two neighbours make the 32 samples that a weight gradient sums over in one step.
//!
//! A row of the gradients' tile is a channel, sixteen images of one pixel and then of the next. A row of the input's tile is two
//! images of a pixel for sixteen channels, eight rows a pixel, so that any two neighbours are a tile.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over blocks of constant size")]

use super::{
    super::{
        ConvolutionShape,
        simd::{LANES, Lane, Simd},
        tensor::{Blocked, Dims},
    },
    parts::{TILE, groups, row},
};

/// Vectors of the input's tile that one pixel takes.
const HALF: usize = TILE / 2;

/// How a row of either operand lies in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Pairs of neighbours in a row of results.
    pub(super) pairs: usize,
    /// Groups of sixteen channels of the gradients and of the input.
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    parts: usize,
    stride: usize,
    padding: usize,
    /// Packed columns of the input: those that tap 0, stride, 2 · stride … reach, then those of tap 1, …
    classes: usize,
    class: usize,
}

impl Layout {
    pub(super) fn new(shape: ConvolutionShape, results: Dims, parts: usize) -> Self {
        let pairs = results.width.div_ceil(2);
        let (stride, kernel) = (shape.stride, shape.kernel[1]);
        Self {
            pairs,
            outputs: groups(shape.outputs, LANES),
            inputs: groups(shape.inputs, LANES),
            parts,
            stride,
            padding: shape.padding[1],
            classes: stride.min(kernel),
            class: (2 * pairs + (kernel - 1) / stride).next_multiple_of(2),
        }
    }

    fn columns(&self) -> usize {
        self.classes * self.class
    }

    /// Vectors of a row of the gradients, `[group of channels][two pixels][part][channel]`.
    pub(super) fn gradient_len(&self) -> usize {
        self.outputs * self.gradient_group()
    }

    /// Vectors from a group of channels to the next.
    pub(super) fn gradient_group(&self) -> usize {
        self.pairs * self.parts * TILE
    }

    /// Vectors of a row of the input, `[group of channels][part][column][pair of images]`.
    pub(super) fn input_len(&self) -> usize {
        self.inputs * self.input_group()
    }

    /// Vectors from a group of channels to the next.
    pub(super) fn input_group(&self) -> usize {
        self.parts * self.input_part()
    }

    /// Vectors from a part to the next.
    pub(super) fn input_part(&self) -> usize {
        self.columns() * HALF
    }

    /// Vectors from the beginning of a row to the pixel under a tap of the first window.
    pub(super) fn tap(&self, tap: usize) -> usize {
        (tap % self.stride * self.class + tap / self.stride) * HALF
    }

    /// The column of the input that stands at a packed one, if it is one.
    fn column(&self, packed: usize, width: usize) -> Option<usize> {
        let reach = packed % self.class * self.stride + packed / self.class;
        reach.checked_sub(self.padding).filter(|&column| column < width)
    }
}

/// Packs a row of the gradients, counted through the blocks.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn pack_gradients<S: Simd, const PARTS: usize>(
    layout: Layout,
    g: &Blocked,
    at: usize,
    to: &mut [Lane],
) {
    let (dims, each) = (g.dims, PARTS * TILE);
    let (block, line) = (at / dims.height, at % dims.height);
    for channel in 0..layout.outputs * LANES {
        let start = channel / LANES * layout.gradient_group() + channel % LANES;
        let to = &mut to[start..];
        if channel >= dims.channels {
            (0..layout.pairs * PARTS).for_each(|tile| to[tile * TILE] = Lane::ZERO);
            continue;
        }
        let from = &g.plane(block, channel)[line * dims.width..][..dims.width];
        for (index, pixels) in from.chunks(2).enumerate() {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let first = S::load(&pixels[0]);
                let second = if pixels.len() == 2 { S::load(&pixels[1]) } else { S::splat(0.0) };
                for (part, value) in row::<S, PARTS>(first, second).into_iter().enumerate() {
                    S::store(&mut to[index * each + part * TILE], value);
                }
            }
        }
    }
}

/// Packs a row of the input, counted through the blocks.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn pack_inputs<S: Simd, const PARTS: usize>(
    layout: Layout,
    x: &Blocked,
    at: usize,
    to: &mut [Lane],
) {
    let dims = x.dims;
    let (block, line) = (at / dims.height, at % dims.height);
    for (group, to) in to.chunks_exact_mut(layout.input_group()).enumerate().take(layout.inputs) {
        let first = group * LANES;
        let channels = LANES.min(dims.channels - first);
        let from = &x.block(block)[first * dims.pixels() + line * dims.width..];
        for packed in (0..layout.columns()).step_by(2) {
            let columns = [0, 1].map(|i| layout.column(packed + i, dims.width));
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut rows = [[S::splat(0.0); LANES]; PARTS];
                for channel in 0..channels {
                    let line = &from[channel * dims.pixels()..][..dims.width];
                    let mut values = [S::splat(0.0); 2];
                    for i in 0..2 {
                        if let Some(column) = columns[i] {
                            values[i] = S::load(&line[column]);
                        }
                    }
                    for (part, value) in row::<S, PARTS>(values[0], values[1]).into_iter().enumerate() {
                        rows[part][channel] = value;
                    }
                }
                for part in 0..PARTS {
                    let turned = S::transpose(rows[part]);
                    let to = &mut to[part * layout.input_part() + packed * HALF..][..TILE];
                    for i in 0..LANES {
                        S::store(&mut to[i], turned[i]);
                    }
                }
            }
        }
    }
}
