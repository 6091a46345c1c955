//! One of the three passes of a convolution, and the shapes of its tensors.

use super::{Precision, patches::Geometry};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Forward,
    InputGradient,
    WeightGradient,
}

/// A pass, as candle and cuDNN are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pass {
    pub(super) geometry: Geometry,
    pub(super) precision: Precision,
    pub(super) kind: Kind,
}

impl Pass {
    /// Of both arguments and of the result.
    pub(super) fn shapes(&self) -> [[usize; 4]; 3] {
        let (x, weight, y) = (self.images(), self.weights(), self.outputs());
        match self.kind {
            Kind::Forward => [x, weight, y],
            Kind::InputGradient => [weight, y, x],
            Kind::WeightGradient => [x, y, weight],
        }
    }

    /// The shape of the images, (N, C, H, W).
    pub(super) fn images(&self) -> [usize; 4] {
        let Geometry { images, groups, inputs, size: [height, width], .. } = self.geometry;
        [images, groups * inputs, height, width]
    }

    /// The shape of the weights, (O, C / groups, kH, kW).
    pub(super) fn weights(&self) -> [usize; 4] {
        let Geometry { groups, inputs, outputs, kernel: [height, width], .. } = self.geometry;
        [groups * outputs, inputs, height, width]
    }

    /// The shape of what the convolution gives, (N, O, H', W').
    pub(super) fn outputs(&self) -> [usize; 4] {
        let Geometry { images, groups, outputs, out: [height, width], .. } = self.geometry;
        [images, groups * outputs, height, width]
    }
}
