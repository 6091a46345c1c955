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
    /// (W' · H, rings).
    rings: Option<Tensor>,
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
        Ok(Self { transform, weights, rings: None })
    }

    /// The same, which also finds the energies of rings of gradients; `counts` (W', H, rings) is how often the energy of coefficient (u, v)
    /// counts in each ring, with that of its mirror image.
    ///
    /// # Errors
    /// As [`BandMeans::new`].
    pub fn with_energies(self, counts: &[f32], rings: usize) -> Result<Self> {
        let device = self.weights.device().clone();
        let rings = Tensor::from_slice(counts, (self.transform.coefficients(), rings), &device)?;
        Ok(Self { rings: Some(rings), ..self })
    }

    /// Means of planes (N, H, W): (N, bands).
    ///
    /// # Errors
    /// If the planes are of another size, or the device fails.
    pub fn of(&self, planes: &Tensor) -> Result<Tensor> {
        self.energies(planes)?.sqrt()?.matmul(&self.weights)
    }

    /// |F|² of each coefficient of the half spectrum.
    fn energies(&self, planes: &Tensor) -> Result<Tensor> {
        let (real, imaginary) = self.transform.of(planes)?;
        real.sqr()? + imaginary.sqr()?
    }

    /// What a gradient's profile is made of, for gradients (N, C, H, W): (N, bands + 1 + rings). The plane is the sum over channels
    /// divided by its largest magnitude, so that no square over- or underflows; after its means comes its range, 0 for a constant one,
    /// and then the energies of rings, where they are asked for. A plane of zeros or with a value that is not finite has means that are
    /// not numbers.
    ///
    /// # Errors
    /// As [`BandMeans::of`].
    pub fn of_gradients(&self, gradients: &Tensor) -> Result<Tensor> {
        let (count, _, height, width) = gradients.dims4()?;
        let flat = gradients.sum(1)?.reshape((count, height * width))?;
        let (low, high) = (flat.min_keepdim(1)?, flat.max_keepdim(1)?);
        let scale = high.maximum(&low.neg()?)?;
        let range = (high - low)?.broadcast_div(&scale)?;
        let energies = self.energies(&flat.broadcast_div(&scale)?.reshape((count, height, width))?)?;
        let means = energies.sqrt()?.matmul(&self.weights)?;
        match &self.rings {
            None => Tensor::cat(&[means, range], 1),
            Some(rings) => Tensor::cat(&[means, range, energies.matmul(rings)?], 1),
        }
    }
}
