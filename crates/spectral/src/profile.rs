//! Profiles of images and gradients: one number a band.
//!
//! This is the hot path of the gradient spectrum. Two images are packed as one complex plane (one is the real part,
//! the other the imaginary part) and their spectra told apart by symmetry, so an image costs half a complex transform;
//! eight images go through the bands side by side, so that the sums vectorise. No shifted spectrum is ever stored.

use rayon::prelude::*;
use rustfft::{Fft, FftPlanner, num_complex::Complex32};
use std::sync::Arc;

use crate::{
    Error,
    radial::{Convention, OUTSIDE, RadialBins},
};

/// What is averaged over bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Of an input gradient: channels summed, |F|, then min–max scaled per image (Lin, Gao & Sang, IJCAI 2022).
    Gradient,
    /// Of an image: luma 0.2989 R + 0.5870 G + 0.1140 B, 20·ln(1 + |F|), then min–max scaled per image (likewise).
    Density,
    /// Of an image: luma, |F|², not scaled: the power spectrum.
    Power,
}

impl Recipe {
    fn channel_weights(self, channels: usize) -> Result<Vec<f32>, Error> {
        match self {
            Self::Gradient => Ok(vec![1.0; channels]),
            Self::Density | Self::Power if channels == 3 => Ok(vec![0.2989, 0.5870, 0.1140]),
            Self::Density | Self::Power => Err(Error::Length { what: "channels", found: channels, unit: 3 }),
        }
    }

    /// From |F|².
    #[inline(always)]
    fn value(self, power: f32) -> f32 {
        match self {
            Self::Gradient => power.sqrt(),
            Self::Density => 20.0 * power.sqrt().ln_1p(),
            Self::Power => power,
        }
    }
}

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
    recipe: Recipe,
    weights: Vec<f32>,
    height: usize,
    width: usize,
    bins: RadialBins,
    /// Whether DC is in a band.
    counts_dc: bool,
    /// By coefficient of the half spectrum, column by column: its band and that of its mirror image.
    bands: Vec<[u32; 2]>,
    rows: Arc<dyn Fft<f32>>,
    columns: Arc<dyn Fft<f32>>,
}

/// Profiles of a batch, in the order of its images.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    bands: usize,
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Profiles {
    /// The profiles that there are, one number a band.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.by_image().flatten()
    }

    /// For each image its profile, or `None` if it has none: constant, zero or not finite.
    pub fn by_image(&self) -> impl Iterator<Item = Option<&[f64]>> {
        self.values.chunks_exact(self.bands).zip(&self.present).map(|(row, &present)| present.then_some(row))
    }

    /// How many images have no profile.
    pub fn skipped(&self) -> usize {
        self.present.iter().filter(|present| !**present).count()
    }
}

/// Images that go through the bands side by side.
const GROUP: usize = 8;

