//! Batch-norm (Ioffe & Szegedy, ICML 2015) with the batch's own moments.

use candle_core::{Result, Tensor};

use super::BatchMoments;

/// γ · (x − mean) / √(variance + ε) + β per channel, with the moments of the batch, which it returns too.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::batch_norm;
///
/// let x = Tensor::new(&[1f32, 3.0], &Device::Cpu)?.reshape((2, 1, 1, 1))?;
/// let (one, two) = (Tensor::new(&[1f32], &Device::Cpu)?, Tensor::new(&[2f32], &Device::Cpu)?);
/// let (y, moments) = batch_norm(&x, &two, &one, 0.0)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [-1.0, 3.0]);
/// assert_eq!(moments.mean.to_vec1::<f32>()?, [2.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<(Tensor, BatchMoments)> {
    #[cfg(feature = "cuda")]
    if super::is_cuda(x) {
        return super::cuda::batch_norm(x, gamma, beta, epsilon);
    }
    let moments = batch_moments(x, epsilon)?;
    Ok((batch_norm_of(x, gamma, beta, &moments)?, moments))
}

/// The same with moments that are known, as those of a batch of which other processes have parts.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn batch_norm_of(x: &Tensor, gamma: &Tensor, beta: &Tensor, moments: &BatchMoments) -> Result<Tensor> {
    let factor = per_channel(&(gamma * &moments.inverse_std)?)?;
    let y = x.broadcast_sub(&per_channel(&moments.mean)?)?.broadcast_mul(&factor)?;
    y.broadcast_add(&per_channel(beta)?)
}

/// Gradients of x, of γ and of β, from that of the result: with x̂ = (x − mean) / σ, dγ = Σ g x̂, dβ = Σ g,
/// dx = γ/σ · (g − mean(g) − x̂ · mean(g x̂)).
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn batch_norm_gradient(
    x: &Tensor,
    g: &Tensor,
    gamma: &Tensor,
    moments: &BatchMoments,
    #[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "cuDNN checks it"))] epsilon: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    #[cfg(feature = "cuda")]
    if super::is_cuda(x) {
        return super::cuda::batch_norm_gradient(x, g, gamma, moments, epsilon);
    }
    let standard = standard_values(x, moments)?;
    let (dgamma, dbeta) = batch_norm_sums(&standard, g)?;
    Ok((batch_norm_input_gradient(&standard, g, gamma, moments, [&dgamma, &dbeta])?, dgamma, dbeta))
}

/// Σ g x̂ and Σ g over the images that are here: the gradients of γ and β, or a process's parts of them. `standard` is x̂, of
/// [`standard_values`].
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn batch_norm_sums(standard: &Tensor, g: &Tensor) -> Result<(Tensor, Tensor)> {
    Ok((channel_sums(&(g * standard)?)?, channel_sums(g)?))
}

/// The gradient of x, given those of γ and β for the whole batch, which the moments are of.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn batch_norm_input_gradient(
    standard: &Tensor,
    g: &Tensor,
    gamma: &Tensor,
    moments: &BatchMoments,
    [dgamma, dbeta]: [&Tensor; 2],
) -> Result<Tensor> {
    let one = 1.0 / moments.count as f64;
    let along = standard.broadcast_mul(&per_channel(&(dgamma * one)?)?)?;
    let centred = (g.broadcast_sub(&per_channel(&(dbeta * one)?)?)? - along)?;
    centred.broadcast_mul(&(per_channel(gamma)? * per_channel(&moments.inverse_std)?)?)
}

/// x̂ = (x − mean) / σ, which both need.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn standard_values(x: &Tensor, moments: &BatchMoments) -> Result<Tensor> {
    x.broadcast_sub(&per_channel(&moments.mean)?)?.broadcast_mul(&per_channel(&moments.inverse_std)?)
}

/// The moments of the images that are here.
///
/// # Errors
/// If there are other than four dimensions, or the device fails.
pub fn batch_moments(x: &Tensor, epsilon: f64) -> Result<BatchMoments> {
    let (images, _, height, width) = x.dims4()?;
    let count = images * height * width;
    let mean = (channel_sums(x)? / count as f64)?;
    let squares = x.broadcast_sub(&per_channel(&mean)?)?.sqr()?;
    let variance = (channel_sums(&squares)? / count as f64)?;
    let inverse_std = (&variance + epsilon)?.sqrt()?.recip()?;
    Ok(BatchMoments { mean, variance, inverse_std, count })
}

/// A number a channel, (C), as (1, C, 1, 1).
///
/// # Errors
/// If the device fails.
pub fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, values.elem_count(), 1, 1))
}

/// The sum over images and pixels of (N, C, H, W): (C). First over pixels, then over images.
///
/// # Errors
/// If there are other than four dimensions, or the device fails.
pub fn channel_sums(x: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = x.dims4()?;
    x.contiguous()?.reshape((images, channels, height * width))?.sum(2)?.sum(0)
}
