//! Images of one's high and another's low frequencies (Lin, Gao & Sang, IJCAI 2022, hypothesis II: HARS).
//!
//! With x the image that gives the high part and y the one that gives the low part, F(y)·m + F(x)·(1 − m) is the transform
//! of x + L(y − x), L the low-pass m: one transform there and one back. L keeps real and imaginary parts apart: two
//! channels share one complex plane.

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use crate::{
    Error, Shape,
    bytes::scale_to_bytes,
    low_pass::{LowPass, Spare},
};

/// Hybrids, low-pass and high-pass copies of images (N, C, H, W) of bytes, as bytes of the same shape.
///
/// Per channel z = Re F⁻¹(F(low)·m + F(high)·(1 − m)), m the mask d < r of a [`Shape`]; then z is min–max scaled to 0…255 and
/// truncated. A channel without contrast is black. What an image becomes does not depend on the other images of the batch.
///
/// The transforms are in f64: truncation would show errors of f32 as wrong bytes.
///
/// ```
/// // One channel of 2×2 pixels at r = 1: the low part is the mean, which min–max scaling takes away.
/// let hybrid = spectral::Hybrid::new(1, 2, 2, 1)?;
/// assert_eq!(hybrid.apply(&[10, 20, 30, 60], &[200, 0, 7, 9])?, [0, 51, 102, 255]);
/// assert_eq!(hybrid.high_pass(&[10, 20, 30, 60])?, [0, 51, 102, 255]);
/// assert_eq!(hybrid.low_pass(&[10, 20, 30, 60])?, [0; 4]);
/// // At r = 2 everything is low.
/// assert_eq!(spectral::Hybrid::new(1, 2, 2, 2)?.apply(&[10, 20, 30, 60], &[2, 0, 4, 1])?, [127, 0, 255, 63]);
/// # Ok::<(), spectral::Error>(())
/// ```
pub struct Hybrid {
    channels: usize,
    height: usize,
    width: usize,
    low: LowPass,
    /// An image of zeros: what gives no part.
    nothing: Vec<u8>,
}

/// Working memory of a thread.
struct Scratch {
    /// Two channels, (H, W).
    field: Vec<Complex64>,
    spare: Spare,
    plane: Vec<f64>,
}

/// Images that a thread takes at once.
const AT_ONCE: usize = 8;

/// More than rounding makes of a channel without contrast (1e-12 at most for bytes), less than any contrast that bytes have.
const CONTRAST: f64 = 1e-9;

