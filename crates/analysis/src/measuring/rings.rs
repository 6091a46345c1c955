//! Images by rings of frequencies: how strong each is, and what is left of some.

use datasets::ImageShape;
use spectral::{Convention, RadialBins, RealFft2};

use crate::Error;

/// Rings of the nearest whole |k| of images of one shape, zero frequency left out.
pub(crate) struct ImageRings {
    shape: ImageShape,
    bins: RadialBins,
    plan: RealFft2<f64>,
}

impl ImageRings {
    pub(crate) fn new(shape: ImageShape) -> Result<Self, Error> {
        let bins = RadialBins::new(shape.height, shape.width, Convention::Nearest);
        Ok(Self { shape, bins, plan: RealFft2::new(shape.height, shape.width)? })
    }

    pub(crate) fn shape(&self) -> ImageShape {
        self.shape
    }

    pub(crate) fn radii(&self) -> &[usize] {
        self.bins.radii()
    }

    /// Octaves of radii: 1, 2–3, 4–7, … up to the largest.
    pub(crate) fn octaves(&self) -> Vec<[usize; 2]> {
        let most = self.radii().last().copied().unwrap_or(0);
        let starts = std::iter::successors(Some(1), |start| Some(2 * start));
        starts.take_while(|&start| start <= most).map(|start| [start, (2 * start - 1).min(most)]).collect()
    }

    /// By ring: the mean over its frequencies and all channels of |F x|, F unitary.
    pub(crate) fn amplitudes(&self, image: &[f64]) -> Vec<f64> {
        let (height, width) = (self.shape.height, self.shape.width);
        let mut sums = vec![0.0; self.bins.len()];
        for channel in image.chunks(height * width) {
            for (at, value) in self.plan.full(channel).iter().enumerate() {
                if let Some(band) = self.band(at / width, at % width) {
                    sums[band] += value.norm();
                }
            }
        }
        let scale = self.shape.channels as f64 * ((height * width) as f64).sqrt();
        sums.iter().zip(self.bins.counts()).map(|(sum, &count)| sum / (count as f64 * scale)).collect()
    }

    /// What is left of an image in the rings from one radius to another.
    pub(crate) fn limit(&self, image: &mut [f64], [first, last]: [usize; 2]) {
        let (height, width, half) = (self.shape.height, self.shape.width, self.plan.half_width());
        for channel in image.chunks_mut(height * width) {
            let mut spectrum = self.plan.transform(channel);
            for (at, value) in spectrum.iter_mut().enumerate() {
                let radius = self.band(at / half, at % half).map(|band| self.bins.radii()[band]);
                if !radius.is_some_and(|radius| (first..=last).contains(&radius)) {
                    (value.re, value.im) = (0.0, 0.0);
                }
            }
            channel.copy_from_slice(&self.plan.inverse(&spectrum));
        }
    }

    /// The band of coefficient (u, v) of an unshifted spectrum.
    fn band(&self, u: usize, v: usize) -> Option<usize> {
        let (height, width) = (self.shape.height, self.shape.width);
        self.bins.band((u + height / 2) % height, (v + width / 2) % width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 2, height: 12, width: 16 };

    #[test]
    fn octaves_together_are_the_image_without_its_means() -> Result<(), Error> {
        let rings = ImageRings::new(SHAPE)?;
        assert_eq!(rings.octaves(), [[1, 1], [2, 3], [4, 7], [8, 10]]);
        let image: Vec<f64> = (0..SHAPE.len()).map(|at| (at * at % 97) as f64).collect();
        let mut sum = vec![0.0; image.len()];
        for octave in rings.octaves() {
            let mut part = image.clone();
            rings.limit(&mut part, octave);
            let before = part.clone();
            rings.limit(&mut part, octave);
            assert!(part.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-9), "once is enough");
            sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        for (sum, own) in sum.chunks(192).zip(image.chunks(192)) {
            let mean = own.iter().sum::<f64>() / 192.0;
            assert!(sum.iter().zip(own).all(|(sum, own)| (sum + mean - own).abs() < 1e-9));
        }
        Ok(())
    }

    #[test]
    fn a_point_has_the_same_amplitude_everywhere() -> Result<(), Error> {
        let mut point = vec![0.0; SHAPE.len()];
        (point[5], point[200]) = (3.0, -1.0);
        let expected = (3.0 + 1.0) / 2.0 / 192f64.sqrt();
        let found = ImageRings::new(SHAPE)?.amplitudes(&point);
        assert!(found.iter().all(|value| (value - expected).abs() < 1e-12), "{found:?}");
        Ok(())
    }
}
