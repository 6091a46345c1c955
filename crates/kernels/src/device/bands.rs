//! Means of a spectrum's magnitudes over bands, by products with the matrix of the Fourier transform: for planes of the sizes of
//! images they cost a device less than the network before them, and they never leave it.

use std::f64::consts::TAU;

use candle_core::{Device, Result, Tensor};

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
    size: [usize; 2],
    /// Cosines and sines along a row, (W, 2 · W').
    columns: Tensor,
    /// Cosines and sines along a column, (H, 2 · H).
    rows: Tensor,
    /// (W' · H, bands).
    weights: Tensor,
}

impl BandMeans {
    /// Means for planes (H, W), whose spectra have rows u of H and columns v of W' = W / 2 + 1; `weights` (W', H, bands) is what
    /// coefficient (u, v) counts in each band, with that of its mirror image.
    ///
    /// # Errors
    /// If there are other than W' · H · bands weights, or the device fails.
    pub fn new(size: [usize; 2], weights: &[f32], bands: usize, device: &Device) -> Result<Self> {
        let [height, width] = size;
        let half = width / 2 + 1;
        let columns = Tensor::from_vec(waves(width, half), (width, 2 * half), device)?;
        let rows = Tensor::from_vec(waves(height, height), (height, 2 * height), device)?;
        let weights = Tensor::from_slice(weights, (half * height, bands), device)?;
        Ok(Self { size, columns, rows, weights })
    }

    /// Means of planes (N, H, W): (N, bands).
    ///
    /// # Errors
    /// If the planes are of another size, or the device fails.
    pub fn of(&self, planes: &Tensor) -> Result<Tensor> {
        let ([height, width], half) = (self.size, self.size[1] / 2 + 1);
        let count = planes.dim(0)?;
        if planes.dims() != [count, height, width] {
            candle_core::bail!("planes of {:?}, expected (N, {height}, {width})", planes.dims());
        }
        let along_rows = planes.contiguous()?.reshape((count * height, width))?.matmul(&self.columns)?;
        let turned = along_rows.reshape((count, height, 2 * half))?.transpose(1, 2)?.contiguous()?;
        let both = turned.reshape((count * 2 * half, height))?.matmul(&self.rows)?;
        // (N, cosine or sine along rows, v, cosine or sine along columns, u)
        let both = both.reshape((count, 2, half, 2, height))?;
        let part = |across: usize, down: usize| both.narrow(1, across, 1)?.narrow(3, down, 1)?.contiguous();
        let real = (part(0, 0)? - part(1, 1)?)?;
        let imaginary = (part(1, 0)? + part(0, 1)?)?;
        let magnitudes = (real.sqr()? + imaginary.sqr()?)?.sqrt()?;
        magnitudes.reshape((count, half * height))?.matmul(&self.weights)
    }
}

impl BandMeans {
    /// What a gradient's profile is made of, for gradients (N, C, H, W): (N, bands + 1). The plane is the sum over channels divided
    /// by its largest magnitude, so that no square over- or underflows; after its means comes its range, 0 for a constant one. A
    /// plane of zeros or with a value that is not finite has means that are not numbers.
    ///
    /// # Errors
    /// As [`BandMeans::of`].
    pub fn of_gradients(&self, gradients: &Tensor) -> Result<Tensor> {
        let (count, _, height, width) = gradients.dims4()?;
        let planes = gradients.sum(1)?;
        let flat = planes.reshape((count, height * width))?;
        let (low, high) = (flat.min_keepdim(1)?, flat.max_keepdim(1)?);
        let scale = high.maximum(&low.neg()?)?;
        let range = ((high - low)?.broadcast_div(&scale))?;
        let means = self.of(&flat.broadcast_div(&scale)?.reshape((count, height, width))?)?;
        Tensor::cat(&[means, range], 1)
    }
}

/// cos(2π f x / size) and sin(2π f x / size): a row for each x, first all cosines, then all sines, of `frequencies`.
fn waves(size: usize, frequencies: usize) -> Vec<f32> {
    let row = |x: usize| {
        // Whole turns are taken off before rounding can matter.
        let angle = move |frequency: usize| TAU * (frequency * x % size) as f64 / size as f64;
        let cosines = (0..frequencies).map(move |frequency| angle(frequency).cos() as f32);
        cosines.chain((0..frequencies).map(move |frequency| angle(frequency).sin() as f32))
    };
    (0..size).flat_map(row).collect()
}