/// Groups that a thread takes at once.
const GROUPS_AT_ONCE: usize = 4;

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
        let bins =
            if height < 2 || width < 2 { None } else { Some(RadialBins::new(height, width, convention)) };
        let bins = bins.filter(|bins| !bins.is_empty()).ok_or(Error::PlaneTooSmall { height, width })?;
        let mut planner = FftPlanner::new();
        let (rows, columns) = (planner.plan_fft_forward(width), planner.plan_fft_forward(height));
        let outside = bins.len() as u32;
        let inside = |band: u32| if band == OUTSIDE { outside } else { band };
        let bands = bins.half_spectrum_bands().into_iter().map(|pair| pair.map(inside)).collect();
        let (weights, counts_dc) = (recipe.channel_weights(channels)?, convention == Convention::Textbook);
        Ok(Self { recipe, weights, height, width, bins, counts_dc, bands, rows, columns })
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
        let size = self.weights.len() * self.height * self.width;
        if !batch.len().is_multiple_of(size) {
            return Err(Error::Length { what: "a batch", found: batch.len(), unit: size });
        }
        let (bands, images) = (self.bins.len(), batch.len() / size);
        let mut values = vec![0.0; images * bands];
        let mut present = vec![false; images];
        let chunk = GROUP * GROUPS_AT_ONCE;
        batch
            .par_chunks(chunk * size)
            .zip(values.par_chunks_mut(chunk * bands))
            .zip(present.par_chunks_mut(chunk))
            .for_each_init(
                || Scratch::new(self),
                |scratch, ((batch, values), present)| {
                    let groups = batch
                        .chunks(GROUP * size)
                        .zip(values.chunks_mut(GROUP * bands))
                        .zip(present.chunks_mut(GROUP));
                    groups.for_each(|((images, rows), present)| self.group(images, rows, present, scratch));
                },
            );
        Ok(Profiles { bands, values, present })
    }

    /// Up to eight images.
    fn group(&self, images: &[f32], rows: &mut [f64], present: &mut [bool], scratch: &mut Scratch) {
        let size = self.weights.len() * self.height * self.width;
        for (pair, images) in images.chunks(2 * size).enumerate() {
            let scales = self.pack(images, scratch);
            self.transform(scratch);
            self.separate(&scratch.turned, scales, 2 * pair, &mut scratch.values);
        }
        scratch.sums.fill([0.0; GROUP]);
        for (values, &[own, mirrored]) in scratch.values.iter().zip(&self.bands) {
            for band in [own, mirrored] {
                scratch.sums[band as usize].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        let bands = self.bins.len();
        for (lane, (row, present)) in rows.chunks_exact_mut(bands).zip(present).enumerate() {
            for ((value, sums), &count) in row.iter_mut().zip(&scratch.sums).zip(self.bins.counts()) {
                *value = f64::from(sums[lane]) / count as f64;
            }
            *present =
                if self.recipe == Recipe::Power { row.iter().all(|v| v.is_finite()) } else { scale(row) };
        }
    }

    /// Weighted sums of the channels of one or two images, as real and imaginary part, each scaled to a largest value
    /// of 1: rounding must not carry a strong image into a weak one. Returns the scales; an image that is not finite,
    /// or constant where DC is in no band, becomes zero.
    fn pack(&self, images: &[f32], scratch: &mut Scratch) -> [f32; 2] {
        let pixels = self.height * self.width;
        scratch.plane.fill(Complex32::default());
        let mut scales = [0.0; 2];
        for (index, image) in images.chunks_exact(pixels * self.weights.len()).enumerate() {
            self.sum_channels(image, &mut scratch.sum);
            scales[index] = self.scale_of(&scratch.sum);
            if scales[index] == 0.0 {
                continue;
            }
            let inverse = 1.0 / scales[index];
            for (packed, &value) in scratch.plane.iter_mut().zip(&scratch.sum) {
                *(if index == 0 { &mut packed.re } else { &mut packed.im }) = value * inverse;
            }
        }
        scales
    }

    fn sum_channels(&self, image: &[f32], sum: &mut [f32]) {
        sum.fill(0.0);
        for (channel, &weight) in image.chunks_exact(sum.len()).zip(&self.weights) {
            sum.iter_mut().zip(channel).for_each(|(sum, &value)| *sum += weight * value);
        }
    }

    /// The largest magnitude, or 0 for a plane that is to be left out.
    fn scale_of(&self, plane: &[f32]) -> f32 {
        let (mut low, mut high, mut probe) = (f32::INFINITY, f32::NEG_INFINITY, 0.0);
        for &value in plane {
            low = low.min(value);
            high = high.max(value);
            probe += value * 0.0; // not a number as soon as one value is not finite
        }
        let is_void = probe != 0.0 || low == high && !self.counts_dc;
        let largest = high.max(-low);
        // A scale whose inverse overflows is as good as zero.
        if is_void || largest < f32::MIN_POSITIVE { 0.0 } else { largest }
    }

    /// `plane` (H, W) → its spectrum in `turned`, column by column (W, H).
    fn transform(&self, scratch: &mut Scratch) {
        self.rows.process_with_scratch(&mut scratch.plane, &mut scratch.inner);
        for (y, row) in scratch.plane.chunks_exact(self.width).enumerate() {
            row.iter().enumerate().for_each(|(v, value)| scratch.turned[v * self.height + y] = *value);
        }
        self.columns.process_with_scratch(&mut scratch.turned, &mut scratch.inner);
    }

    /// With Z = F(a) + i·F(b) and Z* the conjugate at the mirrored frequency: F(a) = (Z + Z*)/2, F(b) = (Z − Z*)/2i.
    fn separate(&self, spectrum: &[Complex32], scales: [f32; 2], lane: usize, values: &mut [[f32; GROUP]]) {
        let (height, width) = (self.height, self.width);
        // A gradient's profile is scaled to [0, 1] anyway; the square of its scale could underflow.
        let undone = if self.recipe == Recipe::Gradient { [1.0; 2] } else { scales };
        let [a, b] = undone.map(|scale| 0.25 * scale * scale);
        for v in 0..=width / 2 {
            let own = &spectrum[v * height..][..height];
            let mirrored = &spectrum[(width - v) % width * height..][..height];
            let out = &mut values[v * height..][..height];
            for u in 0..height {
                let (z, m) = (own[u], mirrored[if u == 0 { 0 } else { height - u }]);
                let (first, second) =
                    (Complex32::new(z.re + m.re, z.im - m.im), Complex32::new(z.re - m.re, z.im + m.im));
                out[u][lane] = self.recipe.value(a * first.norm_sqr());
                out[u][lane + 1] = self.recipe.value(b * second.norm_sqr());
            }
        }
    }
}

/// Min–max scales a profile to [0, 1]; false if it is constant or not finite.
fn scale(row: &mut [f64]) -> bool {
    let (low, high) =
        row.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    let scalable = row.iter().all(|v| v.is_finite()) && high > low;
    if scalable {
        row.iter_mut().for_each(|value| *value = (*value - low) / (high - low));
    }
    scalable
}

/// Working memory of a thread.
struct Scratch {
    sum: Vec<f32>,
    plane: Vec<Complex32>,
    turned: Vec<Complex32>,
    inner: Vec<Complex32>,
    values: Vec<[f32; GROUP]>,
    sums: Vec<[f32; GROUP]>,
}

impl Scratch {
    fn new(profiler: &Profiler) -> Self {
        let pixels = profiler.height * profiler.width;
        let inner = profiler.rows.get_inplace_scratch_len().max(profiler.columns.get_inplace_scratch_len());
        let zeros = |len: usize| vec![Complex32::default(); len];
        Self {
            sum: vec![0.0; pixels],
            plane: zeros(pixels),
            turned: zeros(pixels),
            inner: zeros(inner),
            values: vec![[0.0; GROUP]; profiler.bands.len()],
            sums: vec![[0.0; GROUP]; profiler.bins.len() + 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{naive_dft, unshifted};

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
        assert!(scale(&mut row));
        row
    }

    #[test]
    fn any_size_and_any_number_of_images_match_the_definition() -> Result<(), Error> {
        for (height, width, images) in [(8, 8, 1), (9, 9, 3), (8, 11, 9), (7, 10, 34), (32, 32, 17)] {
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
        let infinite = vec![f32::NAN; 192];
        let found =
            profiler.profiles(&[zero, sound.clone(), constant, sound.clone(), sound, infinite].concat())?;
        assert_eq!(
            found.by_image().map(|row| row.is_some()).collect::<Vec<_>>(),
            [false, true, false, true, true, false]
        );
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
