//! Images of which some frequencies remain (Lin, Gao & Sang, IJCAI 2022, X_l^(r) and X_h^(r)).

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use crate::{Error, RadialMask, fft::RealFft2, to_bytes};

/// Which frequencies remain, by their distance d to DC in the shifted spectrum, in cycles per image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// d < r, strictly.
    Low(usize),
    /// d ≥ r: with `Low` of the same radius it makes the image.
    High(usize),
    /// r₁ ≤ d < r₂: a ring.
    Ring(usize, usize),
}

/// How filtered values, which may lie below 0 and above 1, become an image again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rescale {
    /// Below 0 becomes 0, above 1 becomes 1: what remains keeps its strength, and a high-pass image loses its negative half.
    Clip,
    /// Each channel's minimum becomes 0 and its maximum 1, in 256 steps, rounded down: as the published tool writes images.
    /// Contrast and mean are not those of the image. A constant channel is black.
    MinMax,
    /// Nothing: the numbers as they are.
    None,
}

/// A plan that filters (N, C, H, W) images with pixels in [0, 1].
///
/// Transforms are in f64 and rounded to f32 once: beside the network that looks at the result, they take no time. A filter that
/// keeps everything gives each pixel back, bit for bit.
///
/// ```
/// use spectral::{Filter, Pass, Rescale};
/// let image: Vec<f32> = (0..1024).map(|at| if at % 2 == 0 { 0.25 } else { 0.75 }).collect(); // stripes of the finest kind
/// let low = Filter::new(32, 32, Pass::Low(16), Rescale::None)?.apply(&image)?;
/// let high = Filter::new(32, 32, Pass::High(16), Rescale::None)?.apply(&image)?;
/// assert!(low.iter().all(|&value| value == 0.5)); // the mean
/// assert_eq!((high[0], high[1]), (-0.25, 0.25));
/// let whole = Filter::new(32, 32, Pass::Low(23), Rescale::Clip)?.apply(&image)?;
/// assert_eq!(whole, image);
/// # Ok::<(), spectral::Error>(())
/// ```
pub struct Filter {
    plan: RealFft2<f64>,
    pixels: usize,
    /// Which coefficients of the half spectrum (H, W/2 + 1) remain.
    keep: Vec<bool>,
    rescale: Rescale,
}

impl Filter {
    /// Plans for a size.
    ///
    /// # Errors
    /// If a side is shorter than 2, or a ring's inner radius is not below its outer one.
    pub fn new(height: usize, width: usize, pass: Pass, rescale: Rescale) -> Result<Self, Error> {
        let plan = RealFft2::new(height, width)?;
        let kept = kept(height, width, pass)?;
        let half = plan.half_width();
        let shifted = |at: usize, size: usize| (at + size / 2) % size;
        let place = |at: usize| shifted(at / half, height) * width + shifted(at % half, width);
        let keep = (0..height * half).map(|at| kept[place(at)]).collect();
        Ok(Self { plan, pixels: height * width, keep, rescale })
    }

    /// The filtered images, in the shape of `images`.
    ///
    /// # Errors
    /// As [`Filter::apply_into`].
    pub fn apply(&self, images: &[f32]) -> Result<Vec<f32>, Error> {
        let mut out = vec![0.0; images.len()];
        self.apply_into(images, &mut out)?;
        Ok(out)
    }

    /// The filtered images into memory of the caller's, in the shape of `images`; planes on all threads.
    ///
    /// ```
    /// let filter = spectral::Filter::new(4, 4, spectral::Pass::High(1), spectral::Rescale::MinMax)?;
    /// let mut out = [0.0; 16];
    /// filter.apply_into(&[0.5, 0.5, 0.5, 0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1], &mut out)?;
    /// assert_eq!((out[3], out[15], out[0]), (1.0, 0.0, 127.0 / 255.0));
    /// # Ok::<(), spectral::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `images` is no whole number of planes (H, W), or `out` has another length.
    pub fn apply_into(&self, images: &[f32], out: &mut [f32]) -> Result<(), Error> {
        if !images.len().is_multiple_of(self.pixels) {
            return Err(Error::Length { what: "images", found: images.len(), unit: self.pixels });
        }
        if out.len() != images.len() {
            return Err(Error::Length { what: "filtered images", found: out.len(), unit: images.len() });
        }
        let planes = images.par_chunks_exact(self.pixels).zip(out.par_chunks_exact_mut(self.pixels));
        planes.for_each(|(plane, out)| self.rescale.write(&self.filtered(plane), out));
        Ok(())
    }

    fn filtered(&self, plane: &[f32]) -> Vec<f64> {
        let plane: Vec<f64> = plane.iter().map(|&value| value.into()).collect();
        // There and back again would leave 1e-17 where a pixel is 0.
        if self.keep.iter().all(|keep| *keep) {
            return plane;
        }
        let mut spectrum = self.plan.transform(&plane);
        let dropped = spectrum.iter_mut().zip(&self.keep).filter(|(_, keep)| !**keep);
        dropped.for_each(|(value, _)| *value = Complex64::default());
        self.plan.inverse(&spectrum)
    }
}

impl Rescale {
    fn write(self, plane: &[f64], out: &mut [f32]) {
        match self {
            Self::None => out.iter_mut().zip(plane).for_each(|(out, &value)| *out = value as f32),
            Self::Clip => {
                out.iter_mut().zip(plane).for_each(|(out, value)| *out = value.clamp(0.0, 1.0) as f32);
            }
            // Min–max would blow the rounding of a transform up to an image of noise.
            Self::MinMax if is_constant(plane) => out.fill(0.0),
            Self::MinMax => {
                out.iter_mut().zip(to_bytes(plane)).for_each(|(out, byte)| *out = f32::from(byte) / 255.0);
            }
        }
    }
}

