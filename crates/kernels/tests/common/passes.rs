//! The three passes of a convolution: as the definition has them, and as the blocked engine computes them.

use kernels::{
    Precision,
    blocked::{Arena, Blocked, Convolution, ConvolutionShape, Dims, InstructionSet},
    naive::{self, Conv2d},
};
use proptest::prelude::*;

use super::{fine, wide};

/// A convolution and the size of its input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) shape: ConvolutionShape,
    pub(crate) dims: Dims,
}

impl Case {
    pub(crate) fn conv(&self) -> Conv2d {
        Conv2d { stride: self.shape.stride, padding: self.shape.padding[0], groups: self.shape.groups }
    }

    pub(crate) fn x_dims(&self) -> [usize; 4] {
        [self.dims.images, self.dims.channels, self.dims.height, self.dims.width]
    }

    pub(crate) fn weight_dims(&self) -> [usize; 4] {
        [
            self.shape.outputs,
            self.shape.inputs / self.shape.groups,
            self.shape.kernel[0],
            self.shape.kernel[1],
        ]
    }

    pub(crate) fn out(&self) -> Dims {
        self.shape.output_dims(self.dims)
    }

    /// Whether an instruction set multiplies it on tiles.
    pub(crate) fn is_tiled(&self, precision: Precision, instructions: InstructionSet) -> bool {
        let (channels, enough) =
            (self.shape.inputs.min(self.shape.outputs), if precision == Precision::Bf16 { 16 } else { 32 });
        instructions.name() == "amx" && self.shape.groups == 1 && channels >= enough
    }

    pub(crate) fn is_winograd(&self, precision: Precision, instructions: InstructionSet) -> bool {
        let is_three = self.shape.kernel == [3; 2] && self.shape.padding == [1; 2];
        is_three && self.shape.stride <= 2 && !self.is_tiled(precision, instructions)
    }

    /// Input, weights, gradient of the output.
    pub(crate) fn arguments(&self, seed: u64) -> Arguments {
        let out = self.out();
        Arguments {
            x: fine(seed, self.x_dims().iter().product()),
            weight: fine(seed + 1, self.weight_dims().iter().product()),
            g: fine(seed + 2, out.images * out.channels * out.pixels()),
        }
    }
}

pub(crate) struct Arguments {
    pub(crate) x: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) g: Vec<f32>,
}

/// The results of the three passes, in the plain layout.
#[derive(Debug, PartialEq)]
pub(crate) struct Passes<T> {
    pub(crate) y: Vec<T>,
    pub(crate) dx: Vec<T>,
    pub(crate) dweight: Vec<T>,
}

impl<T> Passes<T> {
    pub(crate) fn named(&self) -> [(&'static str, &[T]); 3] {
        [("forward", &self.y), ("input gradient", &self.dx), ("weight gradient", &self.dweight)]
    }
}

pub(crate) fn expected(case: &Case, arguments: &Arguments) -> Passes<f64> {
    let [x, weight, g] = [&arguments.x, &arguments.weight, &arguments.g].map(|values| wide(values));
    let (x_dims, weight_dims, conv) = (case.x_dims(), case.weight_dims(), case.conv());
    Passes {
        y: naive::convolution::forward(&x, x_dims, &weight, weight_dims, conv),
        dx: naive::convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv),
        dweight: naive::convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv),
    }
}

pub(crate) fn found(case: &Case, convolution: &Convolution, arguments: &Arguments) -> Passes<f32> {
    let arena = Arena::default();
    let x = Blocked::from_nchw(&arguments.x, case.dims, &arena);
    let g = Blocked::from_nchw(&arguments.g, case.out(), &arena);
    Passes {
        y: convolution.forward(&x, &arena).to_nchw(),
        dx: convolution.input_gradient(&g, case.dims, &arena).to_nchw(),
        dweight: convolution.weight_gradient(&x, &g, &arena),
    }
}

/// Any convolution that fits on its image; half of them are 3×3, which has the most code, and some have groups.
pub(crate) fn cases(images: usize, channels: usize, size: usize) -> impl Strategy<Value = Case> {
    let kernel = prop_oneof![3 => Just(3usize), 1 => Just(1), 1 => Just(5), 1 => Just(7)];
    let moves = kernel.prop_flat_map(|kernel| {
        // Half of them as networks have them: padding that keeps the size.
        let padding = prop_oneof![Just(kernel / 2), 0..=kernel / 2];
        (Just(kernel), prop_oneof![2 => Just(1usize), 1 => Just(2)], padding)
    });
    let groups = prop_oneof![3 => Just(1usize), 1 => 2..=4usize];
    (moves, groups).prop_flat_map(move |((kernel, stride, padding), groups)| {
        let least = kernel.saturating_sub(2 * padding).max(1);
        let (side, part) = (least..=size, 1..=channels.div_ceil(groups));
        (1..=images, part.clone(), part, side.clone(), side).prop_map(
            move |(images, inputs, outputs, height, width)| {
                let (inputs, outputs) = (inputs * groups, outputs * groups);
                let (kernel, padding) = ([kernel; 2], [padding; 2]);
                let shape = ConvolutionShape { inputs, outputs, kernel, stride, padding, groups };
                Case { shape, dims: Dims { images, channels: inputs, height, width } }
            },
        )
    })
}

/// A 3×3 convolution as networks have them.
pub(crate) fn three_by_three(channels: [usize; 2], images: usize, [height, width]: [usize; 2]) -> Case {
    Case {
        shape: ConvolutionShape::same(channels, 3, 1),
        dims: Dims { images, channels: channels[0], height, width },
    }
}

/// The same without groups, of 32 channels and more: what tiles take in f32.
pub(crate) fn wide_cases(images: usize, size: usize) -> impl Strategy<Value = Case> {
    cases(images, 36, size).prop_map(|case| {
        let [inputs, outputs] = [case.shape.inputs, case.shape.outputs].map(|channels| channels + 31);
        let shape = ConvolutionShape { inputs, outputs, groups: 1, ..case.shape };
        Case { shape, dims: Dims { channels: inputs, ..case.dims } }
    })
}
