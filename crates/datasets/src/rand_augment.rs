//! RandAugment (Cubuk et al., 2020) as `torchvision.transforms.v2.RandAugment` defines it.

mod colour;
mod geometry;
mod levels;

use std::{fmt, str::FromStr};

use rand::Rng;

use crate::{
    ImageShape,
    random::{Purpose, stream},
};

/// Some of the 14 [operations](Operation), drawn anew for each image with equal chance, all of one magnitude: its place among 31 steps.
///
/// As text `OPERATIONS:MAGNITUDE`. The draw depends on (seed, epoch, image) alone.
///
/// ```
/// use datasets::RandAugment;
/// let usual: RandAugment = "2:9".parse()?;
/// assert_eq!(usual, RandAugment { operations: 2, magnitude: 9 });
/// assert!("2:31".parse::<RandAugment>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RandAugment {
    /// How many operations come one after the other.
    pub operations: usize,
    /// Which step of their strength, 0 to 30.
    pub magnitude: usize,
}

/// Steps of strength.
const STEPS: usize = 31;

/// More operations than anybody wants.
const MOST_OPERATIONS: usize = 14;

impl RandAugment {
    /// Changes an image of bytes (C, H, W) as it is drawn for image `index` in `epoch`.
    ///
    /// # Panics
    /// If `pixels` is not of `shape`, or the magnitude is not one of the steps.
    pub fn apply(&self, pixels: &mut [u8], shape: ImageShape, [seed, epoch, index]: [u64; 3]) {
        let mut rng = stream(seed, Purpose::RandAugment, epoch, index);
        for _ in 0..self.operations {
            let operation = Operation::ALL[rng.random_range(0..Operation::ALL.len() as u64) as usize];
            let strength = operation.strength(self.magnitude, shape);
            let is_turned = rng.random::<bool>() && operation.is_signed();
            operation.apply(if is_turned { -strength } else { strength }, pixels, shape);
        }
    }
}

impl fmt::Display for RandAugment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.operations, self.magnitude)
    }
}

impl FromStr for RandAugment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(':').and_then(|(operations, magnitude)| {
            Some(Self { operations: operations.parse().ok()?, magnitude: magnitude.parse().ok()? })
        });
        let fits =
            |found: &Self| (1..=MOST_OPERATIONS).contains(&found.operations) && found.magnitude < STEPS;
        numbers.filter(fits).ok_or_else(|| {
            format!(
                "expected OPERATIONS:MAGNITUDE, from 1 to {MOST_OPERATIONS} operations and a magnitude from 0 to {}, as 2:9",
                STEPS - 1
            )
        })
    }
}

/// What may be done to an image of bytes. Pixels from beyond its edges are black, pixels between two are the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Nothing.
    Identity,
    /// Rows shifted by up to 0.3 of their distance from the top.
    ShearX,
    /// Columns shifted by up to 0.3 of their distance from the left.
    ShearY,
    /// Shifted by up to 150/331 of the width.
    TranslateX,
    /// Shifted by up to 150/331 of the height.
    TranslateY,
    /// Turned around the middle by up to 30 degrees.
    Rotate,
    /// Values times 1 ± up to 0.9.
    Brightness,
    /// Distances from grey times 1 ± up to 0.9.
    Color,
    /// Distances from the mean grey times 1 ± up to 0.9.
    Contrast,
    /// Distances from the blurred image times 1 ± up to 0.9.
    Sharpness,
    /// The highest 8 to 4 bits of each value.
    Posterize,
    /// Values from 255 down to 0 and above inverted.
    Solarize,
    /// Each channel stretched to 0 to 255.
    AutoContrast,
    /// Each channel with an even histogram.
    Equalize,
}

impl Operation {
    /// All of them, in torchvision's order.
    pub const ALL: [Self; 14] = [
        Self::Identity,
        Self::ShearX,
        Self::ShearY,
        Self::TranslateX,
        Self::TranslateY,
        Self::Rotate,
        Self::Brightness,
        Self::Color,
        Self::Contrast,
        Self::Sharpness,
        Self::Posterize,
        Self::Solarize,
        Self::AutoContrast,
        Self::Equalize,
    ];

    /// Whether half of the draws are of the opposite strength.
    pub fn is_signed(self) -> bool {
        !matches!(
            self,
            Self::Identity | Self::Posterize | Self::Solarize | Self::AutoContrast | Self::Equalize
        )
    }

