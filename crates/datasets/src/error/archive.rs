//! What can go wrong with an archive.

use std::path::PathBuf;

use crate::one_line::{one_line, shown};

/// Why an archive, or a file in it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A tar archive that is damaged, or none.
    #[error(
        "{}: found {} at byte {offset} of the unpacked archive, expected a sound tar archive; fetch or make it again",
        shown(.path), one_line(.found)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What it holds.
        found: String,
    },

    /// A file in an archive that cannot be read.
    #[error("{}: found a file that is {}, expected one that is stored or compressed by DEFLATE; unpack the archive", shown(.path), one_line(.found))]
    Member {
        /// The archive, and the file's path in it.
        path: PathBuf,
        /// What the file is.
        found: String,
    },

    /// A file that is not an archive where a data set was expected.
    #[error(
        "{} is {found}, expected a folder, a tar archive (plain, or compressed by gzip, bzip2, xz or zstd) or a zip archive", shown(.path)
    )]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },

    /// An archive without a file of the data set.
    #[error("{} has no {member}: is it the archive of another data set?", shown(.path))]
    Missing {
        /// The archive.
        path: PathBuf,
        /// The file's path in it.
        member: String,
    },

    /// A sample of an archive of WebDataset that cannot be used.
    #[error("{}: found {}, expected for each image its class, all of them numbers or all names, in a file key.cls or key.json, where a key ends at the first dot", shown(.path), one_line(.found))]
    Sample {
        /// The archive, or the folder of them.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
}
