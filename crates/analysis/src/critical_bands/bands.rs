//! Noise of one octave of frequencies.

use std::f64::consts::FRAC_1_SQRT_2;

use datasets::ImageShape;
use random::Stream;
use spectral::RealFft2;

use crate::{Error, measuring::gaussian};

/// The centre of the lowest octave, in cycles per image.
const LOWEST: f64 = 1.75;

/// Octaves of frequencies: |k| from c/√2 up to, not with, √2·c, for c = 1.75, 3.5, 7 … cycles per image.
pub(super) struct Octaves {
    shape: ImageShape,
    plan: RealFft2<f64>,
    count: usize,
}

impl Octaves {
    /// Those whose centre images of this size can hold along both sides.
    pub(super) fn new(shape: ImageShape) -> Result<Self, Error> {
        let plan = RealFft2::new(shape.height, shape.width)?;
        let most = shape.height.min(shape.width) as f64 / 2.0;
        let count = (0..).take_while(|&band| centre(f64::from(band)) <= most).count();
        Ok(Self { shape, plan, count })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// In cycles per image.
    pub(super) fn centres(&self) -> Vec<f64> {
        (0..self.count).map(|band| centre(band as f64)).collect()
    }

    /// Gaussian noise (H, W) of an octave, of root mean square 1.
    pub(super) fn noise(&self, band: usize, seed: u64, image: usize) -> Vec<f64> {
        let (height, width, half) = (self.shape.height, self.shape.width, self.plan.half_width());
        let stream = Stream { domain: *b"band", seed, purpose: 1, epoch: band as u64, index: image as u64 };
        let mut spectrum = self.plan.transform(&gaussian(&stream, height * width));
        for (at, value) in spectrum.iter_mut().enumerate() {
            let (row, column) = (at / half, at % half);
            let radius = (row.min(height - row) as f64).hypot(column as f64);
            if self.band_of(radius) != Some(band) {
                (value.re, value.im) = (0.0, 0.0);
            }
        }
        let mut noise = self.plan.inverse(&spectrum);
        let square = noise.iter().map(|value| value * value).sum::<f64>() / noise.len() as f64;
        noise.iter_mut().for_each(|value| *value /= square.sqrt());
        noise
    }

    fn band_of(&self, radius: f64) -> Option<usize> {
        (0..self.count).find(|&band| {
            let centre = centre(band as f64);
            (centre * FRAC_1_SQRT_2..centre / FRAC_1_SQRT_2).contains(&radius)
        })
    }
}

/// The centre of a place among octaves.
pub(super) fn centre(octave: f64) -> f64 {
    LOWEST * octave.exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn shape(height: usize, width: usize) -> ImageShape {
        ImageShape { channels: 3, height, width }
    }

    #[test]
    fn large_images_have_seven_octaves_and_small_ones_four() -> Result<(), Error> {
        let centres = Octaves::new(shape(224, 224))?.centres();
        assert_eq!(centres, [1.75, 3.5, 7.0, 14.0, 28.0, 56.0, 112.0]);
        let counts = [32, 28, 64, 4].map(|side| Octaves::new(shape(side, side)).map(|all| all.count()));
        assert_eq!(counts.into_iter().collect::<Result<Vec<_>, _>>()?, [4, 4, 5, 1]);
        assert_eq!(Octaves::new(shape(224, 28))?.count(), 4);
        Ok(())
    }

    #[test]
    fn noise_has_its_strength_in_its_octave() -> Result<(), Error> {
        let octaves = Octaves::new(shape(32, 40))?;
        for band in 0..octaves.count() {
            let noise = octaves.noise(band, 3, 11);
            let square = noise.iter().map(|value| value * value).sum::<f64>() / 1280.0;
            assert!((square - 1.0).abs() < 1e-12);
            let (low, high) = (centre(band as f64 - 0.5), centre(band as f64 + 0.5));
            for (at, value) in octaves.plan.full(&noise).iter().enumerate() {
                let fold = |place: usize, side: usize| place.min(side - place) as f64;
                let radius = fold(at / 40, 32).hypot(fold(at % 40, 40));
                assert!((low..high).contains(&radius) || value.norm() < 1e-9, "{band}: {radius}");
            }
            assert_ne!(noise, octaves.noise(band, 3, 12));
            assert_ne!(noise, octaves.noise(band, 4, 11));
        }
        Ok(())
    }
}
