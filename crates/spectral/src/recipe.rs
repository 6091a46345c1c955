//! What profiles are made of.

use pulp::Simd;

use crate::{Error, vector::Vector};

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
    pub(crate) fn channel_weights(self, channels: usize) -> Result<Vec<f32>, Error> {
        match self {
            Self::Gradient => Ok(vec![1.0; channels]),
            Self::Density | Self::Power if channels == 3 => Ok(vec![0.2989, 0.5870, 0.1140]),
            Self::Density | Self::Power => Err(Error::Length { what: "channels", found: channels, unit: 3 }),
        }
    }

    /// Whether a common factor of an image's values makes no difference to its profile.
    pub(crate) fn ignores_scale(self) -> bool {
        self == Self::Gradient
    }

    /// From |F|².
    #[inline(always)]
    pub(crate) fn value<S: Simd>(self, power: Vector<S>) -> Vector<S> {
        match self {
            Self::Gradient => power.sqrt(),
            Self::Density => power.sqrt().ln_1p().times(20.0),
            Self::Power => power,
        }
    }
}
