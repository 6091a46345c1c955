//! Low and high frequencies of an image (Lin, Gao & Sang, IJCAI 2022, hypothesis II).

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use crate::{Error, Shape, bytes::scale_to_bytes, dft::unshifted, fft::RealFft2};

/// The low frequencies of (H, W) planes: those closer than r to DC, strictly. The high ones are the rest.
///
/// The mask is symmetric under frequency negation, so both parts of a real image are real, and they sum to it.
///
/// ```
/// let mask = spectral::RadialMask::low(32, 32, 4);
/// assert_eq!(mask.shifted().iter().filter(|low| **low).count(), 45);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadialMask {
    height: usize,
    width: usize,
    low: Vec<bool>,
}

/// The two parts of a batch of images, (N, C, H, W) each.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What the mask keeps.
    pub low: Vec<f64>,
    /// The rest: low + high is the image.
    pub high: Vec<f64>,
}

impl RadialMask {
    /// The mask d < radius, d the distance to (⌊H/2⌋, ⌊W/2⌋) of the shifted spectrum.
    pub fn low(height: usize, width: usize, radius: usize) -> Self {
        Self { height, width, low: Shape::Radial.low(height, width, radius) }
    }

    /// Which coefficients of a shifted spectrum are low, (H, W).
    pub fn shifted(&self) -> &[bool] {
        &self.low
    }

    /// The low and the high part of the shifted spectrum of a plane (H, W), not normalised.
    ///
    /// # Errors
    /// If the plane has another size.
    pub fn split_spectrum(&self, plane: &[f64]) -> Result<[Vec<Complex64>; 2], Error> {
        self.check(plane.len())?;
        let full = RealFft2::new(self.height, self.width)?.full(plane);
        let at = |at: usize| {
            full[unshifted(at / self.width, self.height) * self.width
                + unshifted(at % self.width, self.width)]
        };
        let part = |low: bool| {
            (0..full.len()).map(|i| if self.low[i] == low { at(i) } else { Complex64::default() }).collect()
        };
        Ok([part(true), part(false)])
    }

    /// The low and the high part of each plane of a batch.
    ///
    /// # Errors
    /// If the batch is no whole number of planes.
    pub fn split(&self, batch: &[f64]) -> Result<Split, Error> {
        self.check(batch.len())?;
        let (plan, pixels) = (RealFft2::new(self.height, self.width)?, self.height * self.width);
        let half = plan.half_width();
        let shifted = |at: usize, size: usize| (at + size / 2) % size;
        let is_low = |at: usize| {
            self.low[shifted(at / half, self.height) * self.width + shifted(at % half, self.width)]
        };
        let keep: Vec<bool> = (0..self.height * half).map(is_low).collect();
        let mut low = vec![0.0; batch.len()];
        low.par_chunks_mut(pixels).zip(batch.par_chunks(pixels)).for_each(|(low, plane)| {
            let mut spectrum = plan.transform(plane);
            spectrum
                .iter_mut()
                .zip(&keep)
                .filter(|(_, keep)| !**keep)
                .for_each(|(value, _)| *value = Complex64::default());
            low.copy_from_slice(&plan.inverse(&spectrum));
        });
        let high = batch.iter().zip(&low).map(|(all, low)| all - low).collect();
        Ok(Split { low, high })
    }

    fn check(&self, found: usize) -> Result<(), Error> {
        let unit = self.height * self.width;
        if found > 0 && found.is_multiple_of(unit) {
            Ok(())
        } else {
            Err(Error::Length { what: "planes", found, unit })
        }
    }
}

/// A plane min–max scaled to bytes, truncated: how the published tool writes filtered images. A constant plane is black; a
/// value that is a whole number but for rounding counts as that number.
///
/// ```
/// assert_eq!(spectral::to_bytes(&[-1.0, 0.0, 1.0]), [0, 127, 255]);
/// ```
pub fn to_bytes(plane: &[f64]) -> Vec<u8> {
    let mut bytes = vec![0; plane.len()];
    scale_to_bytes(plane, 0.0, &mut bytes);
    bytes
}