/// Whether values differ by no more than the rounding of transforms of pixels in [0, 1].
fn is_constant(plane: &[f64]) -> bool {
    let ends = |(low, high): (f64, f64), &value: &f64| (low.min(value), high.max(value));
    let (low, high) = plane.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    high - low < 1e-12
}

/// Which coefficients of the shifted spectrum (H, W) remain.
fn kept(height: usize, width: usize, pass: Pass) -> Result<Vec<bool>, Error> {
    // Beyond this radius there is nothing, and its square is a number.
    let low = |radius: usize| RadialMask::low(height, width, radius.min(height + width)).shifted().to_vec();
    Ok(match pass {
        Pass::Low(radius) => low(radius),
        Pass::High(radius) => low(radius).into_iter().map(|low| !low).collect(),
        Pass::Ring(inner, outer) if inner < outer => {
            low(outer).into_iter().zip(low(inner)).map(|(inside, hole)| inside && !hole).collect()
        }
        Pass::Ring(inner, outer) => return Err(Error::Ring { inner, outer }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: usize) -> Vec<f32> {
        (0..count).map(|at| ((at * 7919 + at / 3) % 256) as f32 / 255.0).collect()
    }

    fn apply(sides: (usize, usize), pass: Pass, rescale: Rescale, images: &[f32]) -> Result<Vec<f32>, Error> {
        Filter::new(sides.0, sides.1, pass, rescale)?.apply(images)
    }

    #[test]
    fn rings_hold_what_their_radii_say() -> Result<(), Error> {
        // 45, 193, 437, 793 coefficients lie within 4, 8, 12, 16.
        for (pass, expected) in [
            (Pass::Low(4), 45),
            (Pass::High(4), 1024 - 45),
            (Pass::Ring(4, 8), 193 - 45),
            (Pass::Ring(12, 16), 793 - 437),
            (Pass::Ring(0, 4), 45),
            (Pass::Low(usize::MAX), 1024),
            (Pass::High(usize::MAX), 0),
        ] {
            assert_eq!(kept(32, 32, pass)?.iter().filter(|kept| **kept).count(), expected, "{pass:?}");
        }
        assert!(matches!(kept(8, 8, Pass::Ring(4, 4)), Err(Error::Ring { inner: 4, outer: 4 })));
        Ok(())
    }

    #[test]
    fn rings_sum_to_the_image_at_any_size() -> Result<(), Error> {
        for sides in [(32, 32), (9, 14), (2, 2), (7, 33)] {
            let images = images(6 * sides.0 * sides.1);
            let mut sum = vec![0.0; images.len()];
            for pass in [Pass::Low(2), Pass::Ring(2, 5), Pass::Ring(5, 9), Pass::High(9)] {
                let part = apply(sides, pass, Rescale::None, &images)?;
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            let apart = sum.iter().zip(&images).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{sides:?}: {apart}");
        }
        Ok(())
    }

    #[test]
    fn a_filter_that_keeps_everything_changes_no_bit() -> Result<(), Error> {
        let images = images(12 * 1024);
        for rescale in [Rescale::None, Rescale::Clip] {
            assert!(apply((32, 32), Pass::Low(100), rescale, &images)? == images);
            assert!(apply((32, 32), Pass::High(0), rescale, &images)? == images);
        }
        Ok(())
    }

    #[test]
    fn a_filter_that_keeps_nothing_is_black() -> Result<(), Error> {
        for rescale in [Rescale::None, Rescale::Clip, Rescale::MinMax] {
            assert!(apply((8, 8), Pass::Low(0), rescale, &images(64))?.iter().all(|&value| value == 0.0));
        }
        Ok(())
    }

    #[test]
    fn the_rounding_of_a_constant_image_is_no_image() -> Result<(), Error> {
        let grey: Vec<f32> = vec![0.3; 9 * 14];
        for pass in [Pass::Low(3), Pass::High(3), Pass::Ring(1, 4)] {
            let found = apply((9, 14), pass, Rescale::MinMax, &grey)?;
            assert!(found.iter().all(|&value| value == 0.0), "{pass:?}");
        }
        Ok(())
    }

    #[test]
    fn inputs_are_inputs_again() -> Result<(), Error> {
        let images = images(3 * 1024);
        let raw = apply((32, 32), Pass::High(6), Rescale::None, &images)?;
        assert!(raw.iter().any(|&value| value < 0.0));
        let clipped = apply((32, 32), Pass::High(6), Rescale::Clip, &images)?;
        assert!(raw.iter().zip(&clipped).all(|(raw, &clipped)| raw.clamp(0.0, 1.0) == clipped));
        let scaled = apply((32, 32), Pass::High(6), Rescale::MinMax, &images)?;
        for channel in scaled.chunks(1024) {
            let least = channel.iter().fold(1.0, |least: f32, &value| least.min(value));
            let most = channel.iter().fold(0.0, |most: f32, &value| most.max(value));
            assert_eq!((least, most), (0.0, 1.0));
        }
        Ok(())
    }

    #[test]
    fn lengths_are_checked() -> Result<(), Error> {
        let filter = Filter::new(4, 4, Pass::Low(1), Rescale::None)?;
        assert!(filter.apply(&[0.0; 17]).is_err() && filter.apply_into(&[0.0; 16], &mut [0.0; 32]).is_err());
        assert!(filter.apply(&[])?.is_empty());
        assert!(Filter::new(1, 4, Pass::Low(1), Rescale::None).is_err());
        Ok(())
    }
}
