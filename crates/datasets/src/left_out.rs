//! Damaged images that were left out.

use std::{fmt, path::PathBuf};

use crate::{
    error::Error,
    one_line::{one_line, shown},
};

/// A damaged image that was left out of a set, because [`OnCorrupt::Skip`](crate::OnCorrupt::Skip) says so.
///
/// As text it is one line: `train/a/3.jpg cannot be decoded: it is cut short`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file, or its path below an archive.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl LeftOut {
    /// The image that an error is about, if a damaged image is its cause.
    pub(crate) fn from_error(error: Error) -> Result<Self, Error> {
        match error {
            Error::Corrupt { path, problem } => Ok(Self { path, problem }),
            error => Err(error),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be decoded: {}", shown(&self.path), one_line(&self.problem))
    }
}

/// What to do about a damaged file, or one that is not an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnCorrupt {
    /// Give an error that names the file.
    #[default]
    Error,
    /// Leave it out, and note it: see [`ImageSet::left_out`](crate::ImageSet::left_out).
    Skip,
}
