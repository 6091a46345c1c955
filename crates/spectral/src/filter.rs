//! Images of which some frequencies remain (Lin, Gao & Sang, IJCAI 2022, X_l^(r) and X_h^(r)).

use rayon::prelude::*;

use crate::{DctCorner, Error, Shape, fft::RealFft2, to_bytes};

/// Which frequencies remain, by their distance d of a [`Shape`]: the published one is that to DC, in cycles per image.
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
    pixels: usize,
    kept: usize,
    remains: Remains,
    rescale: Rescale,
}

/// What becomes of a plane.
enum Remains {
    All,
    Nothing,
    /// Its half spectrum (H, W/2 + 1), weighted.
    Fourier(RealFft2<f64>, Vec<f64>),
    /// The low frequencies of a corner, or the plane itself, without those of a smaller one.
    Corners(Option<DctCorner>, Option<DctCorner>),
}

impl Filter {
    /// Plans for a size, with the published mask: [`Shape::Radial`].
    ///
    /// # Errors
    /// If a side is shorter than 2, or a ring's inner radius is not below its outer one.
    pub fn new(height: usize, width: usize, pass: Pass, rescale: Rescale) -> Result<Self, Error> {
        Self::shaped(Shape::Radial, height, width, pass, rescale)
    }

    /// Plans for a size, with a mask of any shape.
    ///
    /// # Errors
    /// As [`Filter::new`].
    pub fn shaped(
        shape: Shape,
        height: usize,
        width: usize,
        pass: Pass,
        rescale: Rescale,
    ) -> Result<Self, Error> {
        let plan = RealFft2::new(height, width)?;
        let mask = mask(shape, height, width, pass)?;
        let (pixels, kept) = (height * width, mask.iter().filter(|kept| **kept).count());
        let remains = match (kept, shape) {
            (0, _) => Remains::Nothing,
            // There and back again would leave 1e-17 where a pixel is 0.
            _ if kept == pixels => Remains::All,
            (_, Shape::Dct) => corners(height, width, pass)?,
            _ => Remains::Fourier(plan, half_spectrum(&mask, height, width)),
        };
        Ok(Self { pixels, kept, remains, rescale })
    }

    /// Weights each frequency of the half spectrum (H, W/2 + 1), not shifted, by a number of its own: for masks that have no
    /// [`Shape`], such as those of CDES.
    ///
    /// # Errors
    /// If a side is shorter than 2, or there are not H·(W/2 + 1) weights.
    pub fn weighted(height: usize, width: usize, weights: &[f32], rescale: Rescale) -> Result<Self, Error> {
        let plan = RealFft2::new(height, width)?;
        let (found, expected) = (weights.len(), height * plan.half_width());
        if found != expected {
            return Err(Error::Count { what: "weights", found, expected });
        }
        let remain = |at: &usize| {
            let (u, v) = (at / width, at % width);
            let half = if v < plan.half_width() { (u, v) } else { ((height - u) % height, width - v) };
            weights[half.0 * plan.half_width() + half.1] != 0.0
        };
        let (pixels, kept) = (height * width, (0..height * width).filter(remain).count());
        let weights = weights.iter().map(|&weight| weight.into()).collect();
        Ok(Self { pixels, kept, remains: Remains::Fourier(plan, weights), rescale })
    }

    /// How many of the H·W coefficients remain: with none every image is empty, with all it is unchanged.
    pub fn kept(&self) -> usize {
        self.kept
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
        match &self.remains {
            Remains::All => plane,
            Remains::Nothing => vec![0.0; plane.len()],
            Remains::Fourier(plan, weights) => {
                let mut spectrum = plan.transform(&plane);
                spectrum.iter_mut().zip(weights).for_each(|(value, weight)| *value *= weight);
                plan.inverse(&spectrum)
            }
            Remains::Corners(outer, inner) => without(low(outer.as_ref(), &plane), inner.as_ref(), &plane),
        }
    }
}

/// The low frequencies of a plane, all of them without a corner.
fn low(corner: Option<&DctCorner>, plane: &[f64]) -> Vec<f64> {
    let mut low = plane.to_vec();
    corner.into_iter().for_each(|corner| corner.keep_low(&mut low));
    low
}

