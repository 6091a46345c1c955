//! The spectral density of images as a function to be differentiated (Lin, Gao & Sang, IJCAI 2022, CDES): what kernels
//! are fitted with that are to give images a density of one's choice.

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use crate::{Convention, Error, RadialBins, RealFft2, radial::OUTSIDE};

/// Luma weights of red, green and blue (ITU-R BT.601).
const LUMA: [f64; 3] = [0.2989, 0.5870, 0.1140];

/// From images to densities and back: density = minmax(radial mean of 20·ln(1 + |DFT(luma)|)).
///
/// Images are (B, 3, H, W) or (B, 1, H, W) f32; a density has one value in [0, 1] for each band of [`RadialBins`]. All sums
/// are in f64; images are treated in parallel, with the same bits for any number of threads.
///
/// The gradient is exact. At its corners it follows these rules: |z| has the derivative 0 at z = 0, equal minima (or
/// maxima) share theirs evenly, and a density of an image whose bands are all equal is 0 and has none.
///
/// ```
/// use spectral::{Convention, DensityMap};
/// let map = DensityMap::new(1, 8, 8, Convention::Textbook)?;
/// let wave: Vec<f32> = (0..64).map(|at| (std::f32::consts::TAU * (at % 8) as f32 * 2.0 / 8.0).cos()).collect();
/// let densities = map.forward(&wave)?;
/// let density = densities.rows().next().expect("one image");
/// assert_eq!(map.radii(), [0, 1, 2, 3, 4, 5]);
/// assert!(density[2] == 1.0 && density[1] < 1e-4, "two periods: all in band 2, {density:?}");
/// // More of the wave cannot raise a density that is 1 already.
/// let gradient = densities.gradient(&[0.0, 0.0, 1.0, 0.0, 0.0, 0.0])?;
/// assert!(gradient.iter().all(|g| g.abs() < 1e-4));
/// # Ok::<(), spectral::Error>(())
/// ```
pub struct DensityMap {
    channels: usize,
    height: usize,
    width: usize,
    plan: RealFft2<f64>,
    bins: RadialBins,
    places: Vec<Place>,
}

/// What a coefficient of the half spectrum, (H, W/2 + 1), stands for: its own band and that of its mirror image (−u, −v), as
/// indices; one after the last for none.
#[derive(Debug, Clone, Copy)]
struct Place {
    own: usize,
    mirror: usize,
    /// The mirror image is not stored itself.
    is_double: bool,
}

/// The densities of a batch, with what their gradient needs.
pub struct Densities<'a> {
    map: &'a DensityMap,
    images: Vec<Traced>,
    rows: Vec<f64>,
}

/// What is kept of an image.
#[derive(Debug)]
struct Traced {
    /// The half spectrum of its luma, (H, W/2 + 1).
    spectrum: Vec<Complex64>,
    /// Its magnitudes.
    magnitudes: Vec<f64>,
    /// The radial means before they are scaled.
    bands: Vec<f64>,
}

impl DensityMap {
    /// For images of `channels` (1 or 3) × H × W.
    ///
    /// # Errors
    /// If there are other numbers of channels, or the planes are too small to have a band.
    pub fn new(channels: usize, height: usize, width: usize, convention: Convention) -> Result<Self, Error> {
        if channels != 1 && channels != 3 {
            return Err(Error::Channels { found: channels });
        }
        let plan = RealFft2::new(height, width)?;
        let bins = RadialBins::new(height, width, convention);
        if bins.is_empty() {
            return Err(Error::PlaneTooSmall { height, width });
        }
        let places = places(&bins, height, width);
        Ok(Self { channels, height, width, plan, bins, places })
    }

    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        self.bins.radii()
    }

    /// Channels, rows and columns of an image.
    pub fn image_dims(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The densities of a batch, (B, channels, H, W).
    ///
    /// # Errors
    /// If `images` is no whole number of images.
    pub fn forward(&self, images: &[f32]) -> Result<Densities<'_>, Error> {
        let unit = self.channels * self.height * self.width;
        if !images.len().is_multiple_of(unit) {
            return Err(Error::Length { what: "images", found: images.len(), unit });
        }
        let images: Vec<Traced> = images.par_chunks_exact(unit).map(|image| self.trace(image)).collect();
        let rows = images.iter().flat_map(|image| min_max(&image.bands)).collect();
        Ok(Densities { map: self, images, rows })
    }

    fn trace(&self, image: &[f32]) -> Traced {
        let spectrum = self.plan.transform(&self.luma(image));
        let magnitudes: Vec<f64> = spectrum.iter().map(|f| f.norm_sqr().sqrt()).collect();
        let mut sums = vec![0.0; self.bins.len() + 1];
        for (place, magnitude) in self.places.iter().zip(&magnitudes) {
            let value = 20.0 * magnitude.ln_1p();
            sums[place.own] += value;
            sums[place.mirror] += if place.is_double { value } else { 0.0 };
        }
        let counts = self.bins.counts().iter();
        let bands = sums.iter().zip(counts).map(|(sum, &count)| sum / count as f64).collect();
        Traced { spectrum, magnitudes, bands }
    }

    fn luma(&self, image: &[f32]) -> Vec<f64> {
        let pixels = self.height * self.width;
        let mut luma = vec![0.0; pixels];
        for (plane, weight) in image.chunks_exact(pixels).zip(self.weights()) {
            luma.iter_mut().zip(plane).for_each(|(sum, &value)| *sum += weight * f64::from(value));
        }
        luma
    }

    fn weights(&self) -> &'static [f64] {
        if self.channels == 1 { &[1.0] } else { &LUMA }
    }
}

