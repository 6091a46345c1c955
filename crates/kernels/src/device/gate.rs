//! The gradient through ReLU.

use candle_core::{Result, Tensor};

/// The gradient of x from that of y = ReLU(x), where y is positive; 0 elsewhere, at the corner too.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let (y, g) = (Tensor::new(&[0f32, 2.0], &Device::Cpu)?, Tensor::new(&[3f32, 4.0], &Device::Cpu)?);
/// assert_eq!(kernels::device::relu_gradient(&y, &g)?.to_vec1::<f32>()?, [0.0, 4.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or the device fails.
pub fn relu_gradient(y: &Tensor, g: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if super::is_cuda(y) {
        return super::cuda::relu_gradient(y, g);
    }
    g * y.gt(0f32)?.to_dtype(y.dtype())?
}
