//! Which part of a photograph becomes the image: torchvision's `Resize` and `CenterCrop`, and its `RandomResizedCrop`.

use std::{fmt, str::FromStr};

use rand::Rng;

/// What a photograph is resized to before the middle is cut out of it.
///
/// ```
/// use datasets::Resize;
/// assert_eq!("256".parse(), Ok(Resize::Shorter(256)));
/// assert_eq!("256x256".parse(), Ok(Resize::Both(256)));
/// assert_eq!(Resize::Both(256).to_string(), "256x256");
/// assert!("256x224".parse::<Resize>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// The shorter side becomes so long, and the longer one in proportion.
    Shorter(usize),
    /// Both sides do, whatever the photograph's shape.
    Both(usize),
}

impl Resize {
    /// The length of the shorter side.
    pub fn length(self) -> usize {
        match self {
            Self::Shorter(length) | Self::Both(length) => length,
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shorter(length) => write!(f, "{length}"),
            Self::Both(length) => write!(f, "{length}x{length}"),
        }
    }
}

impl FromStr for Resize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|&number: &usize| number > 0);
        let both = |(one, other): (&str, &str)| (one == other).then(|| number(one)).flatten().map(Self::Both);
        let found = number(text).map(Self::Shorter).or_else(|| both(text.split_once('x')?));
        found.ok_or_else(|| {
            "expected a number of pixels, as 256, or twice the same for both sides, as 256x256".to_owned()
        })
    }
}

/// A rectangle of a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A rectangle, the size that it is resized to, and where the image is cut out of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) of: Rectangle,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) mirrored: bool,
}

/// Area of a random crop beside the photograph's, and its width beside its height.
const AREA: (f64, f64) = (0.08, 1.0);
const RATIO: (f64, f64) = (3.0 / 4.0, 4.0 / 3.0);
const TRIES: usize = 10;

impl Framing {
    /// `Resize`, `CenterCrop(side)`.
    pub(super) fn central(width: usize, height: usize, resize: Resize, side: usize) -> Self {
        let short = resize.length();
        let long = |long: usize, by: usize| short * long / by;
        let resized = match resize {
            Resize::Both(side) => (side, side),
            Resize::Shorter(_) if width <= height => (short, long(height, width)),
            Resize::Shorter(_) => (long(width, height), short),
        };
        // Python rounds halves to even.
        let middle = |length: usize| ((length - side) as f64 / 2.0).round_ties_even() as usize;
        let of = Rectangle { left: 0, top: 0, width, height };
        let (left, top) = (middle(resized.0), middle(resized.1));
        Self { of, width: resized.0, height: resized.1, left, top, mirrored: false }
    }

    /// `RandomResizedCrop(side)` and, if wanted, `RandomHorizontalFlip`.
    pub(super) fn random(width: usize, height: usize, side: usize, flip: bool, rng: &mut impl Rng) -> Self {
        let drawn = (0..TRIES).find_map(|_| draw(width, height, rng));
        let of = drawn.unwrap_or_else(|| middle(width, height));
        let mirrored = rng.random::<bool>() && flip;
        Self { of, width: side, height: side, left: 0, top: 0, mirrored }
    }
}

fn draw(width: usize, height: usize, rng: &mut impl Rng) -> Option<Rectangle> {
    let area = (width * height) as f64 * rng.random_range(AREA.0..AREA.1);
    let ratio = rng.random_range(RATIO.0.ln()..RATIO.1.ln()).exp();
    let of = |side: f64| side.sqrt().round_ties_even() as usize;
    let (w, h) = (of(area * ratio), of(area / ratio));
    if w == 0 || h == 0 || w > width || h > height {
        return None;
    }
    let top = rng.random_range(0..=(height - h) as u64) as usize;
    let left = rng.random_range(0..=(width - w) as u64) as usize;
    Some(Rectangle { left, top, width: w, height: h })
}

/// The largest central part whose sides are not too unlike.
fn middle(width: usize, height: usize) -> Rectangle {
    let ratio = width as f64 / height as f64;
    let part = |side: f64| (side.round_ties_even() as usize).max(1);
    let (w, h) = match ratio {
        _ if ratio < RATIO.0 => (width, part(width as f64 / RATIO.0).min(height)),
        _ if ratio > RATIO.1 => (part(height as f64 * RATIO.1).min(width), height),
        _ => (width, height),
    };
    Rectangle { left: (width - w) / 2, top: (height - h) / 2, width: w, height: h }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_central_part_is_torchvisions() {
        let framing = Framing::central(500, 375, Resize::Shorter(256), 224);
        assert_eq!((framing.width, framing.height, framing.left, framing.top), (341, 256, 58, 16));
        let framing = Framing::central(375, 500, Resize::Shorter(256), 224);
        assert_eq!((framing.width, framing.height, framing.left, framing.top), (256, 341, 16, 58));
        let framing = Framing::central(64, 64, Resize::Shorter(73), 64);
        assert_eq!((framing.width, framing.left), (73, 4));
        let framing = Framing::central(500, 375, Resize::Shorter(235), 224);
        assert_eq!((framing.width, framing.height), (313, 235));
        let framing = Framing::central(500, 375, Resize::Both(235), 224);
        assert_eq!((framing.width, framing.height, framing.left, framing.top), (235, 235, 6, 6));
    }

    #[test]
    fn random_parts_lie_inside_and_cover_what_is_asked() {
        let mut areas = Vec::new();
        for index in 0..2000 {
            let mut rng = stream(1, Purpose::Framing, 0, index);
            let Rectangle { left, top, width, height } = Framing::random(300, 200, 64, true, &mut rng).of;
            assert!(width > 0 && height > 0 && left + width <= 300 && top + height <= 200);
            let ratio = width as f64 / height as f64;
            assert!((0.74..1.36).contains(&ratio), "{width}×{height}");
            areas.push((width * height) as f64 / 60_000.0);
        }
        assert!(areas.iter().all(|area| (0.075..=1.0).contains(area)));
        let mean = areas.iter().sum::<f64>() / 2000.0;
        // torchvision's rule gives 0.390 on photographs of 3:2, where large parts seldom fit; the standard error is 0.005.
        assert!((0.37..0.41).contains(&mean), "{mean}");
    }

    #[test]
    fn thin_images_give_a_central_part() {
        let of = Framing::random(1000, 3, 8, false, &mut stream(0, Purpose::Framing, 0, 0)).of;
        assert_eq!(of, Rectangle { left: 498, top: 0, width: 4, height: 3 });
        assert_eq!(Framing::random(1, 1, 8, false, &mut stream(0, Purpose::Framing, 0, 0)).of.width, 1);
    }
}
