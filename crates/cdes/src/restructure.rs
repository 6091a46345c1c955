//! Images of one's low and another's high frequencies.
//!
//! The masks are real, and once averaged over frequency negation symmetric, so they weigh Hartley coefficients, Re F − Im F, as
//! they weigh those of the DFT. The Hartley transform is its own inverse: the way back is a forward transform too,
//! which `spectral` does for many planes at once.

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;
use rustfft::num_complex::Complex32;
use spectral::RealFft2;

use crate::{
    Error, Norm, QuadrantMask,
    images::{pixels, pixels_like, tensor},
    reduce::{are_finite, extremes, largest},
};

/// out = minmax(Re IDFT(F(low)·L + F(high)·Hm)) for each channel, in [0, 1] (Lin, Gao & Sang, IJCAI 2022, CDES): L keeps
/// distances up to r, Hm those from r + 1 on, both [`QuadrantMask`]s in the norm L2; what lies between them is lost.
///
/// Planned once for a size and a radius, in f32. A channel without contrast (less than 16 times the rounding of its
/// inputs' largest value) has nothing to be scaled and becomes 0.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let restructurer = cdes::Restructurer::new(32, 32, 10)?;
/// let wave = |periods: f32| {
///     let value = |at: usize| (std::f32::consts::TAU * periods * (at % 32) as f32 / 32.0).cos();
///     Tensor::from_vec((0..3072).map(value).collect::<Vec<_>>(), (1, 3, 32, 32), &Device::Cpu)
/// };
/// // Two periods are low: they come from the first image alone.
/// let out = restructurer.apply(&wave(2.0)?, &wave(3.0)?)?.flatten_all()?.to_vec1::<f32>()?;
/// for (at, expected) in [(0, 1.0), (4, 0.5), (8, 0.0), (16, 1.0)] {
///     assert!((out[at] - expected).abs() < 1e-6);
/// }
/// # Ok::<(), cdes::Error>(())
/// ```
pub struct Restructurer {
    height: usize,
    width: usize,
    plan: RealFft2<f32>,
    /// The weights of both images' coefficients, over H·W, (H, W/2 + 1).
    low: Vec<f32>,
    high: Vec<f32>,
}

/// [`Restructurer::apply`] for a single batch: (B, 3, H, W) f32 twice → (B, 3, H, W) f32 in [0, 1].
///
/// # Errors
/// As [`Restructurer::new`] and [`Restructurer::apply`].
pub fn restructure(low: &Tensor, high: &Tensor, radius: usize) -> Result<Tensor, Error> {
    let (_, dims) = pixels(low, LOW)?;
    Restructurer::new(dims.height, dims.width, radius)?.apply(low, high)
}

/// What the inputs are called in errors.
const LOW: &str = "images that give low frequencies";
const HIGH: &str = "images that give high frequencies";

/// Planes that a thread takes at once: their spectra stay in its cache.
const AT_ONCE: usize = 12;