impl Hybrid {
    /// For images of `channels` planes of `height` × `width` pixels; `radius` r in cycles per image, of the published mask.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(channels: usize, height: usize, width: usize, radius: usize) -> Result<Self, Error> {
        Self::shaped(Shape::Radial, [channels, height, width], radius)
    }

    /// For images of (C, H, W) with a mask of any shape.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn shaped(shape: Shape, dims: [usize; 3], radius: usize) -> Result<Self, Error> {
        let [channels, height, width] = dims;
        let low = LowPass::new(shape, height, width, radius)?;
        Ok(Self { channels, height, width, low, nothing: vec![0; channels * height * width] })
    }

    /// Hybrids (N, C, H, W) of the high frequencies of `high` and the low ones of `low`, image by image, on all threads.
    ///
    /// # Errors
    /// If `high` is no whole number of images, or `low` not as many.
    pub fn apply(&self, high: &[u8], low: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; high.len()];
        self.apply_into(high, low, &mut out)?;
        Ok(out)
    }

    /// [`Hybrid::apply`] into memory of the caller's.
    ///
    /// # Errors
    /// If `high` is no whole number of images, or `low` or `out` not as many.
    pub fn apply_into(&self, high: &[u8], low: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.check("images that give high frequencies", high.len(), out.len())?;
        self.check("images that give low frequencies", low.len(), out.len())?;
        self.run(Some(high), Some(low), out);
        Ok(())
    }

    /// Each image without its high frequencies, scaled as hybrids are.
    ///
    /// # Errors
    /// If `images` is no whole number of images.
    pub fn low_pass(&self, images: &[u8]) -> Result<Vec<u8>, Error> {
        self.check("images", images.len(), images.len())?;
        let mut out = vec![0; images.len()];
        self.run(None, Some(images), &mut out);
        Ok(out)
    }

    /// Each image without its low frequencies, scaled as hybrids are.
    ///
    /// # Errors
    /// If `images` is no whole number of images.
    pub fn high_pass(&self, images: &[u8]) -> Result<Vec<u8>, Error> {
        self.check("images", images.len(), images.len())?;
        let mut out = vec![0; images.len()];
        self.run(Some(images), None, &mut out);
        Ok(out)
    }

    fn check(&self, what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
        let unit = self.nothing.len();
        if !found.is_multiple_of(unit.max(1)) {
            return Err(Error::Length { what, found, unit });
        }
        if found == expected { Ok(()) } else { Err(Error::Count { what, found, expected }) }
    }

    /// Where there are no images, zeros take their place.
    fn run(&self, high: Option<&[u8]>, low: Option<&[u8]>, out: &mut [u8]) {
        let size = self.nothing.len();
        if size == 0 {
            return;
        }
        let each = out.par_chunks_exact_mut(size).enumerate().with_min_len(AT_ONCE);
        each.for_each_init(
            || self.scratch(),
            |scratch, (index, out)| {
                let image = index * size..(index + 1) * size;
                let nothing = &self.nothing[..];
                let high = high.map_or(nothing, |images| &images[image.clone()]);
                let low = low.map_or(nothing, |images| &images[image]);
                self.image(high, low, out, scratch);
            },
        );
    }

    /// One image, two channels at a time.
    fn image(&self, high: &[u8], low: &[u8], out: &mut [u8], scratch: &mut Scratch) {
        let pair = 2 * self.height * self.width;
        let inputs = high.chunks(pair).zip(low.chunks(pair));
        inputs.zip(out.chunks_mut(pair)).for_each(|((high, low), out)| self.pair(high, low, out, scratch));
    }

    /// Two channels, or the last one alone.
    fn pair(&self, high: &[u8], low: &[u8], out: &mut [u8], scratch: &mut Scratch) {
        let pixels = self.height * self.width;
        let apart = |at: usize| f64::from(low[at]) - f64::from(high[at]);
        let is_pair = high.len() > pixels;
        for (at, value) in scratch.field.iter_mut().enumerate() {
            *value = Complex64::new(apart(at), if is_pair { apart(pixels + at) } else { 0.0 });
        }
        let Scratch { field, plane, spare } = scratch;
        self.low.keep_low(field, spare);
        let parts = [|value: &Complex64| value.re, |value: &Complex64| value.im];
        let channels = high.chunks_exact(pixels).zip(out.chunks_exact_mut(pixels));
        for ((high, out), part) in channels.zip(parts) {
            let sums = high.iter().zip(field.iter());
            plane.iter_mut().zip(sums).for_each(|(z, (&x, low))| *z = f64::from(x) + part(low));
            scale_to_bytes(plane, CONTRAST, out);
        }
    }

    fn scratch(&self) -> Scratch {
        let pixels = self.height * self.width;
        Scratch {
            field: vec![Complex64::default(); pixels],
            spare: self.low.spare(),
            plane: vec![0.0; pixels],
        }
    }
}

