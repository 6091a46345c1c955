//! The filters by which photographs are resized: Pillow's, with its names.

use std::{f64::consts::PI, fmt, str::FromStr};

/// How a resized image's pixels are made of the photograph's: the filter, as Pillow defines and calls it. Where an image becomes
/// smaller the filter becomes wider, so that all pixels have a part ("antialiasing").
///
/// ```
/// use datasets::Interpolation;
/// assert_eq!("bicubic".parse(), Ok(Interpolation::Bicubic));
/// assert_eq!(Interpolation::default().to_string(), "bilinear");
/// assert!("cubic".parse::<Interpolation>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// The pixel that lies nearest.
    Nearest,
    /// The mean of the pixels that are covered.
    Box,
    /// A triangle of one pixel to each side, torchvision's default.
    #[default]
    Bilinear,
    /// Hamming's window of a sinc, one pixel to each side.
    Hamming,
    /// Keys' cubic with a = −1/2, two pixels to each side, which most of timm's networks are trained with.
    Bicubic,
    /// Lanczos' window of a sinc, three pixels to each side.
    Lanczos,
}

impl Interpolation {
    /// All of them, by the numbers that Pillow gives them.
    pub const ALL: [Self; 6] =
        [Self::Nearest, Self::Lanczos, Self::Bilinear, Self::Bicubic, Self::Box, Self::Hamming];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Box => "box",
            Self::Bilinear => "bilinear",
            Self::Hamming => "hamming",
            Self::Bicubic => "bicubic",
            Self::Lanczos => "lanczos",
        }
    }

    /// How far the filter reaches to each side, in pixels.
    pub(super) fn reach(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The filter's value at a distance.
    pub(super) fn value(self, x: f64) -> f64 {
        match self {
            Self::Nearest | Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - x.abs()).max(0.0),
            Self::Hamming if x == 0.0 => 1.0,
            Self::Hamming if x.abs() >= 1.0 => 0.0,
            // Pillow has these two in single precision.
            Self::Hamming => sinc(x) * (f64::from(0.54f32) + f64::from(0.46f32) * (PI * x).cos()),
            Self::Bicubic => cubic(x.abs()),
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x {
        _ if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Interpolation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == name);
        known.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}