impl Restructurer {
    /// For planes of `height` × `width` pixels; `radius` r in cycles per image.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(height: usize, width: usize, radius: usize) -> Result<Self, Error> {
        let plan = RealFft2::new(height, width)?;
        let scale = 1.0 / (height * width) as f32;
        let weights = |distances| -> Vec<f32> {
            let mask = QuadrantMask::new(Norm::L2, height, width, distances);
            mask.weights().into_iter().map(|weight| weight * scale).collect()
        };
        let (low, high) = (weights(0..=radius), weights(radius.saturating_add(1)..=usize::MAX));
        Ok(Self { height, width, plan, low, high })
    }

    /// Images (B, 3, H, W) f32 in [0, 1] of the low frequencies of `low` and the high ones of `high`, both (B, 3, H, W) f32.
    ///
    /// # Errors
    /// If the images are of another size or differ in number, or values are not f32 or not finite.
    pub fn apply(&self, low: &Tensor, high: &Tensor) -> Result<Tensor, Error> {
        let (low, dims) = pixels(low, LOW)?;
        let high = pixels_like(high, HIGH, dims)?;
        let mut out = vec![0.0; low.len()];
        self.apply_into(&low, &high, &mut out)?;
        tensor(out, dims)
    }

    /// [`Restructurer::apply`] on planes (N, H, W) of any number, into memory of the caller's, on all threads.
    ///
    /// # Errors
    /// If the three are not the same whole number of planes, or a value is not finite.
    pub fn apply_into(&self, low: &[f32], high: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let pixels = self.height * self.width;
        self.check(LOW, low, low.len())?;
        self.check(HIGH, high, low.len())?;
        self.check("planes to write", out, low.len())?;
        let share = AT_ONCE * pixels;
        let shares = out.par_chunks_mut(share).zip(low.par_chunks(share).zip(high.par_chunks(share)));
        let done = shares.try_for_each_init(Scratch::default, |scratch, (out, (low, high))| {
            self.share(low, high, out, scratch)
        });
        // Which share failed first depends on the threads; which value is the first does not.
        done.map_err(|error| match error {
            Failure::Spectral(error) => error.into(),
            Failure::NotFinite => self.first_not_finite(low, high),
        })
    }

    fn first_not_finite(&self, low: &[f32], high: &[f32]) -> Error {
        let (what, planes) = if are_finite(low) { (HIGH, high) } else { (LOW, low) };
        let at = planes.iter().position(|value| !value.is_finite()).unwrap_or(0);
        let (plane, pixel) = (at / (self.height * self.width), at % (self.height * self.width));
        let place = format!("[{plane}, {}, {}]", pixel / self.width, pixel % self.width);
        Error::NotFinite { what: what.to_owned(), value: planes[at].into(), place }
    }

    fn check(&self, what: &'static str, planes: &[f32], length: usize) -> Result<(), Error> {
        let Self { height, width, .. } = *self;
        if planes.len() == length && length.is_multiple_of(height * width) {
            return Ok(());
        }
        let expected = format!("{length}, a whole number of planes of {height}×{width}");
        Err(Error::Length { what, found: planes.len(), expected })
    }

    /// Some planes, on this thread.
    fn share(
        &self,
        low: &[f32],
        high: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), Failure> {
        let (pixels, half) = (self.height * self.width, self.width / 2 + 1);
        let coefficients = self.height * half;
        let Scratch { spectra, others, planes } = scratch;
        let count = out.len() / pixels;
        spectra.resize(count * coefficients, Complex32::default());
        others.resize(count * coefficients, Complex32::default());
        planes.resize(count * pixels, 0.0);

        self.plan.transform_batch_into(low, spectra)?;
        self.plan.transform_batch_into(high, others)?;
        let both = spectra.chunks_exact(coefficients).zip(others.chunks_exact(coefficients));
        both.zip(planes.chunks_exact_mut(pixels)).for_each(|((x, y), plane)| {
            self.hartley(plane, |at| {
                let (low, high) = (
                    self.low[at.clone()].iter().zip(&x[at.clone()]),
                    self.high[at.clone()].iter().zip(&y[at]),
                );
                low.zip(high).map(|((l, x), (h, y))| [l * x.re + h * y.re, l * x.im + h * y.im])
            });
        });
        self.plan.transform_batch_into(planes, spectra)?;
        spectra.chunks_exact(coefficients).zip(out.chunks_exact_mut(pixels)).for_each(|(spectrum, plane)| {
            self.hartley(plane, |at| spectrum[at].iter().map(|f| [f.re, f.im]));
        });
        let inputs = low.chunks_exact(pixels).zip(high.chunks_exact(pixels));
        out.chunks_exact_mut(pixels).zip(inputs).try_for_each(|(out, (low, high))| {
            let largest = [largest(low), largest(high)];
            if largest.iter().any(|value| !value.is_finite()) {
                return Err(Failure::NotFinite);
            }
            scale(out, largest[0].max(largest[1]));
            Ok(())
        })
    }

    /// Re F − Im F for all (H, W) frequencies, from some range of the half spectrum (H, W/2 + 1) as `coefficients` gives it, real
    /// and imaginary part: F(H − u, W − v) = F*(u, v).
    #[inline(always)]
    fn hartley<T: Iterator<Item = [f32; 2]>>(
        &self,
        plane: &mut [f32],
        coefficients: impl Fn(Range<usize>) -> T,
    ) {
        let Self { height, width, .. } = *self;
        let half = width / 2 + 1;
        for u in 0..height {
            let row = &mut plane[u * width..][..half];
            let own = coefficients(u * half..(u + 1) * half);
            row.iter_mut().zip(own).for_each(|(value, [re, im])| *value = re - im);
            // Columns half … W − 1 of the mirrored row are columns W − half … 1 of this one.
            let start = (height - u) % height * width;
            let mirrored = &mut plane[start + half..start + width];
            let own = coefficients(u * half + 1..u * half + 1 + mirrored.len());
            mirrored.iter_mut().rev().zip(own).for_each(|(value, [re, im])| *value = re + im);
        }
    }
}

/// Why a share of the planes is not done.
enum Failure {
    Spectral(spectral::Error),
    NotFinite,
}

impl From<spectral::Error> for Failure {
    fn from(error: spectral::Error) -> Self {
        Self::Spectral(error)
    }
}

/// Working memory of a thread.
#[derive(Default)]
struct Scratch {
    spectra: Vec<Complex32>,
    others: Vec<Complex32>,
    planes: Vec<f32>,
}

