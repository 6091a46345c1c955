//! Global response normalisation (Woo et al., CVPR 2023): how large a channel is among the channels of its image.

use candle_core::{Result, Tensor};

use super::{channel_sums, per_channel};

/// What stands for the norm of a plane of zeros.
const SMALLEST: f64 = 1e-20;

/// x · (1 + weight · n) + bias, n being the norm of the channel's plane over (the mean of these norms over the channels + ε). `x` is
/// (N, C, H, W).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::response_norm;
///
/// // Norms 3 and 1, of mean 2: n is 1.5 and 0.5.
/// let x = Tensor::new(&[3f32, 1.0], &Device::Cpu)?.reshape((1, 2, 1, 1))?;
/// let (weight, bias) = (Tensor::new(&[2f32, 2.0], &Device::Cpu)?, Tensor::new(&[0f32, 1.0], &Device::Cpu)?);
/// assert_eq!(response_norm(&x, &weight, &bias, 0.0)?.flatten_all()?.to_vec1::<f32>()?, [12.0, 3.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn response_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let (norms, below) = norms(x, epsilon)?;
    let factor = (norms.broadcast_div(&below)?.broadcast_mul(&per_channel(weight)?)? + 1.0)?;
    x.broadcast_mul(&factor)?.broadcast_add(&per_channel(bias)?)
}

/// The gradients of x, weight and bias of [`response_norm`] from `g`, that of its result. A plane of zeros has none through its norm.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn response_norm_gradient(
    g: &Tensor,
    x: &Tensor,
    weight: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (norms, below) = norms(x, epsilon)?;
    let (weight, response) = (per_channel(weight)?, norms.broadcast_div(&below)?);
    let products = (g * x)?.sum_keepdim((2, 3))?;
    let of_response = products.broadcast_mul(&weight)?;
    let of_mean = (&of_response * &norms)?.mean_keepdim(1)?.broadcast_div(&below.sqr()?)?;
    let of_norms = of_response.broadcast_div(&below)?.broadcast_sub(&of_mean)?;
    let along = (of_norms / norms.maximum(SMALLEST)?)?;
    let factor = (response.broadcast_mul(&weight)? + 1.0)?;
    let dx = (g.broadcast_mul(&factor)? + x.broadcast_mul(&along)?)?;
    Ok((dx, channel_sums(&(products * response)?)?, channel_sums(g)?))
}

/// The norm of each plane, (N, C, 1, 1), and their means + ε, (N, 1, 1, 1).
fn norms(x: &Tensor, epsilon: f64) -> Result<(Tensor, Tensor)> {
    let norms = x.sqr()?.sum_keepdim((2, 3))?.sqrt()?;
    let below = (norms.mean_keepdim(1)? + epsilon)?;
    Ok((norms, below))
}
