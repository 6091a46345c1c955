//! What can go wrong with files of records: a label and the pixels of an image each.

use std::path::PathBuf;

use crate::one_line::shown;

/// Why the records of a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// A file without a single record.
    #[error("{} is empty: expected records of {record} bytes; unpack the archive again", shown(.path))]
    Empty {
        /// The file.
        path: PathBuf,
        /// Bytes per record.
        record: usize,
    },

    /// A file that stops in the middle of a record.
    #[error(
        "{} is cut short: the record at byte {offset} has {found} bytes, expected {expected}; unpack the archive again",
        shown(.path)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the incomplete record starts.
        offset: u64,
        /// Bytes that are there.
        found: usize,
        /// Bytes per record.
        expected: usize,
    },

    /// A file that never ends.
    #[error("{} has more than {most} records: expected a CIFAR batch", shown(.path))]
    TooMany {
        /// The file.
        path: PathBuf,
        /// The most that is read without a limit.
        most: usize,
    },

    /// A label byte that names no class.
    #[error(
        "{} has label {found} at byte {offset}, expected 0 to {}; is it a file of another data set?",
        shown(.path), .classes.saturating_sub(1)
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// Where the label stands.
        offset: u64,
        /// The label.
        found: u8,
        /// How many classes there are.
        classes: usize,
    },
}
