//! Cross-entropy after a softmax.

use candle_core::{DType, Result, Tensor};

/// The batch's mean cross-entropy in nats, a scalar, and its gradient with respect to the logits (N, classes), of labels (N) u32.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let (logits, labels) = (Tensor::zeros((2, 4), candle_core::DType::F32, &Device::Cpu)?, Tensor::new(&[3u32, 0], &Device::Cpu)?);
/// let (loss, gradient) = kernels::device::cross_entropy(&logits, &labels)?;
/// assert!((loss.to_scalar::<f32>()? - 4f32.ln()).abs() < 1e-6);
/// assert_eq!(gradient.to_vec2::<f32>()?[0], [0.125, 0.125, 0.125, -0.375]);
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
    let gradient = ((scores.broadcast_div(&sums)? - is_label)? / images as f64)?;
    Ok((loss, gradient))
}
