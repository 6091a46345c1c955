//! Batched 2-D transforms of real planes.
//!
//! Rows first (real to half-complex), then the W/2 + 1 columns: rustfft's kernels for any size, planned once, each
//! plane on one thread. Planes of f32 take a way of their own, see `batch`: of sides from 16 on that have no prime factor above 23, or
//! are prime and one more than such a number.

use rustfft::num_complex::Complex;

use crate::{
    batch::{Planes, in_parallel, vectorised},
    real::{Lines, Real},
};

/// A plan for the 2-D transform of real (H, W) planes, unnormalised and not shifted, in f32 or f64.
///
/// The spectrum of a real plane is conjugate-symmetric, so only the columns v ≤ W/2 are computed: (H, W/2 + 1).
///
/// ```
/// let plan = spectral::RealFft2::<f64>::new(2, 2)?;
/// let half = plan.transform(&[1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(half.len(), 2 * 2);
/// assert!((half[0].re - 10.0).abs() < 1e-12);
/// assert!((plan.inverse(&half)[3] - 4.0).abs() < 1e-12);
/// # Ok::<(), spectral::Error>(())
/// ```
pub struct RealFft2<T: Real> {
    height: usize,
    width: usize,
    lines: Lines<T>,
    vectorised: Option<Box<dyn Planes<T>>>,
}

/// Working memory of a thread.
pub struct Scratch<T> {
    row: Vec<T>,
    columns: Vec<Complex<T>>,
    line: Vec<Complex<T>>,
    inner: Vec<Complex<T>>,
}

impl<T: Real> RealFft2<T> {
    /// Plans for a size; any size of at least 2×2 works.
    ///
    /// # Errors
    /// If a side is shorter.
    pub fn new(height: usize, width: usize) -> Result<Self, crate::Error> {
        if height < 2 || width < 2 {
            return Err(crate::Error::PlaneTooSmall { height, width });
        }
        Ok(Self { height, width, lines: T::lines(height, width), vectorised: vectorised(height, width) })
    }

    /// Columns of the half spectrum: W/2 + 1.
    pub fn half_width(&self) -> usize {
        self.width / 2 + 1
    }

    /// Working memory for [`RealFft2::columns`].
    pub fn scratch(&self) -> Scratch<T> {
        let half = self.half_width();
        let zero = Complex::new(T::zero(), T::zero());
        let inner = [
            self.lines.rows.get_scratch_len(),
            self.lines.rows_back.get_scratch_len(),
            self.lines.columns.get_inplace_scratch_len(),
            self.lines.columns_back.get_inplace_scratch_len(),
        ];
        Scratch {
            row: vec![T::zero(); self.width],
            columns: vec![zero; half * self.height],
            line: vec![zero; half],
            inner: vec![zero; inner.into_iter().max().unwrap_or(0)],
        }
    }