impl Densities<'_> {
    /// A density an image.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.rows.chunks_exact(self.map.bins.len())
    }

    /// The gradient of Σ gradient · density with respect to the images, (B, channels, H, W).
    ///
    /// # Errors
    /// If `gradient` has not one value for each band of each image.
    pub fn gradient(&self, gradient: &[f64]) -> Result<Vec<f32>, Error> {
        if gradient.len() != self.rows.len() {
            return Err(Error::Length { what: "gradients", found: gradient.len(), unit: self.rows.len() });
        }
        let map = self.map;
        let pixels = map.height * map.width;
        let mut images = vec![0.0; self.images.len() * map.channels * pixels];
        let rows = gradient.par_chunks_exact(map.bins.len());
        let each = images.par_chunks_exact_mut(map.channels * pixels).zip(&self.images).zip(rows);
        each.for_each(|((out, image), gradient)| {
            let luma = image.luma_gradient(map, &min_max_gradient(&image.bands, gradient));
            for (plane, weight) in out.chunks_exact_mut(pixels).zip(map.weights()) {
                plane.iter_mut().zip(&luma).for_each(|(out, value)| *out = (weight * value) as f32);
            }
        });
        Ok(images)
    }
}

impl Traced {
    /// Back through radial mean, logarithm, magnitude and DFT. With s = ∂/∂|F| the gradient is N · IDFT(s F/|F|), of which
    /// the real part has the coefficients (s(k) + s(−k))/2 · F/|F|.
    fn luma_gradient(&self, map: &DensityMap, bands: &[f64]) -> Vec<f64> {
        let shares = bands.iter().zip(map.bins.counts()).map(|(value, &count)| value / count as f64);
        let shares: Vec<f64> = shares.chain([0.0]).collect();
        let scale = 0.5 * 20.0 * (map.height * map.width) as f64;
        let scaled = |((coefficient, magnitude), place): ((&Complex64, &f64), &Place)| {
            if *magnitude == 0.0 {
                return Complex64::default();
            }
            coefficient
                * ((shares[place.own] + shares[place.mirror]) * scale / ((1.0 + magnitude) * magnitude))
        };
        let half = self.spectrum.iter().zip(&self.magnitudes).zip(&map.places).map(scaled);
        map.plan.inverse(&half.collect::<Vec<_>>())
    }
}

fn places(bins: &RadialBins, height: usize, width: usize) -> Vec<Place> {
    let half = width / 2 + 1;
    let index = |band: u32| if band == OUTSIDE { bins.len() } else { band as usize };
    let place = |at: usize| {
        let (u, v) = (at / half, at % half);
        let [own, mirror] = bins.pair(u, v).map(index);
        let is_own_mirror = (2 * u).is_multiple_of(height) && (2 * v).is_multiple_of(width);
        let mirror = if is_own_mirror { own } else { mirror };
        Place { own, mirror, is_double: !(2 * v).is_multiple_of(width) }
    };
    (0..height * half).map(place).collect()
}

/// (x − min) / (max − min), or zeros if all are equal.
fn min_max(bands: &[f64]) -> Vec<f64> {
    let (low, high) = extremes(bands);
    let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
    bands.iter().map(|value| (value - low) * scale).collect()
}

