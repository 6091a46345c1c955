//! The shapes of masks that `--mask` names.

use clap::ValueEnum;
use serde::Serialize;
use spectral::Shape;

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

impl MaskName {
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Radial => Shape::Radial,
            Self::Square => Shape::Square,
            Self::L1 => Shape::L1,
            Self::Dct => Shape::Dct,
        }
    }

    /// As `--mask` takes it, and as files carry it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Radial => "radial",
            Self::Square => "square",
            Self::L1 => "l1",
            Self::Dct => "dct",
        }
    }

    /// What figures say of d; nothing of the published one.
    pub(crate) fn caption(self) -> &'static str {
        match self {
            Self::Radial => "",
            Self::Square => "; square masks, d = max(|dy|, |dx|)",
            Self::L1 => "; diamond masks, d = |dy| + |dx|",
            Self::Dct => "; cosine transform, d = max(u, v)",
        }
    }

    /// What cut-offs are counted in.
    pub(crate) fn unit(self) -> &'static str {
        if self == Self::Dct { "half cycles per image" } else { "cycles per image" }
    }

    /// Why a cut-off is of no use for images of these sides.
    pub(crate) fn refusal(self, radius: usize, [height, width]: [usize; 2]) -> String {
        let most = self.shape().farthest(height, width);
        format!(
            "--r {radius}: with {} masks, images of {height}×{width} pixels have no frequencies that far out, expected 1 to {most}",
            self.as_str()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_flag() {
        for name in MaskName::value_variants() {
            let value = name.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(value.as_deref(), Some(name.as_str()));
            assert_eq!(serde_json::to_value(name).ok(), Some(name.as_str().into()));
        }
    }
}
