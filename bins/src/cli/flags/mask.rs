//! The shapes of masks that `--mask` names.

use clap::ValueEnum;
use serde::Serialize;
use spectral::Shape;

use super::names::stands_for;

/// The names of [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MaskName {
    /// Discs: d is the distance to the zero frequency, as published
    #[default]
    Radial,
    /// Squares: d is the larger of the distances along the two axes
    Square,
    /// Diamonds: d is the sum of the distances along the two axes
    L1,
    /// Corners of the cosine transform: d is the larger of its two frequencies, in half cycles per image
    Dct,
}

stands_for!(MaskName => Shape { Radial, Square, L1, Dct });
