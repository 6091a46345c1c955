//! The fast engine's operations: activations in blocks of sixteen images, convolutions by Winograd and packed
//! products or on AMX's tiles, batch-norm and activations fused. See [`Blocked`] for the layout and [`InstructionSet`] for the instruction sets.

pub mod arrays;
mod attention;
mod branches;
mod bytes;
mod convolution;
mod curves;
mod direct;
mod epilogue;
mod factors;
mod gates;
mod gemm;
mod lane_products;
mod layer_norm;
mod loss;
mod means;
mod pages;
mod parts;
mod patches;
mod pointwise;
mod pooling;
mod response;
mod scales;
mod shape;
mod sums;
mod tensor;
mod tiled;
mod tokens;
mod unit;
mod weight_gradient;
mod weight_sums;
mod windowed;
mod winograd;

use crate::simd;

pub use attention::{Attention, AttentionGradient, attention, attention_gradient};
pub use branches::{choose_channels, choose_channels_gradient, concatenate, some_channels};
pub use convolution::Convolution;
pub use curves::{nonlinearity, nonlinearity_gradient};
pub use epilogue::{Epilogue, GradientEpilogue, accumulate, gate};
pub use gates::{dropout, dropout_gradient, leaky_relu, leaky_relu_gradient};
pub use layer_norm::{PixelMoments, layer_norm, layer_norm_gradient, layer_norm_parameter_gradients};
pub use loss::{cross_entropy, scaled_cross_entropy, soft_cross_entropy};
pub use means::{Cells, mean_pool, mean_pool_gradient};
pub use parts::{Joining, WeightSums};
pub use pointwise::{
    ChannelAffine, ChannelAffineGradient, Moments, channel_affine, channel_affine_gradient, channel_sums,
    moment_sums, moments,
};
pub use pooling::{Winners, max_pool, max_pool_gradient};
pub use response::{response_norm, response_norm_gradient};
pub use scales::{scale_planes, scale_planes_gradient};
pub use shape::ConvolutionShape;
pub use simd::InstructionSet;
pub use sums::BlockSums;
pub use tensor::{Arena, Blocked, Dims, Mask};
pub use tokens::{
    add_positions, border, border_gradient, merge_squares, merge_squares_gradient, pixel, pixel_gradient,
    positions_gradient, prepend_tokens, prepend_tokens_gradient, swap_channels_and_pixels,
    swap_channels_and_pixels_gradient,
};
pub use unit::{unit_vectors, unit_vectors_gradient};
