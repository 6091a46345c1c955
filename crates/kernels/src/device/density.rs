//! The spectral density of images as a function to be differentiated (Lin, Gao & Sang, IJCAI 2022, CDES).

use candle_core::{DType, Device, Result, Tensor};

use super::HalfSpectrum;

/// Luma weights of red, green and blue (ITU-R BT.601).
const LUMA: [f32; 3] = [0.2989, 0.5870, 0.1140];

/// density = minmax(mean over bands of 20·ln(1 + |DFT(luma)|)), for images (N, 3, H, W) of one size, and its gradient.
#[derive(Debug, Clone)]
pub struct Density {
    transform: HalfSpectrum,
    /// (W' · H, bands).
    weights: Tensor,
    /// (1, 3, 1, 1).
    luma: Tensor,
}

/// Densities of a batch, with what their gradient needs.
#[derive(Debug)]
pub struct Densities<'a> {
    map: &'a Density,
    /// (N, bands), in [0, 1].
    pub rows: Tensor,
    /// Before they are scaled.
    bands: Tensor,
    real: Tensor,
    imaginary: Tensor,
    magnitudes: Tensor,
}

impl Density {
    /// For images (N, 3, H, W); `weights` as those of [`BandMeans`](super::BandMeans), with the coefficient (0, 0) in no band.
    ///
    /// # Errors
    /// If there are other than W' · H · bands weights, or the device fails.
    pub fn new(size: [usize; 2], weights: &[f32], bands: usize, device: &Device) -> Result<Self> {
        let transform = HalfSpectrum::new(size, device)?;
        let weights = Tensor::from_slice(weights, (transform.coefficients(), bands), device)?;
        Ok(Self { transform, weights, luma: Tensor::new(&LUMA, device)?.reshape((1, 3, 1, 1))? })
    }

    /// The densities of images (N, 3, H, W).
    ///
    /// # Errors
    /// If the images are of another size, or the device fails.
    pub fn of(&self, images: &Tensor) -> Result<Densities<'_>> {
        let luma = images.broadcast_mul(&self.luma)?.sum(1)?;
        // In no band, so that a plane without structure is exactly zero but for it.
        let level = luma.narrow(1, 0, 1)?.narrow(2, 0, 1)?;
        let (real, imaginary) = self.transform.of(&luma.broadcast_sub(&level)?)?;
        let magnitudes = (real.sqr()? + imaginary.sqr()?)?.sqrt()?;
        let bands = ((&magnitudes + 1.0)?.log()? * 20.0)?.matmul(&self.weights)?;
        let span = (bands.max_keepdim(1)? - bands.min_keepdim(1)?)?;
        let rows = bands.broadcast_sub(&bands.min_keepdim(1)?)?.broadcast_mul(&inverse(&span)?)?;
        Ok(Densities { map: self, rows, bands, real, imaginary, magnitudes })
    }
}

impl Densities<'_> {
    /// The gradient of the images, (N, 3, H, W), from that of the densities. Equal minima (or maxima) share theirs evenly, the
    /// magnitude 0 has none, nor has an image whose bands are all equal.
    ///
    /// # Errors
    /// If the gradient is of another shape, or the device fails.
    pub fn gradient(&self, of_rows: &Tensor) -> Result<Tensor> {
        let of_bands = self.through_scaling(of_rows)?;
        let of_logarithms = of_bands.matmul(&self.map.weights.t()?.contiguous()?)?;
        let of_magnitudes = (of_logarithms / (&self.magnitudes + 1.0)?)?.affine(20.0, 0.0)?;
        let along = (of_magnitudes * inverse(&self.magnitudes)?)?;
        let (real, imaginary) = ((&along * &self.real)?, (&along * &self.imaginary)?);
        let of_luma = self.map.transform.adjoint(&real, &imaginary)?;
        of_luma.unsqueeze(1)?.broadcast_mul(&self.map.luma)
    }

    /// With d = (b − low) / span: g / span, at the minima less what they take of all, at the maxima likewise.
    fn through_scaling(&self, g: &Tensor) -> Result<Tensor> {
        let (low, high) = (self.bands.min_keepdim(1)?, self.bands.max_keepdim(1)?);
        let scaled = g.broadcast_mul(&inverse(&(&high - &low)?)?)?;
        let is = |extreme: &Tensor| -> Result<Tensor> {
            let is = self.bands.broadcast_eq(extreme)?.to_dtype(DType::F32)?;
            is.broadcast_div(&is.sum_keepdim(1)?)
        };
        let of_low = (&scaled * (&self.rows - 1.0)?)?.sum_keepdim(1)?;
        let of_high = (&scaled * &self.rows)?.sum_keepdim(1)?;
        let extremes = (is(&low)?.broadcast_mul(&of_low)? - is(&high)?.broadcast_mul(&of_high)?)?;
        &scaled + extremes
    }
}

/// 1 / x; 0 where x is 0.
fn inverse(x: &Tensor) -> Result<Tensor> {
    let is_zero = x.eq(0f32)?.to_dtype(DType::F32)?;
    // 1 / (x + 1) there, times 0.
    (x + &is_zero)?.recip()? * is_zero.affine(-1.0, 1.0)?
}
