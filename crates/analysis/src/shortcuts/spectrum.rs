//! Images without some of their frequencies, and how strong these are.

use datasets::ImageShape;
use rayon::prelude::*;
use spectral::RealFft2;

use crate::{Error, measuring::Directions};

/// What takes frequencies out of images.
pub(super) struct ImageSpectra {
    shape: ImageShape,
    plan: RealFft2<f64>,
    /// By direction: where ±k are in the half spectrum.
    coefficients: Vec<Vec<usize>>,
}

impl ImageSpectra {
    pub(super) fn new(shape: ImageShape, directions: &Directions) -> Result<Self, Error> {
        let plan = RealFft2::new(shape.height, shape.width)?;
        let half = plan.half_width();
        let at = |[u, v]: [i64; 2]| {
            let (row, column) = (u.rem_euclid(shape.height as i64), v.rem_euclid(shape.width as i64));
            ((column as usize) < half).then_some(row as usize * half + column as usize)
        };
        let both = |direction: usize| {
            let frequency = directions.frequency(direction);
            let mut places: Vec<usize> =
                [frequency, frequency.map(|part| -part)].into_iter().filter_map(at).collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        let coefficients = (0..directions.len()).map(both).collect();
        Ok(Self { shape, plan, coefficients })
    }

    /// By place of the half spectrum: whether it belongs to one of these directions.
    pub(super) fn mask(&self, directions: &[usize]) -> Vec<bool> {
        let mut mask = vec![false; self.shape.height * self.plan.half_width()];
        directions.iter().flat_map(|&at| &self.coefficients[at]).for_each(|&place| mask[place] = true);
        mask
    }

    /// Images whose coefficients are kept where the mask is `kept`; pixels are not clipped.
    pub(super) fn filtered(&self, images: &[f32], mask: &[bool], kept: bool) -> Vec<f32> {
        let mut pixels = images.to_vec();
        pixels.par_chunks_mut(self.shape.height * self.shape.width).for_each(|channel| {
            let mut spectrum = self.plan.transform(&wide(channel));
            for (value, &is_in) in spectrum.iter_mut().zip(mask) {
                if is_in != kept {
                    (value.re, value.im) = (0.0, 0.0);
                }
            }
            let values = self.plan.inverse(&spectrum);
            channel.iter_mut().zip(values).for_each(|(pixel, value)| *pixel = value as f32);
        });
        pixels
    }

    /// By direction: |F x| of the unitary transform at ±k, mean over channels.
    pub(super) fn amplitudes(&self, image: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.coefficients.len()];
        for channel in image.chunks(self.shape.height * self.shape.width) {
            let spectrum = self.plan.transform(&wide(channel));
            sums.iter_mut()
                .zip(&self.coefficients)
                .for_each(|(sum, places)| *sum += spectrum[places[0]].norm());
        }
        let scale = self.shape.channels as f64 * ((self.shape.height * self.shape.width) as f64).sqrt();
        sums.into_iter().map(|sum| sum / scale).collect()
    }
}

fn wide(channel: &[f32]) -> Vec<f64> {
    channel.iter().map(|&pixel| f64::from(pixel)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 2, height: 6, width: 8 };

    #[test]
    fn what_is_kept_and_what_is_left_out_make_the_image() -> Result<(), Error> {
        let directions = Directions::new([6, 8], None);
        let spectra = ImageSpectra::new(SHAPE, &directions)?;
        let image: Vec<f32> = (0..SHAPE.len()).map(|at| (at * at % 23) as f32).collect();
        let mut sum = vec![0f32; image.len()];
        for direction in 0..directions.len() {
            let mask = spectra.mask(&[direction]);
            let (own, rest) = (spectra.filtered(&image, &mask, true), spectra.filtered(&image, &mask, false));
            for (at, pixel) in image.iter().enumerate() {
                assert!((own[at] + rest[at] - pixel).abs() < 1e-4);
                sum[at] += own[at];
            }
            // By Parseval: the energy of a channel's part is that of its two coefficients, or its one.
            let mirrored = if directions.amplitude(direction) > 0.15 { 2.0 } else { 1.0 };
            let energy: f64 = own[..48].iter().map(|&value| f64::from(value).powi(2)).sum();
            let amplitude = 2.0 * spectra.amplitudes(&[&image[..48], &[0.0; 48]].concat())[direction];
            assert!((energy - mirrored * amplitude.powi(2)).abs() < 1e-2 * (1.0 + energy), "{direction}");
        }
        assert!(sum.iter().zip(&image).all(|(sum, pixel)| (sum - pixel).abs() < 1e-3));
        Ok(())
    }
}