/// (x − min) / (max − min), or zeros where the range is rounding alone.
fn scale(plane: &mut [f32], largest_input: f32) {
    let [low, high] = extremes(plane);
    let range = high - low;
    if range <= 16.0 * f32::EPSILON * largest_input {
        return plane.fill(0.0);
    }
    plane.iter_mut().for_each(|value| *value = (*value - low) / range);
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use rustfft::num_complex::Complex64;
    use spectral::{naive_dft, unshifted};

    use super::*;
    use crate::noise_generator;

    fn numbers(seed: u64, len: usize) -> Vec<f32> {
        let mut random = noise_generator(seed, 0, 0);
        (0..len).map(|_| random.random()).collect()
    }

    /// The definition: complex masks over the shifted spectrum, the real part of the inverse.
    fn slow(low: &[f32], high: &[f32], [height, width]: [usize; 2], radius: usize) -> Vec<f64> {
        let masks = [0..=radius, radius + 1..=usize::MAX]
            .map(|distances| QuadrantMask::new(Norm::L2, height, width, distances));
        let spectra = [low, high].map(|plane| {
            let plane: Vec<f64> = plane.iter().map(|&value| value.into()).collect();
            naive_dft(&plane, height, width)
        });
        let mut sum = vec![Complex64::default(); height * width];
        for shifted in 0..height * width {
            let at = unshifted(shifted / width, height) * width + unshifted(shifted % width, width);
            for (mask, spectrum) in masks.iter().zip(&spectra) {
                sum[at] += spectrum[at] * f64::from(u8::from(mask.shifted()[shifted]));
            }
        }
        let value = |y: usize, x: usize| -> f64 {
            let term = |at: usize| {
                let turns = (at / width * y) as f64 / height as f64 + (at % width * x) as f64 / width as f64;
                (sum[at] * Complex64::from_polar(1.0, std::f64::consts::TAU * turns)).re
            };
            (0..height * width).map(term).sum()
        };
        let plane: Vec<f64> = (0..height * width).map(|at| value(at / width, at % width)).collect();
        let bound = |pick: fn(f64, f64) -> f64| plane.iter().copied().reduce(pick).unwrap_or(0.0);
        let (least, most) = (bound(f64::min), bound(f64::max));
        plane.iter().map(|value| (value - least) / (most - least)).collect()
    }

    #[test]
    fn planes_of_any_size_follow_the_definition() -> Result<(), Error> {
        for (size, radius) in
            [([32, 32], 10), ([9, 9], 3), ([8, 7], 2), ([7, 12], 3), ([2, 2], 2), ([6, 10], 2)]
        {
            let [height, width] = size;
            let count = 14 * height * width;
            let (low, high) = (numbers(1, count), numbers(2, count));
            let mut out = vec![0.0; count];
            Restructurer::new(height, width, radius)?.apply_into(&low, &high, &mut out)?;
            let planes = |values: &'_ [f32]| values[13 * height * width..].to_vec();
            let expected = slow(&planes(&low), &planes(&high), size, radius);
            for (found, expected) in planes(&out).iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-6, "{size:?}: {found} against {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn constant_channels_become_zero() -> Result<(), Error> {
        for side in [32, 33] {
            let (low, high) = (vec![0.3; side * side], vec![0.7; side * side]);
            let mut out = vec![1.0; side * side];
            Restructurer::new(side, side, 10)?.apply_into(&low, &high, &mut out)?;
            assert!(out.iter().all(|value| *value == 0.0), "{side}");
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() -> Result<(), Error> {
        assert!(Restructurer::new(1, 8, 2).is_err());
        let restructurer = Restructurer::new(4, 4, usize::MAX)?;
        let (one, two) = (vec![0.5; 16], vec![0.5; 32]);
        let refused =
            |low: &[f32], high: &[f32], out: &mut [f32]| restructurer.apply_into(low, high, out).is_err();
        assert!(refused(&one, &two, &mut one.clone()) && refused(&one, &one, &mut two.clone()));
        assert!(refused(&[0.5; 15], &[0.5; 15], &mut [0.5; 15]));
        assert!(refused(&[f32::NAN; 16], &one, &mut one.clone()));
        let mut broken = vec![0.5; 100 * 16];
        (broken[20 * 16 + 6], broken[90 * 16]) = (f32::INFINITY, f32::NAN);
        let whole = vec![0.5; 100 * 16];
        let error =
            restructurer.apply_into(&whole, &broken, &mut whole.clone()).expect_err("an infinite pixel");
        let expected =
            "images that give high frequencies: found inf at place [20, 1, 2], expected finite values";
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!refused(&one, &one, &mut one.clone()));
        Ok(())
    }
}
