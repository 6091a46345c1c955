//! Convolutions of any kernel, stride and padding on the tiles of processors with AMX, as the definition has them.
//!
//! Tiles multiply bf16 alone, sixteen times as fast as vectors multiply f32. So in f32 a value is taken as the sum of two bf16, the
//! second being what rounding took from the first; three products of those are f32's but for 2⁻¹⁷ of it or so, and an error of
//! 4 · 10⁻⁶ is left of a layer's root mean square. (Winograd's transforms save products, but enlarge that error tenfold and move more
//! data than tiles can wait for.)
//!
//! That is enough for all passes of a training step, whose gradients are sums over a batch. It is not for the gradient of an image's
//! pixels: an error on the way forward decides what ReLU lets through, and a gradient that takes another way than PyTorch's differs by
//! a percent. There forward in f32 is left to vectors.
//!
//! | pass | left operand | right operand | what is summed over |
//! |---|---|---|---|
//! | forward | weights, (outputs, inputs) for each tap | a pixel of sixteen images, (inputs, images) | taps, inputs |
//! | input gradient | weights, (inputs, outputs) for each tap | the same of the gradients | taps, outputs |
//! | weight gradient | two pixels of the gradients, (outputs, images) | two pixels of the input, (images, inputs) | pixels, images |
//!
//! [`windows`] says which pixels meet; rows of pixels are packed shortly before they are multiplied, by [`pixels`] and
//! [`samples`], and stay in a core's own cache until they have been.
#![allow(unsafe_code)]

mod convolve;
mod pixels;
mod samples;
mod weight_gradient;
mod weights;
mod windows;

use std::ops::Range;

use super::{
    ConvolutionShape,
    pointwise::{Epilogue, GradientEpilogue},
    simd::{InstructionSet, LANES, Simd, tiles::SIDE},
    tensor::{Arena, Blocked, Dims, Mask},
};
use crate::Precision;
use convolve::Layer;
use weights::Panels;
use windows::Windows;

/// Rows that two tiles beside each other give at once, and values that are summed over in one step: pairs for a tile's row.
const GROUP: usize = 2 * SIDE;

/// What happens to results while they are in the cache; nothing by default.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TileEpilogue<'a> {
    Epilogue(Epilogue<'a>),
    GradientEpilogue(GradientEpilogue<'a>),
}

impl Default for TileEpilogue<'_> {
    fn default() -> Self {
        Self::GradientEpilogue(GradientEpilogue::default())
    }
}

/// A convolution's weights as tiles, for the forward pass or for the input gradient.
#[derive(Debug)]
pub(crate) struct Tiled {
    shape: ConvolutionShape,
    precision: Precision,
    instructions: InstructionSet,
    is_backward: bool,
    panels: Panels,
}

/// Whether tiles are there, and channels enough: in f32, whose products are three, as many as go together, else half of them.
pub(crate) fn suits(shape: ConvolutionShape, precision: Precision, instructions: InstructionSet) -> bool {
    let enough = if precision == Precision::Bf16 { SIDE } else { GROUP };
    instructions.has_tiles() && shape.groups == 1 && shape.inputs >= enough && shape.outputs >= enough
}

impl Tiled {
    /// Weights of the forward pass, or of the input gradient if it `is_backward`, to be filled.
    pub(crate) fn new(
        shape: ConvolutionShape,
        precision: Precision,
        is_backward: bool,
        instructions: InstructionSet,
    ) -> Self {
        Self { shape, precision, instructions, is_backward, panels: Panels::default() }
    }

    /// Packs the filters, (outputs, inputs, rows, columns of the kernel).
    pub(crate) fn fill(&mut self, filters: &[f32]) {
        match self.precision {
            Precision::Bf16 => {
                self.panels.fill::<1>(self.shape, self.is_backward, self.instructions, filters);
            }
            _ => self.panels.fill::<2>(self.shape, self.is_backward, self.instructions, filters),
        }
    }

    /// (N, inputs, H, W) → (N, outputs, H', W'), and what happens to it then; backward from the gradient of the results to that of
    /// the input. The mask is there if there is ReLU after it.
    pub(crate) fn convolve(
        &self,
        x: &Blocked,
        to: Dims,
        then: TileEpilogue<'_>,
        arena: &Arena,
    ) -> (Blocked, Option<Mask>) {
        let windows = Windows::new(self.shape, x.dims, self.is_backward);
        let layer = Layer { x, weights: &self.panels, windows, to, then };
        match self.precision {
            Precision::Bf16 => layer.convolve::<1>(self.instructions, arena),
            _ => layer.convolve::<2>(self.instructions, arena),
        }
    }
}

/// The gradient of the weights, (outputs, inputs, rows, columns of the kernel).
pub(crate) fn weight_gradient(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    precision: Precision,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    match precision {
        Precision::Bf16 => weight_gradient::weight_gradient::<1>(x, g, shape, instructions, arena),
        _ => weight_gradient::weight_gradient::<2>(x, g, shape, instructions, arena),
    }
}

/// Vectors of a tile.
const TILE: usize = SIDE;

/// Two values as pairs of bf16, and in a second part what rounding took from them.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn pairs<S: Simd, const PARTS: usize>(first: S::V, second: S::V) -> [S::V; PARTS] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let rounded = S::pair(first, second);
        let mut parts = [rounded; PARTS];
        if let Some(rest) = parts.get_mut(1) {
            let [a, b] = S::unpair(rounded);
            *rest = S::pair(S::sub(first, a), S::sub(second, b));
        }
        parts
    }
}

/// The same for two values whose lanes make a tile's row, one after the other.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn row<S: Simd, const PARTS: usize>(first: S::V, second: S::V) -> [S::V; PARTS] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let rounded = S::row(first, second);
        let mut parts = [rounded; PARTS];
        if let Some(rest) = parts.get_mut(1) {
            let [a, b] = S::unrow(rounded);
            *rest = S::row(S::sub(first, a), S::sub(second, b));
        }
        parts
    }
}

/// How many groups of so many make up the channels.
#[inline(always)]
fn groups(channels: usize, group: usize) -> usize {
    channels.div_ceil(group)
}

/// Some rows, so many at a time.
fn steps(rows: Range<usize>, at_once: usize) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(at_once).map(move |start| start..rows.end.min(start + at_once))
}

const _: () = assert!(SIDE == LANES, "a tile's column is an image");
