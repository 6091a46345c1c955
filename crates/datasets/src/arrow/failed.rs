//! What can be wrong with a table, without its name.

use std::{io, path::Path};

use crate::{Error, TableError};

/// Why a table is not read.
#[derive(Debug)]
pub(super) enum Failed {
    Read(io::Error),
    /// It is no sound file of its kind.
    Damaged(String),
    NoImage {
        row: u64,
    },
    /// It is sound, and not what is read.
    Unsuitable {
        found: String,
        expected: String,
    },
}

impl Failed {
    pub(super) fn damaged(found: &str) -> Self {
        Self::Damaged(found.to_owned())
    }

    pub(super) fn unsuitable(found: &str, expected: &str) -> Self {
        Self::Unsuitable { found: found.to_owned(), expected: expected.to_owned() }
    }

    /// The error about a file.
    pub(super) fn of(self, path: &Path) -> Error {
        let path = path.to_path_buf();
        match self {
            Self::Read(source) => Error::Read { path, source },
            Self::Damaged(found) => {
                Error::Batch { path, found, expected: "an Arrow file of images".to_owned() }
            }
            Self::NoImage { row } => Error::Table(TableError::NoImageBytes { path, row }),
            Self::Unsuitable { found, expected } => Error::Table(TableError::Unfit { path, found, expected }),
        }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
