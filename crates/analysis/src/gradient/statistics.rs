//! Statistics of input gradients, whoever computed them: what the gradient spectrum and the Fourier sensitivity are made of.

use datasets::ImageShape;
use evaluation::mean_interval;
use serde::{Deserialize, Serialize};
use spectral::{Convention, Profiler, Profiles, Recipe, RunningBands};

use crate::Error;

/// Images whose profiles are found before they are summed, at least: few, so that profiles stay in caches.
const PART: usize = 1024;
/// The same for each thread, so that all have enough of a part.
const PART_OF_A_THREAD: usize = 64;

/// A stream of input gradients → mean and spread over images of their profiles, and of each ring's share of their energy.
///
/// Profiles are those of [`GradientSpectrum`](crate::GradientSpectrum): channels summed, |DFT|, radial mean, scaled to [0, 1] per image.
/// Shares are those of [`Sensitivity`](crate::Sensitivity): of |DFT|² by the nearest whole |k|, zero left out, Σ 1 per image; of the same
/// transforms, in f32. Neither depends on the scale of a gradient. A gradient that is constant, zero or not finite is skipped and
/// counted. Memory does not grow with the number of images.
///
/// ```
/// use analysis::GradientStatistics;
/// use datasets::ImageShape;
/// use spectral::Convention;
///
/// let shape = ImageShape { channels: 1, height: 32, width: 32 };
/// let mut statistics = GradientStatistics::new(shape, Convention::Reference)?;
/// let wave = |at: usize| (std::f32::consts::TAU * 3.0 * (at % 32) as f32 / 32.0).cos();
/// let waves: Vec<f32> = (0..2048).map(wave).chain([0.5; 1024]).collect();
/// statistics.push(&waves)?; // three images, the last of which is constant
/// assert_eq!((statistics.count(), statistics.skipped()), (2, 1));
/// assert!((statistics.profiles().mean[2] - 1.0).abs() < 1e-6); // the band ρ = 3
/// assert!((statistics.shares().mean[2] - 1.0).abs() < 1e-6); // the ring r = 3
/// # Ok::<(), analysis::Error>(())
/// ```
pub struct GradientStatistics {
    shape: ImageShape,
    convention: Convention,
    profiler: Profiler,
    sums: GradientSums,
}

/// What is summed over images: it can be stored and added to that of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientSums {
    skipped: usize,
    profiles: RunningBands,
    shares: RunningBands,
}

/// Mean and spread over images by band; lists are in the order of the radii.
#[derive(Debug, Clone, PartialEq)]
pub struct BandStatistics {
    /// The radius of each, in cycles per image.
    pub radii: Vec<usize>,
    /// Zeros where there was no image.
    pub mean: Vec<f64>,
    /// The population standard deviation.
    pub std: Vec<f64>,
    /// The 95 % interval of the mean (Student's); absent of fewer than two images.
    pub interval: Option<Vec<[f64; 2]>>,
}

impl GradientStatistics {
    /// For gradients (N, C, H, W) of a shape; the convention is that of the profiles' bands.
    ///
    /// # Errors
    /// If the images are too small to have bands.
    pub fn new(shape: ImageShape, convention: Convention) -> Result<Self, Error> {
        let ImageShape { channels, height, width } = shape;
        let profiler =
            Profiler::new(Recipe::Gradient, channels, height, width, convention)?.with_energy_shares();
        let bands = |radii: &[usize]| RunningBands::new(radii.len());
        let sums = GradientSums {
            skipped: 0,
            profiles: bands(profiler.radii()),
            shares: bands(profiler.ring_radii()),
        };
        Ok(Self { shape, convention, profiler, sums })
    }

    /// The shape of a gradient.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The convention of the profiles' bands.
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// Adds gradients (N, C, H, W), on all threads.
    ///
    /// # Errors
    /// If they are no whole number of gradients.
    pub fn push(&mut self, gradients: &[f32]) -> Result<(), Error> {
        let length = self.shape.len();
        if !gradients.len().is_multiple_of(length) {
            // Nothing is added of a list that is cut off.
            return Ok(self.profiler.profiles(gradients).map(drop)?);
        }
        let images = PART.max(PART_OF_A_THREAD * rayon::current_num_threads());
        let (profiler, sums, mut before) = (&self.profiler, &mut self.sums, None);
        for part in gradients.chunks(images * length) {
            // Sums are taken in the order of images, by one thread, while the others are at the next part.
            let (found, ()) =
                rayon::join(|| profiler.profiles(part), || before.iter().for_each(|found| sums.add(found)));
            before = Some(found?);
        }
        before.iter().for_each(|found| sums.add(found));
        Ok(())
    }

