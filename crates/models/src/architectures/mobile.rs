//! What networks for small devices are made of: 1×1 convolutions between depthwise ones, squeeze-and-excitation, residual sums that
//! training sometimes skips.

use kernels::{Activation, Nonlinearity, blocked::ConvolutionShape};

use crate::graph::{GraphBuilder, Value};

/// What follows a batch-norm or a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Relu,
    Function(Nonlinearity),
}

impl Then {
    /// What joins the operation before.
    fn joined(self) -> Activation {
        if self == Self::Relu { Activation::Relu } else { Activation::None }
    }

    /// What does not.
    fn apart(self, g: &mut GraphBuilder, x: Value) -> Value {
        if let Self::Function(function) = self { g.nonlinear(x, function) } else { x }
    }
}

/// A convolution without bias of odd side, padded so that a stride of 1 keeps the size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer {
    pub(super) out: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) groups: usize,
}

impl Layer {
    /// 1×1.
    pub(super) const fn pointwise(out: usize) -> Self {
        Self { out, kernel: 1, stride: 1, groups: 1 }
    }

    /// Each channel by itself.
    pub(super) const fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        Self { out: channels, kernel, stride, groups: channels }
    }

    /// All channels together.
    pub(super) const fn full(out: usize, kernel: usize, stride: usize) -> Self {
        Self { out, kernel, stride, groups: 1 }
    }
}

/// A convolution, its batch-norm, and what follows.
pub(super) fn normalised(
    g: &mut GraphBuilder,
    x: Value,
    [convolution, norm]: [&str; 2],
    Layer { out, kernel, stride, groups }: Layer,
    then: Then,
) -> Value {
    let shape = ConvolutionShape { groups, ..ConvolutionShape::same([g.channels(x), out], kernel, stride) };
    let x = g.convolution(x, convolution, shape, false, Activation::None);
    let x = g.batch_norm(x, norm, then.joined());
    then.apart(g, x)
}

/// The same with the names of torchvision's `Conv2dNormActivation`: `{module}.0` and `{module}.1`.
pub(super) fn block(g: &mut GraphBuilder, x: Value, module: &str, layer: Layer, then: Then) -> Value {
    normalised(g, x, [&format!("{module}.0"), &format!("{module}.1")], layer, then)
}

/// Squeeze-and-excitation (Hu et al. 2018): a factor for each channel, from the means of all channels, by 1×1 convolutions to
/// `squeezed` channels and back.
pub(super) fn squeeze_excite(
    g: &mut GraphBuilder,
    x: Value,
    module: &str,
    squeezed: usize,
    [then, gate]: [Then; 2],
) -> Value {
    let channels = g.channels(x);
    let means = g.global_avg_pool(x);
    let shape = ConvolutionShape::same([channels, squeezed], 1, 1);
    let squeeze = g.convolution(means, &format!("{module}.fc1"), shape, true, then.joined());
    let squeeze = then.apart(g, squeeze);
    let shape = ConvolutionShape::same([squeezed, channels], 1, 1);
    let factors = g.convolution(squeeze, &format!("{module}.fc2"), shape, true, gate.joined());
    let factors = gate.apart(g, factors);
    g.scale_planes(x, factors)
}

/// A number of channels near to `wanted` that 8 divides, and that is not more than a tenth below it.
pub(super) fn divisible_by_8(wanted: f64) -> usize {
    let nearest = ((wanted + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * wanted { nearest + 8 } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::divisible_by_8;

    #[test]
    fn channels_are_rounded_to_eights() {
        assert_eq!([3.0, 83.0, 84.0, 12.0, 17.6].map(divisible_by_8), [8, 80, 88, 16, 16]);
        // 8 would be more than a tenth below.
        assert_eq!(divisible_by_8(11.0), 16);
    }
}
