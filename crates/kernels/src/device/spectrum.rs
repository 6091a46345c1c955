//! Two-dimensional Fourier transforms by products with matrices: for planes of the sizes of images they cost a device less than the
//! network before them, and nothing leaves it.

use std::f64::consts::TAU;

use candle_core::{Device, Result, Tensor};

/// The transform of planes of one size to half spectra, and its adjoint.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::HalfSpectrum;
///
/// let transform = HalfSpectrum::new([2, 2], &Device::Cpu)?;
/// let plane = Tensor::new(&[[[1f32, 2.0], [3.0, 4.0]]], &Device::Cpu)?;
/// let (real, imaginary) = transform.of(&plane)?;
/// // Column v after column v: (0, 0), (1, 0), (0, 1), (1, 1).
/// let expected = Tensor::new(&[[10f32, -4.0, -2.0, 0.0]], &Device::Cpu)?;
/// assert!((real - expected)?.abs()?.max_all()?.to_scalar::<f32>()? < 1e-6);
/// assert!(imaginary.abs()?.max_all()?.to_scalar::<f32>()? < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HalfSpectrum {
    size: [usize; 2],
    /// Cosines and sines along a row, (W, 2 · W').
    columns: Tensor,
    /// Cosines and sines along a column, (H, 2 · H).
    rows: Tensor,
}

impl HalfSpectrum {
    /// For planes (H, W), whose half spectra have rows u of H and columns v of W' = W / 2 + 1.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new([height, width]: [usize; 2], device: &Device) -> Result<Self> {
        let half = width / 2 + 1;
        let columns = Tensor::from_vec(waves(width, half), (width, 2 * half), device)?;
        let rows = Tensor::from_vec(waves(height, height), (height, 2 * height), device)?;
        Ok(Self { size: [height, width], columns, rows })
    }

    /// Coefficients that a half spectrum has.
    pub fn coefficients(&self) -> usize {
        (self.size[1] / 2 + 1) * self.size[0]
    }

    /// Real and negated imaginary parts for planes (N, H, W): twice (N, W' · H), column v after column v.
    ///
    /// # Errors
    /// If the planes are of another size, or the device fails.
    pub fn of(&self, planes: &Tensor) -> Result<(Tensor, Tensor)> {
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
        let flat = (count, half * height);
        Ok((real.reshape(flat)?, imaginary.reshape(flat)?))
    }

    /// The gradient of the planes, (N, H, W), from those of what [`HalfSpectrum::of`] gave.
    ///
    /// # Errors
    /// As [`HalfSpectrum::of`].
    pub fn adjoint(&self, real: &Tensor, imaginary: &Tensor) -> Result<Tensor> {
        let ([height, width], half) = (self.size, self.size[1] / 2 + 1);
        let count = real.dim(0)?;
        let part = |values: &Tensor| values.reshape((count, 1, half, 1, height));
        let (real, imaginary) = (part(real)?, part(imaginary)?);
        let cosines = Tensor::cat(&[&real, &imaginary], 3)?;
        let sines = Tensor::cat(&[&imaginary, &real.neg()?], 3)?;
        let both = Tensor::cat(&[&cosines, &sines], 1)?.reshape((count * 2 * half, 2 * height))?;
        let turned = both.matmul(&self.rows.t()?.contiguous()?)?;
        let along_rows = turned.reshape((count, 2 * half, height))?.transpose(1, 2)?.contiguous()?;
        let planes =
            along_rows.reshape((count * height, 2 * half))?.matmul(&self.columns.t()?.contiguous()?)?;
        planes.reshape((count, height, width))
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
