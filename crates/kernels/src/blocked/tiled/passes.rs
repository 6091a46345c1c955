//! Which kernels run a pass: products of two parts of bf16 for f32, of one for bf16.

use super::{
    super::{
        ConvolutionShape,
        epilogue::Then,
        parts::Portion,
        simd::{InstructionSet, Lane, tiles::SIDE},
        tensor::{Arena, Blocked, Dims, Mask},
    },
    convolve::Layer,
    parts::GROUP,
    weight_gradient::sums,
    weights::Panels,
    windows::Windows,
};
use crate::Precision;

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
        then: Then<'_>,
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

/// The sums of the gradient of the weights over each part of a batch, or over all of it.
pub(crate) fn weight_sums(
    x: &Blocked,
    g: &Blocked,
    (shape, precision): (ConvolutionShape, Precision),
    piece: Portion<'_>,
    how: (InstructionSet, &Arena),
) -> Vec<Vec<Lane>> {
    match precision {
        Precision::Bf16 => sums::<1>(x, g, shape, piece, how),
        _ => sums::<2>(x, g, shape, piece, how),
    }
}
