//! Profiles of images and gradients: one number a band.

use rayon::prelude::*;

use crate::{
    Error, Recipe,
    batch::at_once,
    dispatch::widest,
    group::{Group, Plan, Scratch},
    pool::Pool,
    radial::{Convention, RadialBins},
    vector::LANES,
};

/// Computes profiles of (N, C, H, W) f32 batches; planned once.
///
/// ```
/// use spectral::{Convention, Profiler, Recipe};
/// let profiler = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?;
/// // One image with a wave of three periods across: its profile peaks in the band ρ = 3.
/// let wave: Vec<f32> = (0..3 * 32 * 32).map(|i| (i as f32 * std::f32::consts::TAU * 3.0 / 32.0).cos()).collect();
/// let flat = vec![0.0; 3 * 32 * 32];
/// let profiles = profiler.profiles(&[wave, flat].concat())?;
/// assert_eq!(profiles.skipped(), 1); // a constant gradient has no profile
/// let row = profiles.rows().next().unwrap();
/// assert_eq!((profiler.radii()[2], row[2]), (3, 1.0));
/// # Ok::<(), spectral::Error>(())
/// ```
pub struct Profiler {
    bins: RadialBins,
    /// The rings whose shares of the energy are found, too.
    rings: Option<RadialBins>,
    /// Numbers in an image.
    size: usize,
    /// Groups of sixteen images that a thread takes at once.
    groups: usize,
    plan: Plan,
    /// Working memory that no thread uses just now.
    spare: Pool<Scratch>,
}

/// Profiles of a batch, in the order of its images.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    bands: usize,
    /// Rings whose shares of the energy stand behind the bands of an image.
    rings: usize,
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Profiles {
    /// Profiles of gradients from what another device measured: rows of `bands` plain means over bands, each row followed by the
    /// range of the plane's values and the energies of `rings` rings; a plane without a range, or with a mean that is not finite, has no
    /// profile.
    ///
    /// ```
    /// use spectral::Profiles;
    /// let profiles = Profiles::of_gradient_means(&[2.0, 4.0, 3.0, 1.0, 7.0, 7.5, 8.0, 0.0], 3, 0);
    /// assert_eq!(profiles.by_image().collect::<Vec<_>>(), [Some(&[0.0, 1.0, 0.5][..]), None]);
    /// let with_shares = Profiles::of_gradient_means(&[2.0, 4.0, 3.0, 1.0, 3.0, 9.0], 3, 2);
    /// assert_eq!(with_shares.rows_and_shares().next(), Some((&[0.0, 1.0, 0.5][..], &[0.25, 0.75][..])));
    /// ```
    pub fn of_gradient_means(rows: &[f32], bands: usize, rings: usize) -> Self {
        let rows = rows.chunks_exact(bands + 1 + rings);
        let values = Vec::with_capacity(rows.len() * (bands + rings));
        let mut profiles = Self { bands, rings, values, present: Vec::new() };
        for row in rows {
            let (means, rest) = row.split_at(bands);
            let (range, energies) = (rest[0], &rest[1..]);
            let low = means.iter().copied().fold(f32::INFINITY, f32::min);
            let high = means.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let total: f64 = energies.iter().map(|&energy| f64::from(energy)).sum();
            let has_shares = rings == 0 || total.is_finite() && total > 0.0;
            let present =
                means.iter().all(|mean| mean.is_finite()) && range > 0.0 && high > low && has_shares;
            let (low, span) = (f64::from(low), f64::from(high) - f64::from(low));
            let scaled = |&mean: &f32| if present { (f64::from(mean) - low) / span } else { 0.0 };
            let share = |&energy: &f32| if present { f64::from(energy) / total } else { 0.0 };
            profiles.values.extend(means.iter().map(scaled).chain(energies.iter().map(share)));
            profiles.present.push(present);
        }
        profiles
    }

    /// The profiles that there are, one number a band.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.by_image().flatten()
    }

    /// For each image its profile, or `None` if it has none: constant, zero or not finite.
    pub fn by_image(&self) -> impl Iterator<Item = Option<&[f64]>> {
        self.with_shares_by_image().map(|row| row.map(|(bands, _)| bands))
    }

    /// Each profile that there is, and the image's share of energy by ring, which sum to 1: none where they were not asked for.
    pub fn rows_and_shares(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.with_shares_by_image().flatten()
    }

    /// For each image what [`Profiles::rows_and_shares`] has, or `None` if it has no profile.
    pub fn with_shares_by_image(&self) -> impl Iterator<Item = Option<(&[f64], &[f64])>> {
        let rows = self.values.chunks_exact(self.bands + self.rings).zip(&self.present);
        rows.map(|(row, &present)| present.then(|| row.split_at(self.bands)))
    }

    /// How many images have no profile.
    pub fn skipped(&self) -> usize {
        self.present.iter().filter(|present| !**present).count()
    }
}