    /// The allocation-free core: the half spectrum of a plane (H, W), column by column: index `v` before `u`.
    pub fn columns<'s>(&self, plane: &[T], scratch: &'s mut Scratch<T>) -> &'s [Complex<T>] {
        for (y, row) in plane.chunks_exact(self.width).enumerate() {
            scratch.row.copy_from_slice(row);
            self.lines
                .rows
                .process_with_scratch(&mut scratch.row, &mut scratch.line, &mut scratch.inner)
                .expect("buffers of the planned size");
            scratch
                .line
                .iter()
                .enumerate()
                .for_each(|(v, value)| scratch.columns[v * self.height + y] = *value);
        }
        self.lines.columns.process_with_scratch(&mut scratch.columns, &mut scratch.inner);
        &scratch.columns
    }

    /// The half spectrum of a plane, (H, W/2 + 1), row by row.
    pub fn transform(&self, plane: &[T]) -> Vec<Complex<T>> {
        let mut spectrum = vec![Complex::new(T::zero(), T::zero()); self.height * self.half_width()];
        self.transform_share(plane, &mut spectrum);
        spectrum
    }

    /// The half spectra (N, H, W/2 + 1) of a batch of planes (N, H, W), row by row, on all threads.
    ///
    /// ```
    /// let plan = spectral::RealFft2::<f32>::new(32, 32)?;
    /// let spectra = plan.transform_batch(&[[1.0; 1024], [2.0; 1024]].concat())?;
    /// assert_eq!(spectra.len(), 2 * 32 * 17);
    /// assert_eq!((spectra[0].re, spectra[32 * 17].re), (1024.0, 2048.0)); // the sums
    /// # Ok::<(), spectral::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `planes` is no whole number of planes.
    pub fn transform_batch(&self, planes: &[T]) -> Result<Vec<Complex<T>>, crate::Error> {
        let count = planes.len() / (self.height * self.width);
        let mut spectra = vec![Complex::new(T::zero(), T::zero()); count * self.height * self.half_width()];
        self.transform_batch_into(planes, &mut spectra)?;
        Ok(spectra)
    }

    /// [`RealFft2::transform_batch`] into memory of the caller's, (N, H, W/2 + 1).
    ///
    /// # Errors
    /// If `planes` is no whole number of planes, or `spectra` not as many spectra.
    pub fn transform_batch_into(&self, planes: &[T], spectra: &mut [Complex<T>]) -> Result<(), crate::Error> {
        let (pixels, coefficients) = (self.height * self.width, self.height * self.half_width());
        if !planes.len().is_multiple_of(pixels) {
            return Err(crate::Error::Length { what: "planes", found: planes.len(), unit: pixels });
        }
        let expected = planes.len() / pixels * coefficients;
        if spectra.len() != expected {
            return Err(crate::Error::Length { what: "spectra", found: spectra.len(), unit: expected });
        }
        in_parallel(planes, pixels, spectra, coefficients, |planes, spectra| {
            self.transform_share(planes, spectra);
        });
        Ok(())
    }

    /// Some planes, on this thread.
    fn transform_share(&self, planes: &[T], spectra: &mut [Complex<T>]) {
        if let Some(vectorised) = &self.vectorised {
            return vectorised.transform(planes, spectra);
        }
        let (half, mut scratch) = (self.half_width(), self.scratch());
        let spectra = spectra.chunks_exact_mut(self.height * half);
        for (plane, spectrum) in planes.chunks_exact(self.height * self.width).zip(spectra) {
            let columns = self.columns(plane, &mut scratch);
            for (u, row) in spectrum.chunks_exact_mut(half).enumerate() {
                row.iter_mut().enumerate().for_each(|(v, value)| *value = columns[v * self.height + u]);
            }
        }
    }

    /// The full spectrum of a plane, (H, W), row by row; the other half by symmetry.
    pub fn full(&self, plane: &[T]) -> Vec<Complex<T>> {
        let mut scratch = self.scratch();
        let columns = self.columns(plane, &mut scratch);
        let value = |u: usize, v: usize| {
            if v < self.half_width() {
                columns[v * self.height + u]
            } else {
                columns[(self.width - v) * self.height + (self.height - u) % self.height].conj()
            }
        };
        (0..self.height * self.width).map(|at| value(at / self.width, at % self.width)).collect()
    }

    /// The plane whose half spectrum this is; what makes it complex (imaginary parts of DC and Nyquist rows) is dropped.
    pub fn inverse(&self, half_spectrum: &[Complex<T>]) -> Vec<T> {
        let (half, mut scratch) = (self.half_width(), self.scratch());
        for (at, value) in half_spectrum.iter().enumerate() {
            scratch.columns[at % half * self.height + at / half] = *value;
        }
        self.lines.columns_back.process_with_scratch(&mut scratch.columns, &mut scratch.inner);
        let mut plane = vec![T::zero(); self.height * self.width];
        let norm = T::from_usize(self.height * self.width).expect("a plane's size is a number");
        for (y, row) in plane.chunks_exact_mut(self.width).enumerate() {
            (0..half).for_each(|v| scratch.line[v] = scratch.columns[v * self.height + y]);
            scratch.line[0].im = T::zero();
            if self.width.is_multiple_of(2) {
                scratch.line[half - 1].im = T::zero();
            }
            self.lines
                .rows_back
                .process_with_scratch(&mut scratch.line, row, &mut scratch.inner)
                .expect("buffers of the planned size");
            row.iter_mut().for_each(|value| *value = *value / norm);
        }
        plane
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::naive_dft;

    fn plane(height: usize, width: usize, seed: u64) -> Vec<f64> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        };
        (0..height * width).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn any_size_matches_the_definition(height in 2usize..14, width in 2usize..14, seed: u64) {
            let plane = plane(height, width, seed);
            let plan = RealFft2::<f64>::new(height, width).expect("a size of at least 2×2");
            let expected = naive_dft(&plane, height, width);
            for (found, expected) in plan.full(&plane).iter().zip(&expected) {
                prop_assert!((found - expected).norm() < 1e-10);
            }
            for (found, expected) in plan.inverse(&plan.transform(&plane)).iter().zip(&plane) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn single_precision_follows() -> Result<(), crate::Error> {
        let plane = plane(32, 32, 7);
        let expected = naive_dft(&plane, 32, 32);
        let single: Vec<f32> = plane.iter().map(|&v| v as f32).collect();
        let found = RealFft2::<f32>::new(32, 32)?.full(&single);
        let difference =
            found.iter().zip(&expected).map(|(a, b)| (f64::from(a.re) - b.re).hypot(f64::from(a.im) - b.im));
        assert!(difference.fold(0.0, f64::max) < 1e-4);
        Ok(())
    }
}
