//! Cross-entropy after a softmax.

use candle_core::{DType, Result, Tensor};

use crate::blocked;

/// The batch's mean cross-entropy in nats, a scalar, and its gradient with respect to the logits (N, classes), of labels (N) u32. The
/// entry of the label is minus the sum of the others: p − 1 would be zero as soon as the network is sure, in f32 from 17 nats on.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let (logits, labels) = (Tensor::zeros((2, 4), candle_core::DType::F32, &Device::Cpu)?, Tensor::new(&[3u32, 0], &Device::Cpu)?);
/// let (loss, gradient) = kernels::device::cross_entropy(&logits, &labels)?;
/// assert!((loss.to_scalar::<f32>()? - 4f32.ln()).abs() < 1e-6);
/// assert_eq!(gradient.to_vec2::<f32>()?[0], [0.125, 0.125, 0.125, -0.375]);
/// let (logits, labels) = (Tensor::new(&[[40f32, 0.0]], &Device::Cpu)?, Tensor::new(&[0u32], &Device::Cpu)?);
/// let gradient = kernels::device::cross_entropy(&logits, &labels)?.1.to_vec2::<f32>()?;
/// assert_eq!(gradient[0][0], -gradient[0][1]);
/// assert!((gradient[0][1] / 4.248_354e-18 - 1.0).abs() < 1e-5); // e⁻⁴⁰
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<(Tensor, Tensor)> {
    let (images, classes) = logits.dims2()?;
    let numbers = Tensor::arange(0u32, classes as u32, logits.device())?.reshape((1, classes))?;
    let is_label = labels.reshape((images, 1))?.broadcast_eq(&numbers)?.to_dtype(DType::F32)?;
    let centred = logits.broadcast_sub(&logits.max_keepdim(1)?)?;
    let scores = centred.exp()?;
    let sums = scores.sum_keepdim(1)?;
    let of_labels = (&centred * &is_label)?.sum_keepdim(1)?;
    let loss = (sums.log()? - of_labels)?.mean_all()?;
    let others = (scores.broadcast_div(&sums)? * (1.0 - &is_label)?)?;
    let own = is_label.broadcast_mul(&others.sum_keepdim(1)?)?;
    let gradient = ((others - own)? / images as f64)?;
    Ok((loss, gradient))
}

/// The mean cross-entropy in nats with the rows of `targets` (N, classes) in the place of labels, a scalar, and its gradient with respect to
/// the logits (N, classes): see [`blocked::soft_cross_entropy`].
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let [logits, targets] = [[[40f32, 0.0]], [[1f32, 0.0]]].map(|rows| Tensor::new(&rows, &Device::Cpu).unwrap());
/// let gradient = kernels::device::soft_cross_entropy(&logits, &targets)?.1.to_vec2::<f32>()?;
/// assert_eq!(gradient[0][0], -gradient[0][1]);
/// assert!((gradient[0][1] / 4.248_354e-18 - 1.0).abs() < 1e-5); // e⁻⁴⁰
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or the device fails.
pub fn soft_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<(Tensor, Tensor)> {
    let (images, _) = logits.dims2()?;
    let centred = logits.broadcast_sub(&logits.max_keepdim(1)?)?;
    let scores = centred.exp()?;
    let sums = scores.sum_keepdim(1)?;
    let losses = (sums.log()?.broadcast_sub(&centred)? * targets)?;
    let p = scores.broadcast_div(&sums)?;
    let gradient = ((&p * sums_of_others(targets)?)? - (targets * sums_of_others(&p)?)?)?;
    Ok(((losses.sum_all()? / images as f64)?, (gradient / images as f64)?))
}

/// For each value the sum of all others in its row. For the largest a difference from the sum of all would cancel.
fn sums_of_others(values: &Tensor) -> Result<Tensor> {
    let numbers = Tensor::arange(0u32, values.dim(1)? as u32, values.device())?.reshape((1, ()))?;
    let is_largest = values.argmax_keepdim(1)?.broadcast_eq(&numbers)?.to_dtype(DType::F32)?;
    let is_other = (1.0 - &is_largest)?;
    let of_largest = (values * &is_other)?.sum_keepdim(1)?;
    let differences = values.sum_keepdim(1)?.broadcast_sub(values)?;
    (differences * is_other)? + is_largest.broadcast_mul(&of_largest)?
}

/// The mean cross-entropy in nats, and the gradient of each image's own, scaled by a power of two: see
/// [`blocked::scaled_cross_entropy`], which computes it in f64 on the host.
///
/// # Errors
/// As [`cross_entropy`].
pub fn scaled_cross_entropy(logits: &Tensor, labels: &[u32]) -> Result<(f32, Tensor)> {
    let (images, classes) = logits.dims2()?;
    if images != labels.len() || labels.iter().any(|&label| label as usize >= classes) {
        candle_core::bail!("logits of {images} images and {classes} classes with {} labels", labels.len());
    }
    let (loss, gradient) = blocked::scaled_cross_entropy(&logits.flatten_all()?.to_vec1::<f32>()?, labels);
    Ok((loss, Tensor::from_vec(gradient, (images, classes), logits.device())?))
}