impl Profiler {
    /// Plans for images of a size.
    ///
    /// # Errors
    /// If planes are too small to have bands, or luma is wanted of other than three channels.
    pub fn new(
        recipe: Recipe,
        channels: usize,
        height: usize,
        width: usize,
        convention: Convention,
    ) -> Result<Self, Error> {
        if height < 2 || width < 2 {
            return Err(Error::PlaneTooSmall { height, width });
        }
        let bins = RadialBins::new(height, width, convention);
        if bins.is_empty() {
            return Err(Error::NoBands { height, width });
        }
        let plan = Plan::new(recipe, channels, [height, width], &bins, convention)?;
        let groups = at_once(2 * LANES * height * width);
        let size = channels * height * width;
        Ok(Self { bins, rings: None, size, groups, plan, spare: Pool::default() })
    }

    /// The same, which also finds the share of each ring in the energy |F|², Σ over rings 1: rings of the nearest whole |k|, DC left out
    /// ([`Convention::Nearest`]). They come of the transforms of the profiles.
    ///
    /// ```
    /// use spectral::{Convention, Profiler, Recipe};
    /// let profiler = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?.with_energy_shares();
    /// assert_eq!(profiler.ring_radii().len(), 23); // |k| up to √2 · 16
    /// let wave: Vec<f32> = (0..3 * 32 * 32).map(|i| (i as f32 * std::f32::consts::TAU * 3.0 / 32.0).cos()).collect();
    /// let profiles = profiler.profiles(&wave)?;
    /// let (_, shares) = profiles.rows_and_shares().next().unwrap();
    /// assert!((shares[2] - 1.0).abs() < 1e-6); // all of it in r = 3
    /// # Ok::<(), spectral::Error>(())
    /// ```
    pub fn with_energy_shares(self) -> Self {
        let (width, pixels) = (self.bins.width(), self.bins.pixels());
        let rings = RadialBins::new(pixels / width, width, Convention::Nearest);
        Self {
            plan: self.plan.with_energy_shares(&rings),
            rings: Some(rings),
            spare: Pool::default(),
            ..self
        }
    }