/// A part of a plane without the plane's low frequencies.
fn without(mut part: Vec<f64>, corner: Option<&DctCorner>, plane: &[f64]) -> Vec<f64> {
    if let Some(corner) = corner {
        part.iter_mut().zip(low(Some(corner), plane)).for_each(|(part, low)| *part -= low);
    }
    part
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

/// Which coefficients of the shifted spectrum (H, W) remain; of the cosine transform as they are.
fn mask(shape: Shape, height: usize, width: usize, pass: Pass) -> Result<Vec<bool>, Error> {
    let low = |radius: usize| shape.low(height, width, radius);
    Ok(match pass {
        Pass::Low(radius) => low(radius),
        Pass::High(radius) => low(radius).into_iter().map(|low| !low).collect(),
        Pass::Ring(inner, outer) if inner < outer => {
            low(outer).into_iter().zip(low(inner)).map(|(inside, hole)| inside && !hole).collect()
        }
        Pass::Ring(inner, outer) => return Err(Error::Ring { inner, outer }),
    })
}

/// Ones and zeros over (H, W/2 + 1), not shifted.
fn half_spectrum(mask: &[bool], height: usize, width: usize) -> Vec<f64> {
    let half = width / 2 + 1;
    let shifted = |at: usize, size: usize| (at + size / 2) % size;
    let place = |at: usize| shifted(at / half, height) * width + shifted(at % half, width);
    (0..height * half).map(|at| f64::from(u8::from(mask[place(at)]))).collect()
}

fn corners(height: usize, width: usize, pass: Pass) -> Result<Remains, Error> {
    let corner = |radius: usize| DctCorner::new(height, width, radius).map(Some);
    Ok(match pass {
        Pass::Low(radius) => Remains::Corners(corner(radius)?, None),
        Pass::High(radius) => Remains::Corners(None, corner(radius)?),
        Pass::Ring(inner, outer) => Remains::Corners(corner(outer)?, corner(inner)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 4] = [Shape::Radial, Shape::Square, Shape::L1, Shape::Dct];

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
            assert_eq!(Filter::new(32, 32, pass, Rescale::None)?.kept(), expected, "{pass:?}");
        }
        let ring = Filter::new(8, 8, Pass::Ring(4, 4), Rescale::None);
        assert!(matches!(ring.map(drop), Err(Error::Ring { inner: 4, outer: 4 })));
        Ok(())
    }

    #[test]
    fn rings_of_any_shape_sum_to_the_image_at_any_size() -> Result<(), Error> {
        let sides = [(32, 32), (9, 14), (2, 2), (7, 33)];
        for (shape, sides) in SHAPES.into_iter().flat_map(|shape| sides.map(|sides| (shape, sides))) {
            let images = images(6 * sides.0 * sides.1);
            let mut sum = vec![0.0; images.len()];
            for pass in [Pass::Low(2), Pass::Ring(2, 5), Pass::Ring(5, 9), Pass::High(9)] {
                let part = Filter::shaped(shape, sides.0, sides.1, pass, Rescale::None)?.apply(&images)?;
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            let apart = sum.iter().zip(&images).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{shape:?} {sides:?}: {apart}");
        }
        Ok(())
    }

    /// A wave at one frequency is kept or dropped whole, as its distance says.
    #[test]
    fn shapes_hold_the_frequencies_that_they_say() -> Result<(), Error> {
        let wave = |down: usize, across: usize| -> Vec<f32> {
            let turns = |at: usize| (down * (at / 16) + across * (at % 16)) as f32 / 16.0;
            (0..256).map(|at| (std::f32::consts::TAU * turns(at)).cos()).collect()
        };
        // (4, 3): 5 away as the crow flies, 4 as the king walks, 7 as the rook does.
        for (shape, distance) in [(Shape::Radial, 5), (Shape::Square, 4), (Shape::L1, 7)] {
            let strength = |radius| -> Result<f32, Error> {
                let left =
                    Filter::shaped(shape, 16, 16, Pass::Low(radius), Rescale::None)?.apply(&wave(4, 3))?;
                Ok(left.iter().map(|value| value * value).sum())
            };
            assert!(
                strength(distance)? < 1e-9 && (strength(distance + 1)? - 128.0).abs() < 1e-3,
                "{shape:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn weights_of_a_shape_are_its_filter() -> Result<(), Error> {
        let images = images(3 * 9 * 14);
        let mask = mask(Shape::L1, 9, 14, Pass::Ring(2, 6))?;
        let weights: Vec<f32> = half_spectrum(&mask, 9, 14).into_iter().map(|weight| weight as f32).collect();
        let weighted = Filter::weighted(9, 14, &weights, Rescale::None)?;
        let shaped = Filter::shaped(Shape::L1, 9, 14, Pass::Ring(2, 6), Rescale::None)?;
        assert_eq!(weighted.apply(&images)?, shaped.apply(&images)?);
        assert_eq!(weighted.kept(), shaped.kept());
        assert!(Filter::weighted(9, 14, &weights[1..], Rescale::None).is_err());
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
