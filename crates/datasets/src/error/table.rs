//! What can go wrong with a table of images that is sound.

use std::path::PathBuf;

use crate::one_line::{one_line, shown};

/// Why the images of a table cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A table that is sound, and not one of images with labels.
    #[error("{}: found {}, expected {}", shown(.path), one_line(.found), one_line(.expected))]
    Unfit {
        /// The file, or the folder of the tables.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },

    /// A row of a table without an image in it.
    #[error(
        "{}: row {row} has no bytes of an image, at most the path of its file; save the data set by save_to_disk of Python's `datasets`, \
         which takes the files in",
        shown(.path)
    )]
    NoImageBytes {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: u64,
    },
}
