//! Means of a spectrum's magnitudes over bands.

use candle_core::{Device, Result, Tensor};

use super::HalfSpectrum;

/// Means over bands of the magnitudes of two-dimensional Fourier transforms, for planes of one size.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::BandMeans;
///
/// // One band of all coefficients of a 2 × 2 plane: those with a column v of 0 or 1.
/// let means = BandMeans::new([2, 2], &[0.25; 4], 1, &Device::Cpu)?;
/// let plane = Tensor::new(&[1f32, 0.0, 0.0, 0.0], &Device::Cpu)?.reshape((1, 2, 2))?;
/// assert_eq!(means.of(&plane)?.to_vec2::<f32>()?, [[1.0]]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BandMeans {
    transform: HalfSpectrum,
    /// (W' · H, bands).
    weights: Tensor,
}

impl BandMeans {
    /// Means for planes (H, W); `weights` (W', H, bands) is what coefficient (u, v) of the half spectrum counts in each band, with
    /// that of its mirror image.
    ///
    /// # Errors
    /// If there are other than W' · H · bands weights, or the device fails.
    pub fn new(size: [usize; 2], weights: &[f32], bands: usize, device: &Device) -> Result<Self> {
        let transform = HalfSpectrum::new(size, device)?;
        let weights = Tensor::from_slice(weights, (transform.coefficients(), bands), device)?;
        Ok(Self { transform, weights })
    }

    /// Means of planes (N, H, W): (N, bands).
    ///
    /// # Errors
    /// If the planes are of another size, or the device fails.
    pub fn of(&self, planes: &Tensor) -> Result<Tensor> {
        let (real, imaginary) = self.transform.of(planes)?;
        (real.sqr()? + imaginary.sqr()?)?.sqrt()?.matmul(&self.weights)
    }

    /// What a gradient's profile is made of, for gradients (N, C, H, W): (N, bands + 1). The plane is the sum over channels divided
    /// by its largest magnitude, so that no square over- or underflows; after its means comes its range, 0 for a constant one. A
    /// plane of zeros or with a value that is not finite has means that are not numbers.
    ///
    /// # Errors
    /// As [`BandMeans::of`].
    pub fn of_gradients(&self, gradients: &Tensor) -> Result<Tensor> {
        let (count, _, height, width) = gradients.dims4()?;
        let flat = gradients.sum(1)?.reshape((count, height * width))?;
        let (low, high) = (flat.min_keepdim(1)?, flat.max_keepdim(1)?);
        let scale = high.maximum(&low.neg()?)?;
        let range = (high - low)?.broadcast_div(&scale)?;
        let means = self.of(&flat.broadcast_div(&scale)?.reshape((count, height, width))?)?;
        Tensor::cat(&[means, range], 1)
    }
}