    /// What is summed so far.
    pub fn sums(&self) -> &GradientSums {
        &self.sums
    }

    /// Adds what another stream has summed.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is of other bands.
    pub fn merge(&mut self, other: &GradientSums) -> Result<(), Error> {
        let lengths = |sums: &GradientSums| [sums.profiles.mean().len(), sums.shares.mean().len()];
        let ([bands, rings], [expected, of_rings]) = (lengths(other), lengths(&self.sums));
        if [bands, rings] != [expected, of_rings] || !other.is_sound() {
            let found = format!("of {bands} bands and {rings} rings");
            let expected = format!("sums of {expected} bands and {of_rings} rings");
            return Err(Error::Setting { what: "statistics to merge", found, expected });
        }
        self.sums.skipped += other.skipped;
        self.sums.profiles.merge(&other.profiles);
        self.sums.shares.merge(&other.shares);
        Ok(())
    }

    /// How many gradients have a profile.
    pub fn count(&self) -> usize {
        self.sums.profiles.count()
    }

    /// How many have none: constant, zero or not finite.
    pub fn skipped(&self) -> usize {
        self.sums.skipped
    }

    /// The gradient spectrum: statistics of the profiles.
    pub fn profiles(&self) -> BandStatistics {
        BandStatistics::new(self.profiler.radii(), &self.sums.profiles)
    }

    /// The Fourier sensitivity: statistics of the shares of energy.
    pub fn shares(&self) -> BandStatistics {
        BandStatistics::new(self.profiler.ring_radii(), &self.sums.shares)
    }
}

impl GradientSums {
    fn add(&mut self, found: &Profiles) {
        for (profile, shares) in found.rows_and_shares() {
            self.profiles.push(profile);
            self.shares.push(shares);
        }
        self.skipped += found.skipped();
    }

    /// Whether its parts belong together, as they do unless they were read from a damaged file.
    fn is_sound(&self) -> bool {
        let bands = [&self.profiles, &self.shares];
        bands.iter().all(|bands| {
            bands.count() == self.profiles.count()
                && bands.std().len() == bands.mean().len()
                && bands.mean().iter().chain(&bands.std()).all(|value| value.is_finite())
        })
    }
}

impl BandStatistics {
    fn new(radii: &[usize], bands: &RunningBands) -> Self {
        let (mean, std) = (bands.mean(), bands.std());
        let interval = mean.iter().zip(&std).map(|(&mean, &std)| mean_interval(mean, std, bands.count()));
        Self { radii: radii.to_vec(), interval: interval.collect(), mean, std }
    }
}

impl std::fmt::Debug for GradientStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GradientStatistics({}, {} gradients)", self.shape, self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 9, width: 8 };

    fn gradients(count: usize) -> Vec<f32> {
        (0..count * SHAPE.len()).map(|at| (at * at % 977) as f32 / 977.0 - 0.4).collect()
    }

    #[test]
    fn parts_are_merged_to_the_whole() -> Result<(), Error> {
        let of = |gradients: &[f32]| {
            let mut statistics = GradientStatistics::new(SHAPE, Convention::Reference)?;
            statistics.push(gradients)?;
            Ok::<_, Error>(statistics)
        };
        let mut all = gradients(50);
        all[3 * SHAPE.len()] = f32::NAN;
        let (whole, (head, tail)) = (of(&all)?, all.split_at(20 * SHAPE.len()));
        let mut parts = of(head)?;
        parts.merge(of(tail)?.sums())?;
        assert_eq!((parts.count(), parts.skipped()), (49, 1));
        for (found, expected) in [(parts.profiles(), whole.profiles()), (parts.shares(), whole.shares())] {
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(found.mean.iter().zip(&expected.mean).all(near));
            assert!(found.std.iter().zip(&expected.std).all(near));
        }
        Ok(())
    }

    #[test]
    fn sums_of_other_bands_are_refused() -> Result<(), Error> {
        let other = ImageShape { height: 16, ..SHAPE };
        let mut statistics = GradientStatistics::new(SHAPE, Convention::Reference)?;
        let other = GradientStatistics::new(other, Convention::Reference)?;
        let said = statistics.merge(other.sums()).expect_err("other bands").to_string();
        assert!(said.contains("expected sums of"), "{said}");
        let none = statistics.profiles();
        assert!(none.interval.is_none() && none.mean.iter().all(|&mean| mean == 0.0));
        Ok(())
    }
}
