//! The fast engine's operations: activations in blocks of sixteen images, convolutions by Winograd and packed
//! products, batch-norm and activations fused. See [`Blocked`] for the layout and [`Path`] for the instruction sets.

mod convolution;
mod direct;
mod gemm;
mod loss;
mod pages;
mod pointwise;
mod pooling;
mod tensor;
mod winograd;

use crate::simd;

pub use convolution::{Convolution, ConvolutionShape};
pub use loss::cross_entropy;
pub use pointwise::{
    After, Combine, Finish, Moments, accumulate, channel_sums, combine, finish, gate, mean_over_pixels,
    moments, spread_mean,
};
pub use pooling::{Winners, max_pool, max_pool_gradient};
pub use simd::Path;
pub use tensor::{Arena, Blocked, Dims, Mask};
