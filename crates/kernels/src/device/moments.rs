//! The moments of a batch, channel by channel.

use candle_core::Tensor;

/// What a batch-norm saw of each channel, (C).
#[derive(Debug, Clone)]
pub struct BatchMoments {
    /// The mean.
    pub mean: Tensor,
    /// The variance, divisor n.
    pub variance: Tensor,
    /// 1 / √(variance + ε).
    pub inverse_std: Tensor,
    /// Values a channel, n.
    pub count: usize,
}
