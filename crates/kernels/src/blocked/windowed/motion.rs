//! How windows move over the planes of a group.

use super::super::{ConvolutionShape, tensor::Dims};

/// Products that are worth a thread's attention.
const WORK: usize = 1 << 18;

/// How windows of one group move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Rows and columns of a window.
    pub(super) kernel: usize,
    /// Pixels from one window to the next.
    pub(super) step: usize,
    /// Pixels from one value that goes in to the next, with zeros between them.
    pub(super) spread: usize,
    pub(super) padding: [usize; 2],
}

impl Motion {
    pub(super) fn forward(shape: ConvolutionShape) -> Self {
        let ConvolutionShape { inputs, outputs, kernel: [kernel, _], stride, padding, .. } = shape.part();
        Self { inputs, outputs, kernel, step: stride, spread: 1, padding }
    }

    pub(super) fn backward(shape: ConvolutionShape) -> Self {
        let ConvolutionShape { inputs, outputs, kernel: [kernel, _], stride, padding, .. } = shape.part();
        let padding = padding.map(|padding| kernel - 1 - padding);
        Self { inputs: outputs, outputs: inputs, kernel, step: 1, spread: stride, padding }
    }

    pub(super) fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// Groups that a thread takes at once.
    pub(super) fn groups_at_once(self, to: Dims) -> usize {
        (WORK / (self.inputs * self.outputs * self.taps() * to.pixels()).max(1)).max(1)
    }
}
