//! What an engine of candle tensors needs beside candle's own operations, forward and backward, without autograd: on the device
//! that the tensors are on.
//!
//! | operation | anywhere | CUDA (feature `cuda`) |
//! |---|---|---|
//! | [`Convolution`] | CPU: patches times weights | cuDNN, algorithms that give the same bits each time |
//! | [`batch_norm`] of a batch's own moments | candle | cuDNN |
//! | [`relu_gradient`] | candle | cuDNN |
//! | [`nonlinearity`] | candle | the same |
//! | [`max_pool`] | candle: shifted copies | cuDNN; shifted copies where windows reach over the edge |
//! | [`mean_pool`] | two products with matrices | the same |
//! | [`layer_norm`], [`response_norm`], [`unit_vectors`], [`attention`], [`distance_numbers`] | candle | the same |
//! | [`cross_entropy`], [`soft_cross_entropy`] | candle | the same |
//! | [`BandMeans`] of spectra, [`Density`] with its gradient | products with the matrix of the Fourier transform | the same |
//! | [`ResidentImages`], gathered into batches | candle | the same |
//! | [`blend`], [`accumulate`] in place | loops | a kernel of our own, compiled by NVRTC |
//! | `GpuGroup`, sums over processes | | NCCL (feature `nccl`) |
//! | [`Uploads`], a batch ahead | kept until it is taken | from page-locked memory, on a stream of their own |
//!
//! All tensors are f32, images (N, C, H, W), weights (O, C / groups, kH, kW). What runs anywhere is the twin that the CUDA
//! versions are tested against.

pub mod arrays;
mod attention;
mod bands;
mod blend;
mod convolution;
#[cfg(feature = "cuda")]
mod cuda;
mod density;
mod distances;
mod gate;
mod layer_norm;
mod loss;
mod moments;
mod nonlinearity;
mod norm;
mod pass;
mod patches;
mod pooling;
mod resident;
mod response;
mod spectrum;
mod unit;
mod uploads;

pub use crate::Precision;
pub use attention::{Attention, AttentionGradient, attention, attention_gradient};
pub use bands::BandMeans;
pub use blend::{accumulate, blend};
pub use convolution::Convolution;
#[cfg(feature = "nccl")]
pub use cuda::GpuGroup;
pub use density::{Densities, Density};
pub use distances::{DistanceParts, distance_numbers, distance_numbers_gradient};
pub use gate::relu_gradient;
pub use layer_norm::{layer_norm, layer_norm_gradient};
pub use loss::{cross_entropy, scaled_cross_entropy, soft_cross_entropy};
pub use moments::BatchMoments;
pub use nonlinearity::{nonlinearity, nonlinearity_gradient};
pub use norm::{
    batch_moments, batch_norm, batch_norm_gradient, batch_norm_input_gradient, batch_norm_of,
    batch_norm_sums, channel_sums, per_channel, standard_values,
};
pub use pooling::{max_pool, max_pool_gradient, mean_pool, mean_pool_gradient};
pub use resident::ResidentImages;
pub use response::{response_norm, response_norm_gradient};
pub use spectrum::HalfSpectrum;
pub use unit::{unit_vectors, unit_vectors_gradient};
pub use uploads::Uploads;

/// Whether tensors of a device go through cuDNN.
#[cfg(feature = "cuda")]
fn is_cuda(tensor: &candle_core::Tensor) -> bool {
    tensor.device().is_cuda()
}
