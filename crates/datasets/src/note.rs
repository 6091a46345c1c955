//! What users should know about how a data set was read.

use std::{fmt, path::PathBuf};

use crate::one_line::{one_line, shown};

/// Something about how a data set was read that does not show in its images. As text it is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A folder was named for a data set that is generated.
    RootNotUsed {
        /// The folder.
        root: PathBuf,
        /// The data set.
        name: String,
    },
    /// Images are resized, because they are not squares of one size and no size was asked for.
    Resized {
        /// Rows and columns that they get.
        side: usize,
        /// The first image that differs.
        path: String,
        /// Its columns and rows.
        size: [usize; 2],
        /// Rows and columns of those before it, if there are any.
        others: Option<usize>,
    },
    /// Images of kinds that are not read, such as GIF.
    UnreadKinds {
        /// How many.
        count: usize,
        /// The first one's path.
        first: String,
    },
    /// Links in an archive, which are not followed.
    LinksInArchive {
        /// How many.
        count: usize,
        /// The first one's path.
        first: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootNotUsed { root, name } => {
                write!(f, "{} is not used: the data set {name} is generated", shown(root))
            }
            Self::Resized { side, path, size: [width, height], others } => {
                let path = one_line(path);
                write!(f, "images are resized to {side}×{side}, for {path} has {width}×{height} pixels")?;
                others.map_or(Ok(()), |others| write!(f, ", others {others}×{others}"))
            }
            Self::UnreadKinds { count, first } => {
                let skipped = match count {
                    1 => "an image of a kind that is not read is skipped: ".to_owned(),
                    _ => format!("{count} images of kinds that are not read are skipped, the first "),
                };
                write!(f, "{skipped}{}; save them as PNG to have them read", one_line(first))
            }
            Self::LinksInArchive { count, first } => {
                let skipped = match count {
                    1 => "a link in the archive is skipped: ".to_owned(),
                    _ => format!("{count} links in the archive are skipped, the first "),
                };
                write!(
                    f,
                    "{skipped}{}; unpack it and name the folder to have links followed",
                    one_line(first)
                )
            }
        }
    }
}