impl std::fmt::Debug for Hybrid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hybrid({}×{}×{})", self.channels, self.height, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filter, Pass, RadialMask, Rescale, to_bytes};

    fn images(seed: usize, length: usize) -> Vec<u8> {
        let mut state = seed as u32 ^ 0x9E37_79B9;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    /// Straight from the definition, plane by plane.
    fn naive(high: &[u8], low: &[u8], mask: &RadialMask, pixels: usize) -> Vec<u8> {
        let numbers = |plane: &[u8]| plane.iter().map(|&byte| f64::from(byte)).collect::<Vec<_>>();
        let planes = high.chunks(pixels).zip(low.chunks(pixels));
        let each = planes.flat_map(|(high, low)| {
            let high = mask.split(&numbers(high)).expect("a plane").high;
            let low = mask.split(&numbers(low)).expect("a plane").low;
            to_bytes(&high.iter().zip(&low).map(|(high, low)| high + low).collect::<Vec<_>>())
        });
        each.collect()
    }

    #[test]
    fn hybrids_are_those_of_the_definition() -> Result<(), Error> {
        for (channels, height, width, radius) in [
            (3, 32, 32, 12),
            (1, 32, 32, 1),
            (3, 32, 32, 22),
            (2, 5, 7, 2),
            (4, 33, 16, 6),
            (3, 2, 2, 1),
            (3, 28, 20, 30),
            (5, 9, 64, 8),
        ] {
            let (pixels, count) = (height * width, 11);
            let (high, low) = (images(1, count * channels * pixels), images(2, count * channels * pixels));
            let hybrid = Hybrid::new(channels, height, width, radius)?;
            let mask = RadialMask::low(height, width, radius);
            let expected = naive(&high, &low, &mask, pixels);
            assert!(hybrid.apply(&high, &low)? == expected, "{channels}×{height}×{width} at {radius}");
            // A part of the batch is the batch's part.
            let image = channels * pixels;
            assert!(
                hybrid.apply(&high[image..2 * image], &low[image..2 * image])? == expected[image..2 * image]
            );
            // High- and low-pass are hybrids with nothing.
            let nothing = vec![0; high.len()];
            assert!(hybrid.high_pass(&high)? == hybrid.apply(&high, &nothing)?);
            assert!(hybrid.low_pass(&low)? == hybrid.apply(&nothing, &low)?);
        }
        Ok(())
    }

    #[test]
    fn copies_of_any_shape_are_those_of_its_filter() -> Result<(), Error> {
        let bytes = images(5, 4 * 3 * 28 * 20);
        let pixels: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        for shape in [Shape::Radial, Shape::Square, Shape::L1, Shape::Dct] {
            let hybrid = Hybrid::shaped(shape, [3, 28, 20], 7)?;
            for (pass, copies) in
                [(Pass::Low(7), hybrid.low_pass(&bytes)?), (Pass::High(7), hybrid.high_pass(&bytes)?)]
            {
                let filtered = Filter::shaped(shape, 28, 20, pass, Rescale::MinMax)?.apply(&pixels)?;
                let apart = filtered.iter().zip(&copies).filter(|(a, b)| (*a * 255.0).round() as u8 != **b);
                // Pixels are rounded to f32 before the filter.
                assert!(apart.count() <= 2, "{shape:?} {pass:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn without_low_frequencies_an_image_is_scaled_alone() -> Result<(), Error> {
        let (high, low) = (images(3, 64), images(4, 64));
        let numbers: Vec<f64> = high.iter().map(|&byte| byte.into()).collect();
        assert_eq!(Hybrid::new(1, 8, 8, 0)?.apply(&high, &low)?, to_bytes(&numbers));
        assert_eq!(Hybrid::new(1, 8, 8, usize::MAX)?.low_pass(&high)?, to_bytes(&numbers));
        Ok(())
    }

    #[test]
    fn a_channel_without_contrast_is_black() -> Result<(), Error> {
        for (height, width) in [(32, 32), (33, 20)] {
            let hybrid = Hybrid::new(3, height, width, 8)?;
            let grey = vec![201; 3 * height * width];
            assert!(hybrid.high_pass(&grey)?.iter().all(|&byte| byte == 0));
            assert!(hybrid.apply(&grey, &grey)?.iter().all(|&byte| byte == 0));
        }
        Ok(())
    }

    #[test]
    fn numbers_of_images_are_checked() -> Result<(), Error> {
        let hybrid = Hybrid::new(3, 4, 4, 2)?;
        assert!(hybrid.apply(&[], &[])?.is_empty());
        let message = |result: Result<Vec<u8>, Error>| result.expect_err("refused").to_string();
        assert!(message(hybrid.apply(&[0; 47], &[0; 48])).contains("multiple of 48"));
        assert!(message(hybrid.apply(&[0; 48], &[0; 96])).contains("low frequencies"));
        assert!(message(hybrid.low_pass(&[0; 49])).contains("49 values"));
        assert!(Hybrid::new(3, 1, 8, 2).is_err());
        Ok(())
    }
}
