//! The training sets that are compared.

use serde::Serialize;

/// The images that a network is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainingSet {
    /// The images of the data set itself.
    Original,
    /// Images with strongly class-related spectra.
    Scr,
    /// Images with weakly class-related spectra.
    Wcr,
    /// Hybrids: the high frequencies of one image and the low frequencies of another.
    Hars,
}

impl TrainingSet {
    /// All of them, in the order of the steps.
    pub const ALL: [Self; 4] = [Self::Original, Self::Scr, Self::Wcr, Self::Hars];

    /// The name that people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Original => "original images",
            Self::Scr => "SCR images",
            Self::Wcr => "WCR images",
            Self::Hars => "HARS hybrids",
        }
    }

    /// The name in files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Scr => "scr",
            Self::Wcr => "wcr",
            Self::Hars => "hars",
        }
    }

    /// The experiment of `train_toy_models` and `generate_toy_dataset` that makes the images, where one does.
    pub(crate) fn experiment(self) -> Option<&'static str> {
        match self {
            Self::Scr => Some("SCR"),
            Self::Wcr => Some("WCR"),
            Self::Original | Self::Hars => None,
        }
    }
}
