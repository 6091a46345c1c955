//! What can go wrong when a data set is fetched.

use std::path::PathBuf;

use crate::one_line::one_line;

/// Why an archive was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// No environment variable says where the user's cache folder is.
    #[error("there is no HOME for a cache folder")]
    NoCacheFolder,

    /// A transfer that gave a part of a file. What was received is kept: another call resumes it.
    #[error("{url}: {}; broken off after {received} bytes", one_line(.problem))]
    BrokenOff {
        /// The address, without credentials.
        url: String,
        /// Bytes of the file that are there.
        received: u64,
        /// Why.
        problem: String,
    },

    /// A transfer that gave nothing.
    #[error("{url}: {}; nothing came", one_line(.problem))]
    NothingReceived {
        /// The address, without credentials.
        url: String,
        /// Why.
        problem: String,
    },

    /// A server that sends more than the file has.
    #[error(
        "{url}: the server sends more than the {most} bytes that the file has; fetch it from another server"
    )]
    Oversized {
        /// The address, without credentials.
        url: String,
        /// Bytes that the file has.
        most: u64,
    },

    /// A server that sent something else.
    #[error(
        "{url}: what was sent has the {kind} checksum {found}, expected {expected}; it was removed; try again, or fetch the file by hand"
    )]
    Checksum {
        /// The address, without credentials.
        url: String,
        /// Which checksum differs.
        kind: &'static str,
        /// The checksum of what was sent.
        found: String,
        /// The checksum of the file.
        expected: String,
    },

    /// A file that is there and is not the archive.
    #[error("{}: not the archive of this name: it has {found}, expected {expected}; remove it or fetch it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its size or checksum.
        found: String,
        /// Those of the archive.
        expected: String,
    },
}