fn min_max_gradient(bands: &[f64], gradient: &[f64]) -> Vec<f64> {
    let (low, high) = extremes(bands);
    if high <= low {
        return vec![0.0; bands.len()];
    }
    let range = high - low;
    // d/dlow and d/dhigh of the scaled values, weighted by their gradients.
    let toward_high: f64 = bands.iter().zip(gradient).map(|(x, g)| -g * (x - low) / (range * range)).sum();
    let toward_low = -gradient.iter().sum::<f64>() / range - toward_high;
    let share = |bound: f64, total: f64| total / bands.iter().filter(|&&x| x == bound).count() as f64;
    let (at_low, at_high) = (share(low, toward_low), share(high, toward_high));
    let value = |(&x, g): (&f64, &f64)| {
        g / range + if x == low { at_low } else { 0.0 } + if x == high { at_high } else { 0.0 }
    };
    bands.iter().zip(gradient).map(value).collect()
}

fn extremes(bands: &[f64]) -> (f64, f64) {
    bands.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Profiler, Recipe};

    fn numbers(seed: u64, len: usize) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        (0..len).map(|_| next()).collect()
    }

    fn loss(map: &DensityMap, images: &[f32], weights: &[f64]) -> f64 {
        let densities = map.forward(images).expect("whole images");
        densities.rows.iter().zip(weights).map(|(density, weight)| density * weight).sum()
    }

    #[test]
    fn densities_are_those_of_the_profiler() -> Result<(), Error> {
        for (height, width) in [(32, 32), (9, 9), (12, 20)] {
            let images = numbers(3, 5 * 3 * height * width);
            let map = DensityMap::new(3, height, width, Convention::Reference)?;
            let profiler = Profiler::new(Recipe::Density, 3, height, width, Convention::Reference)?;
            let (densities, profiles) = (map.forward(&images)?, profiler.profiles(&images)?);
            assert_eq!(densities.rows().count(), 5);
            for (found, expected) in densities.rows().zip(profiles.rows()) {
                assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-5), "{height}×{width}");
            }
        }
        Ok(())
    }

    /// Central differences, for even, odd and oblong planes under both conventions.
    #[test]
    fn gradients_are_differences() -> Result<(), Error> {
        for (channels, height, width) in [(3, 8, 8), (1, 9, 9), (3, 7, 10), (1, 10, 7)] {
            for convention in [Convention::Reference, Convention::Textbook] {
                let map = DensityMap::new(channels, height, width, convention)?;
                let images = numbers(7, 2 * channels * height * width);
                let bands = map.radii().len();
                let weights: Vec<f64> = numbers(9, 2 * bands).into_iter().map(f64::from).collect();
                let gradient = map.forward(&images)?.gradient(&weights)?;
                for at in (0..images.len()).step_by(13) {
                    let moved = |step: f32| {
                        let mut images = images.clone();
                        images[at] += step;
                        (loss(&map, &images, &weights), f64::from(images[at]))
                    };
                    let ((above, right), (below, left)) = (moved(1e-3), moved(-1e-3));
                    let difference = (above - below) / (right - left);
                    assert!(
                        (f64::from(gradient[at]) - difference).abs() < 1e-4 * (1.0 + difference.abs()),
                        "{channels}×{height}×{width}, place {at}: {} against {difference}",
                        gradient[at]
                    );
                }
            }
        }
        Ok(())
    }

    #[test]
    fn corners_have_finite_gradients() -> Result<(), Error> {
        let map = DensityMap::new(3, 8, 8, Convention::Reference)?;
        let densities = map.forward(&[0.5; 192])?;
        assert!(
            densities.rows().flatten().all(|&density| density == 0.0),
            "a constant image has no spectrum"
        );
        assert!(densities.gradient(&[1.0; 3])?.iter().all(|&g| g == 0.0));
        Ok(())
    }

    #[test]
    fn equal_extremes_share_their_gradient() {
        let gradient = min_max_gradient(&[1.0, 1.0, 2.0, 3.0], &[0.0, 0.0, 1.0, 0.0]);
        // Of (2 − low)/(high − low): ½ by itself, −¼ by high, −¼ by the two lows together.
        assert_eq!(gradient, [-0.125, -0.125, 0.5, -0.25]);
    }

    #[test]
    fn what_does_not_fit_is_refused() -> Result<(), Error> {
        let refused = |channels, side| DensityMap::new(channels, side, side, Convention::Reference).is_err();
        assert!(refused(2, 8) && refused(3, 2));
        let map = DensityMap::new(1, 8, 8, Convention::Reference)?;
        assert!(map.forward(&[0.0; 65]).is_err() && map.forward(&[0.0; 64])?.gradient(&[0.0; 2]).is_err());
        Ok(())
    }
}
