//! What a convolution is, and which algorithms suit it.

use super::tensor::Dims;
use crate::windows::windows;

/// Channels, kernel, stride, padding and groups of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Step between output pixels, both ways.
    pub stride: usize,
    /// Zeros above and below, left and right of the input.
    pub padding: [usize; 2],
    /// Independent convolutions side by side, each of its part of the channels.
    pub groups: usize,
}

/// Channels that fill a register tile.
pub(super) const ENOUGH: usize = 8;

impl ConvolutionShape {
    /// A square kernel of odd side, padded so that a stride of 1 keeps the size.
    pub const fn same([inputs, outputs]: [usize; 2], kernel: usize, stride: usize) -> Self {
        Self { inputs, outputs, kernel: [kernel; 2], stride, padding: [kernel / 2; 2], groups: 1 }
    }

    /// The size of the output.
    ///
    /// # Panics
    /// If the kernel does not fit in the padded input.
    pub fn output_dims(&self, input: Dims) -> Dims {
        let [height, width] = self.output_size([input.height, input.width]).unwrap_or_else(|| {
            panic!("{self:?} of {input:?}");
        });
        Dims { images: input.images, channels: self.outputs, height, width }
    }

    /// Rows and columns of the output; none if the kernel does not fit in the padded input.
    pub fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let side = |axis: usize| windows(size[axis], self.kernel[axis], self.stride, self.padding[axis]);
        Some([side(0)?, side(1)?])
    }

    /// How many weights it has.
    pub fn weights(&self) -> usize {
        self.outputs * self.part().depth()
    }

    /// One of the convolutions side by side.
    pub(crate) fn part(&self) -> Self {
        let (inputs, outputs) = (self.inputs / self.groups, self.outputs / self.groups);
        Self { inputs, outputs, groups: 1, ..*self }
    }

    /// Pixels under the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Products summed for one output value of a convolution without groups.
    pub(crate) fn depth(&self) -> usize {
        self.inputs * self.taps()
    }

    pub(super) fn suits_winograd(&self) -> bool {
        let is_three = self.kernel == [3; 2] && self.padding == [1; 2];
        is_three && self.stride <= 2 && self.inputs >= ENOUGH && self.groups == 1
    }

    /// Whether few channels come out of many: the adjoint of a convolution from few to many.
    pub(super) fn scatters_forward(&self) -> bool {
        let turns = self.stride == 1 && (0..2).all(|axis| self.padding[axis] < self.kernel[axis]);
        let few = self.outputs < ENOUGH && self.inputs >= ENOUGH && self.groups == 1;
        turns && few && !self.suits_winograd()
    }

    /// Whether the size stays: then turned weights reach no more zeros than the weights do.
    pub(super) fn keeps_size(&self) -> bool {
        self.stride == 1 && (0..2).all(|axis| 2 * self.padding[axis] + 1 == self.kernel[axis])
    }

    /// The convolution that gives the input gradient of one with stride 1.
    pub(super) fn turned(&self) -> Self {
        let padding = [0, 1].map(|axis| self.kernel[axis] - 1 - self.padding[axis]);
        Self { inputs: self.outputs, outputs: self.inputs, padding, ..*self }
    }
}
