//! The gradient of a convolution's weights: which algorithm gives it, and what processes that share a batch do for it.

use std::ops::Range;

use super::{
    ConvolutionShape,
    convolution::{Convolution, Weights},
    factors::{self, FULL, PAIRS},
    parts::{Joining, Portion, WeightSums},
    simd::Lane,
    sums::BlockSums,
    tensor::{Arena, Blocked, Dims},
    tiled, weight_sums, windowed,
    winograd::{self, Transformed},
};
use crate::Precision;

/// What gives the gradient.
enum Method<'a> {
    Tiled,
    Windowed,
    Winograd(&'a Transformed),
    /// With pixels and gradients swapped.
    Turned,
    Direct,
}

impl Convolution {
    fn method(&self) -> Method<'_> {
        match &self.forward {
            _ if tiled::suits(self.shape, self.precision, self.instructions) => Method::Tiled,
            Weights::Windowed(_) => Method::Windowed,
            Weights::Winograd(weights) => Method::Winograd(weights),
            _ if self.shape.scatters_forward() => Method::Turned,
            _ => Method::Direct,
        }
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.shape.weights()
    }

    /// How many channels the results have.
    pub fn outputs(&self) -> usize {
        self.shape.outputs
    }

    /// The gradient of the weights, (outputs, inputs / groups, rows, columns), given the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &Blocked, g: &Blocked, arena: &Arena) -> Vec<f32> {
        self.weight_gradient_of_outputs(x, g, arena)
    }

    /// The rows of the same gradient for the outputs that `g` is of: for all, or for some of them where the [`Joining`] says that these
    /// can be computed apart.
    pub fn weight_gradient_of_outputs(&self, x: &Blocked, g: &Blocked, arena: &Arena) -> Vec<f32> {
        match self.method() {
            Method::Windowed => self.weight_block_sums(x, g, arena).singles(),
            Method::Direct if weight_sums::is_of_one_pixel(g.dims, self.shape) => {
                self.of_one_pixel(x, g, self.shape, arena)
            }
            Method::Turned if weight_sums::is_of_one_pixel(x.dims, self.shape) => {
                self.swap_back(&self.of_one_pixel(g, x, self.shape.turned(), arena))
            }
            _ => {
                let piece = Portion::whole(self.shape.outputs);
                self.weights_of_sums(self.weight_sums(x, g, piece, arena), g.dims.channels, arena)
            }
        }
    }

    /// How processes come to the gradient for a batch of which each has some blocks, its share, from the sizes of the batch's inputs and
    /// outputs.
    pub fn joining(&self, x: Dims, g: Dims, shares: &[Range<usize>]) -> Joining {
        let shape = self.shape;
        let parts = |are_apart: bool| if are_apart { Joining::parts(g, shares) } else { None };
        match self.method() {
            Method::Windowed => Joining::Blocks,
            Method::Tiled => parts(tiled::sums_parts_apart(shape)).unwrap_or(Joining::Whole),
            Method::Winograd(_) => {
                parts(winograd::sums_parts_apart(shape.outputs, shape.inputs)).unwrap_or(Joining::Outputs)
            }
            Method::Turned if weight_sums::is_of_one_pixel(x, shape) => Joining::Whole,
            Method::Turned => parts(true).unwrap_or(Joining::Whole),
            Method::Direct if weight_sums::is_of_one_pixel(g, shape) => Joining::Outputs,
            Method::Direct => {
                let otherwise = if shape.groups == 1 { Joining::Outputs } else { Joining::Whole };
                parts(true).unwrap_or(otherwise)
            }
        }
    }

    /// What each block gives, for [`Joining::Blocks`].
    ///
    /// # Panics
    /// If that is not how parts of this convolution are joined.
    pub fn weight_block_sums(&self, x: &Blocked, g: &Blocked, arena: &Arena) -> BlockSums {
        assert!(matches!(self.method(), Method::Windowed), "sums by block of {:?}", self.shape);
        windowed::weight_sums(x, g, self.shape, factors::of(self.precision), self.instructions, arena)
    }

    /// What each of these ranges of blocks gives, for [`Joining::Parts`]; blocks are counted from the first that is here.
    pub fn weight_parts(
        &self,
        x: &Blocked,
        g: &Blocked,
        parts: &[Range<usize>],
        arena: &Arena,
    ) -> Vec<WeightSums> {
        let piece = Portion { parts: Some(parts), outputs: self.shape.outputs };
        self.weight_sums(x, g, piece, arena)
    }

    /// The gradient of the weights from what all parts gave, in their order.
    pub fn weight_gradient_of_parts(&self, parts: Vec<WeightSums>, arena: &Arena) -> Vec<f32> {
        self.weights_of_sums(parts, self.shape.outputs, arena)
    }

    fn weight_sums(&self, x: &Blocked, g: &Blocked, piece: Portion<'_>, arena: &Arena) -> Vec<WeightSums> {
        let (shape, how) = (self.shape, (self.instructions, arena));
        let direct = match self.precision {
            Precision::Bf16 => weight_sums::weight_sums::<PAIRS>,
            _ => weight_sums::weight_sums::<FULL>,
        };
        let without_groups =
            |sums: Vec<Vec<Lane>>| sums.into_iter().map(|sums| WeightSums(vec![sums])).collect();
        match self.method() {
            Method::Tiled => without_groups(tiled::weight_sums(x, g, (shape, self.precision), piece, how)),
            Method::Winograd(weights) => without_groups(winograd::weight_sums(x, g, weights, piece, how)),
            Method::Turned => direct(g, x, shape.turned(), piece, how),
            Method::Direct => direct(x, g, shape, piece, how),
            Method::Windowed => unreachable!("these are summed block by block"),
        }
    }

    fn weights_of_sums(&self, parts: Vec<WeightSums>, outputs: usize, arena: &Arena) -> Vec<f32> {
        let of_first_group: Vec<&[Lane]> = parts.iter().map(|sums| &sums.0[0][..]).collect();
        let found = match self.method() {
            Method::Tiled => tiled::gather(&of_first_group, self.shape),
            Method::Winograd(weights) => {
                let channels = [outputs, self.shape.inputs];
                winograd::weights_of_sums(&of_first_group, weights, channels, self.instructions)
            }
            Method::Turned => {
                let turned = self.shape.turned();
                self.swap_back(&weight_sums::weights_of_sums(&parts, turned.outputs, turned))
            }
            _ => weight_sums::weights_of_sums(&parts, outputs, self.shape),
        };
        parts.into_iter().for_each(|sums| sums.give_back(arena));
        found
    }

    fn of_one_pixel(&self, x: &Blocked, g: &Blocked, shape: ConvolutionShape, arena: &Arena) -> Vec<f32> {
        let run = match self.precision {
            Precision::Bf16 => weight_sums::weight_gradient_of_one_pixel::<PAIRS>,
            _ => weight_sums::weight_gradient_of_one_pixel::<FULL>,
        };
        run(x, g, shape, self.instructions, arena)
    }

    /// (inputs, outputs, turned taps) → (outputs, inputs, taps).
    fn swap_back(&self, swapped: &[f32]) -> Vec<f32> {
        let ConvolutionShape { inputs, outputs, .. } = self.shape;
        let taps = self.shape.taps();
        let place = |at: usize| {
            let (output, input, tap) = (at / (inputs * taps), at / taps % inputs, at % taps);
            swapped[(input * outputs + output) * taps + taps - 1 - tap]
        };
        (0..swapped.len()).map(place).collect()
    }
}
