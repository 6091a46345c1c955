//! Images that are made, at first aside and then in their places.

use std::path::PathBuf;

use datasets::frequency::{self, Writer};
use plots::ContactSheet;
use serde::Serialize;

use crate::Error;

/// A file of images that is in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// What they are, in words.
    pub what: String,
    /// How many there are.
    pub count: usize,
    /// The images, (N, H, W, C) u8.
    pub images: PathBuf,
    /// Their labels, (N) i64.
    pub labels: PathBuf,
    /// Of hybrids: the training images that give the other part, (N) i64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub donors: Option<PathBuf>,
    /// Some of them, to look at.
    pub sheet: PathBuf,
}

/// Images that are written aside, and what goes with them.
pub(super) struct Pending {
    pub(super) writer: Writer,
    pub(super) made: Made,
    pub(super) labels: Vec<i64>,
    /// Of hybrids.
    pub(super) donors: Vec<i64>,
    pub(super) sheet: ContactSheet,
    /// Of hybrids: what they are made of, and where that is noted.
    pub(super) origin: Option<(PathBuf, Vec<u8>)>,
}

impl Pending {
    /// Puts the files in their places, the images last: where they are, everything is.
    ///
    /// # Errors
    /// If a file cannot be written or replaced.
    pub(super) fn finish(self) -> Result<Made, Error> {
        let Self { writer, mut made, labels, donors, sheet, origin } = self;
        files::remove_file(&made.images)?;
        frequency::write_numbers(&made.labels, &labels)?;
        if let Some(path) = &made.donors {
            frequency::write_numbers(path, &donors)?;
        }
        made.sheet = sheet.save(&made.sheet)?;
        if let Some((path, content)) = origin {
            files::write_atomically(&path, &content)?;
        }
        writer.finish()?;
        Ok(made)
    }
}