    /// The radius r of each ring whose share of energy is found; none unless that is asked for.
    pub fn ring_radii(&self) -> &[usize] {
        self.rings.as_ref().map_or(&[], RadialBins::radii)
    }

    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        self.bins.radii()
    }

    /// The profiles of a batch (N, C, H, W).
    ///
    /// # Errors
    /// If `batch` is no whole number of images.
    pub fn profiles(&self, batch: &[f32]) -> Result<Profiles, Error> {
        if !batch.len().is_multiple_of(self.size) {
            return Err(Error::Length { what: "a batch", found: batch.len(), unit: self.size });
        }
        let (length, images) = (self.plan.row_length(), batch.len() / self.size);
        let mut values = vec![0.0; images * length];
        let mut present = vec![false; images];
        let share = LANES * self.groups;
        batch
            .par_chunks(share * self.size)
            .zip(values.par_chunks_mut(share * length))
            .zip(present.par_chunks_mut(share))
            .for_each(|((batch, values), present)| self.share(batch, values, present));
        Ok(Profiles { bands: self.bins.len(), rings: self.ring_radii().len(), values, present })
    }

    /// Some images, on this thread.
    fn share(&self, batch: &[f32], values: &mut [f64], present: &mut [bool]) {
        let groups = batch
            .chunks(LANES * self.size)
            .zip(values.chunks_mut(LANES * self.plan.row_length()))
            .zip(present.chunks_mut(LANES));
        self.spare.lend(
            || self.plan.scratch(),
            |scratch| {
                for ((images, rows), present) in groups {
                    widest().dispatch(Group {
                        plan: &self.plan,
                        images,
                        rows,
                        present,
                        scratch: &mut *scratch,
                    });
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{naive_dft, unshifted};

    #[test]
    fn shares_of_energy_are_those_of_the_definition_and_leave_profiles_alone() -> Result<(), Error> {
        for (height, width, images) in
            [(8, 8, 3), (9, 7, 17), (32, 32, 18), (32, 64, 2), (24, 40, 1), (33, 29, 3), (17, 46, 2)]
        {
            let pixels = height * width;
            let mut batch = noise(images * 3 * pixels, 11);
            let plain = Profiler::new(Recipe::Gradient, 3, height, width, Convention::Reference)?;
            batch[..3 * pixels].fill(0.25); // the first has none
            let found = plain.profiles(&batch)?;
            let profiler = plain.with_energy_shares();
            let shared = profiler.profiles(&batch)?;
            assert!(shared.by_image().eq(found.by_image()) && shared.skipped() == 1);
            let rings = RadialBins::new(height, width, Convention::Nearest);
            assert_eq!(profiler.ring_radii(), rings.radii());
            for ((_, shares), image) in shared.rows_and_shares().zip(batch.chunks(3 * pixels).skip(1)) {
                let plane: Vec<f64> =
                    (0..pixels).map(|i| (0..3).map(|c| f64::from(image[c * pixels + i])).sum()).collect();
                let spectrum = naive_dft(&plane, height, width);
                let power = |at: usize| {
                    spectrum[unshifted(at / width, height) * width + unshifted(at % width, width)].norm_sqr()
                };
                let powers: Vec<f64> = (0..pixels).map(power).collect();
                let sums: Vec<f64> = rings
                    .average(&powers)
                    .iter()
                    .zip(rings.counts())
                    .map(|(mean, &count)| mean * count as f64)
                    .collect();
                let total: f64 = sums.iter().sum();
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let worst = shares.iter().zip(&sums).map(|(share, sum)| (share - sum / total).abs());
                assert!(worst.fold(0.0, f64::max) < 1e-6, "{height}×{width}");
            }
        }
        Ok(())
    }

    fn noise(count: usize, mut state: u64) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f32 / (1u64 << 31) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    /// The recipe of gradients, by the definitions.
    fn naive(image: &[f32], height: usize, width: usize, convention: Convention) -> Vec<f64> {
        let pixels = height * width;
        let plane: Vec<f64> =
            (0..pixels).map(|i| (0..3).map(|c| f64::from(image[c * pixels + i])).sum()).collect();
        let spectrum = naive_dft(&plane, height, width);
        let shifted =
            |at: usize| spectrum[unshifted(at / width, height) * width + unshifted(at % width, width)].norm();
        let magnitudes: Vec<f64> = (0..pixels).map(shifted).collect();
        let mut row = RadialBins::new(height, width, convention).average(&magnitudes);
        let (low, high) = (
            row.iter().copied().fold(f64::INFINITY, f64::min),
            row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        row.iter_mut().for_each(|value| *value = (*value - low) / (high - low));
        row
    }

    #[test]
    fn any_size_and_any_number_of_images_match_the_definition() -> Result<(), Error> {
        for (height, width, images) in [
            (8, 8, 1),
            (9, 9, 3),
            (8, 11, 9),
            (7, 10, 34),
            (32, 32, 17),
            (32, 64, 2),
            (64, 32, 1),
            // Lanes without rows and columns, odd heights, odd widths, prime sides.
            (28, 28, 2),
            (17, 40, 3),
            (46, 23, 17),
            (31, 37, 2),
            (16, 17, 1),
        ] {
            for convention in [Convention::Reference, Convention::Textbook] {
                let batch = noise(images * 3 * height * width, 5);
                let profiler = Profiler::new(Recipe::Gradient, 3, height, width, convention)?;
                let found = profiler.profiles(&batch)?;
                assert_eq!(found.skipped(), 0);
                for (row, image) in found.rows().zip(batch.chunks(3 * height * width)) {
                    let expected = naive(image, height, width, convention);
                    assert!(
                        row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5),
                        "{height}×{width} {convention:?}"
                    );
                }
            }
        }
        Ok(())
    }

    #[test]
    fn one_thread_or_many_give_the_same_bits() -> Result<(), Error> {
        for size in [32, 33] {
            let batch = noise(150 * 3 * size * size, 9);
            let profiler = Profiler::new(Recipe::Density, 3, size, size, Convention::Reference)?;
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                pool.install(|| profiler.profiles(&batch))
            };
            assert_eq!(on(1)?, on(3)?);
            // Neither does it matter which images are beside one.
            let single = profiler.profiles(&batch[149 * 3 * size * size..])?;
            assert_eq!(single.rows().next(), on(1)?.rows().last());
        }
        Ok(())
    }

    #[test]
    fn white_noise_is_flat_in_both_conventions() -> Result<(), Error> {
        for convention in [Convention::Reference, Convention::Textbook] {
            let profiler = Profiler::new(Recipe::Power, 3, 32, 32, convention)?;
            let found = profiler.profiles(&noise(2000 * 3072, 11))?;
            let mut running = crate::RunningBands::new(profiler.radii().len());
            found.rows().for_each(|row| running.push(row));
            let mean = running.mean();
            let level = mean.iter().sum::<f64>() / mean.len() as f64;
            assert!(mean.iter().all(|band| (band / level - 1.0).abs() < 0.1), "{convention:?} {mean:?}");
        }
        Ok(())
    }

    #[test]
    fn images_without_a_profile_are_counted() -> Result<(), Error> {
        let profiler = Profiler::new(Recipe::Gradient, 3, 8, 8, Convention::Reference)?;
        let (zero, constant, sound) = (vec![0.0; 192], vec![0.25; 192], noise(192, 3));
        let (not_a_number, infinite) = (vec![f32::NAN; 192], [vec![f32::INFINITY], vec![0.0; 191]].concat());
        let found = profiler.profiles(
            &[zero, sound.clone(), constant, sound.clone(), sound, not_a_number, infinite].concat(),
        )?;
        assert_eq!(
            found.by_image().map(|row| row.is_some()).collect::<Vec<_>>(),
            [false, true, false, true, true, false, false]
        );
        let powers = Profiler::new(Recipe::Power, 3, 32, 32, Convention::Reference)?;
        let found = powers.profiles(&[noise(3072, 3), vec![f32::NAN; 3072], vec![0.5; 3072]].concat())?;
        assert_eq!(found.by_image().map(|row| row.is_some()).collect::<Vec<_>>(), [true, false, true]);
        assert!(found.rows().nth(1).is_some_and(|row| row.iter().all(|&value| value == 0.0)));
        Ok(())
    }

    #[test]
    fn a_weak_image_beside_a_strong_one_keeps_its_profile() -> Result<(), Error> {
        let profiler = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?;
        let (strong, weak) = (noise(3072, 1), noise(3072, 2).iter().map(|v| v * 1e-25).collect::<Vec<_>>());
        let found = profiler.profiles(&[strong, weak.clone()].concat())?;
        let expected = naive(&weak, 32, 32, Convention::Reference);
        let row = found.rows().nth(1).expect("a profile");
        assert!(row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5));
        Ok(())
    }
}
