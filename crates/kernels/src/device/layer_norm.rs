//! Normalisation over the channels of each pixel (Ba et al. 2016).

use candle_core::{Result, Tensor};

use super::{channel_sums, per_channel};

/// (x − μ) / √(σ² + ε) · weight + bias, with mean and variance over the channels of one pixel of one image; and x̂ and 1 / √(σ² + ε),
/// which the gradient needs. `x` is (N, C, H, W).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::layer_norm;
///
/// let x = Tensor::new(&[1f32, 3.0], &Device::Cpu)?.reshape((1, 2, 1, 1))?;
/// let (weight, bias) = (Tensor::new(&[2f32, 2.0], &Device::Cpu)?, Tensor::new(&[1f32, 1.0], &Device::Cpu)?);
/// let (y, _) = layer_norm(&x, &weight, &bias, 0.0)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [-1.0, 3.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<(Tensor, [Tensor; 2])> {
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let inverse_std = (centred.sqr()?.mean_keepdim(1)? + epsilon)?.sqrt()?.recip()?;
    let standard = centred.broadcast_mul(&inverse_std)?;
    let y = standard.broadcast_mul(&per_channel(weight)?)?.broadcast_add(&per_channel(bias)?)?;
    Ok((y, [standard, inverse_std]))
}

/// The gradients of x, weight and bias from that of the result of [`layer_norm`], and what it left.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn layer_norm_gradient(
    g: &Tensor,
    [standard, inverse_std]: &[Tensor; 2],
    weight: &Tensor,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (of_weight, of_bias) = (channel_sums(&(g * standard)?)?, channel_sums(g)?);
    let g = g.broadcast_mul(&per_channel(weight)?)?;
    let through_variance = standard.broadcast_mul(&(&g * standard)?.mean_keepdim(1)?)?;
    let centred = (g.broadcast_sub(&g.mean_keepdim(1)?)? - through_variance)?;
    Ok((centred.broadcast_mul(inverse_std)?, of_weight, of_bias))
}