    /// Its strength at one of the 31 steps: a slope, pixels, degrees, a share, bits or a threshold in [0, 1]; 0 of operations that
    /// have none. f32, as in torchvision.
    ///
    /// ```
    /// use datasets::{ImageShape, Operation};
    /// assert_eq!(Operation::Rotate.strength(30, ImageShape::RGB32), 30.0);
    /// assert_eq!(Operation::Posterize.strength(9, ImageShape::RGB32), 7.0);
    /// ```
    pub fn strength(self, step: usize, shape: ImageShape) -> f64 {
        let share = 150.0 / 331.0;
        match self {
            Self::Identity | Self::AutoContrast | Self::Equalize => 0.0,
            Self::ShearX | Self::ShearY => rising(0.3, step),
            Self::TranslateX => rising(share * shape.width as f64, step),
            Self::TranslateY => rising(share * shape.height as f64, step),
            Self::Rotate => rising(30.0, step),
            Self::Brightness | Self::Color | Self::Contrast | Self::Sharpness => rising(0.9, step),
            Self::Posterize => (8.0 - step as f64 / 7.5).round(),
            Self::Solarize => falling(step),
        }
    }

    /// Changes an image (C, H, W).
    ///
    /// # Panics
    /// If `pixels` is not of `shape`.
    pub fn apply(self, strength: f64, pixels: &mut [u8], shape: ImageShape) {
        assert_eq!(pixels.len(), shape.len(), "image of {shape}");
        match self {
            Self::Identity => {}
            Self::ShearX => geometry::shear_x(pixels, shape, strength),
            Self::ShearY => geometry::shear_y(pixels, shape, strength),
            Self::TranslateX => geometry::translate(pixels, shape, [strength.trunc(), 0.0]),
            Self::TranslateY => geometry::translate(pixels, shape, [0.0, strength.trunc()]),
            Self::Rotate => geometry::rotate(pixels, shape, strength),
            Self::Brightness => colour::brighten(pixels, 1.0 + strength),
            Self::Color => colour::saturate(pixels, shape, 1.0 + strength),
            Self::Contrast => colour::contrast(pixels, shape, 1.0 + strength),
            Self::Sharpness => colour::sharpen(pixels, shape, 1.0 + strength),
            Self::Posterize => levels::posterize(pixels, strength as u32),
            Self::Solarize => levels::solarize(pixels, 255.0 * strength),
            Self::AutoContrast => levels::stretch(pixels, shape),
            Self::Equalize => levels::equalize(pixels, shape),
        }
    }
}

/// `torch.linspace(0, end, 31)[step]`: f32, from the nearer end. At some steps PyTorch's last bit follows the machine's vectors.
fn rising(end: f64, step: usize) -> f64 {
    linear(0.0, end as f32, step)
}

/// `torch.linspace(1, 0, 31)[step]`.
fn falling(step: usize) -> f64 {
    linear(1.0, 0.0, step)
}

fn linear(start: f32, end: f32, step: usize) -> f64 {
    assert!(step < STEPS, "a magnitude of {step}: expected 0 to {}", STEPS - 1);
    let width = (end - start) / (STEPS - 1) as f32;
    let near_start = start + width * step as f32;
    let near_end = end - width * (STEPS - 1 - step) as f32;
    f64::from(if step < STEPS / 2 { near_start } else { near_end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_epoch_and_image_alone() {
        let image: Vec<u8> = (0..ImageShape::RGB32.len()).map(|at| (at * at % 251) as u8).collect();
        let drawn = |key| {
            let mut pixels = image.clone();
            RandAugment { operations: 2, magnitude: 9 }.apply(&mut pixels, ImageShape::RGB32, key);
            pixels
        };
        assert_eq!(drawn([3, 4, 5]), drawn([3, 4, 5]));
        let kinds: std::collections::BTreeSet<Vec<u8>> = (0..60).map(|index| drawn([3, 4, index])).collect();
        assert!(kinds.len() > 40, "{} kinds", kinds.len());
    }

    #[test]
    fn texts_are_read_and_written() {
        assert_eq!("14:30".parse::<RandAugment>().map(|found| found.to_string()).as_deref(), Ok("14:30"));
        for text in ["", "2", "0:9", "15:9", "2:-1", "2:31", "a:b"] {
            assert!(text.parse::<RandAugment>().is_err_and(|said| said.contains("2:9")), "{text}");
        }
    }

    #[test]
    fn small_images_are_no_error() {
        for (channels, height, width) in [(3, 1, 1), (1, 2, 3), (3, 0, 4), (2, 1, 5)] {
            let shape = ImageShape { channels, height, width };
            for operation in Operation::ALL {
                let mut pixels = vec![7; shape.len()];
                operation.apply(operation.strength(30, shape), &mut pixels, shape);
            }
        }
    }
}
