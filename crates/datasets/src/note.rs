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
    /// Images are resized, because most are not squares of one size and no size was asked for.
    Resized {
        /// Rows and columns that they get.
        side: usize,
        /// One of them.
        path: String,
        /// Its columns and rows.
        size: [usize; 2],
    },
    /// Images that have another size than most, and are resized.
    OddSizes {
        /// Rows and columns of most.
        side: usize,
        /// How many others there are.
        count: usize,
        /// The first one's path.
        path: String,
        /// Its columns and rows.
        size: [usize; 2],
    },
    /// Images are enlarged: their finest bands hold what interpolation leaves there.
    Enlarged {
        /// Rows and columns that they have.
        from: usize,
        /// Rows and columns that they get.
        side: usize,
        /// The highest band that is their own, in cycles per image.
        finest: usize,
    },
    /// There are no parts: all images are test images.
    AllForTest {
        /// How many.
        count: usize,
    },
    /// Some images of each class were split off as test images.
    SplitOff {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// The seed of which.
        seed: u64,
    },
    /// Nothing was split off, because there are test images.
    NotSplit,
    /// The labels of tables are taken for the places of ImageNet's classes, which have other names there.
    AssumedImageNet {
        /// What the first class is called.
        first: String,
    },
    /// Class names are numbers, and sorted as text.
    NumbersAsText {
        /// Two of them in the order that they have.
        before: String,
        /// The other one, which is the smaller number.
        after: String,
    },
    /// Folders and files that other programs leave among images, such as `.ipynb_checkpoints` and `__MACOSX`.
    PassedOver {
        /// How many.
        count: usize,
        /// The first one's path.
        first: String,
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
            Self::Resized { side, path, size: [width, height] } => {
                let path = one_line(path);
                write!(
                    f,
                    "images are resized to {side}×{side}: they differ in size, {path} has {width}×{height} pixels"
                )
            }
            Self::OddSizes { side, count, path, size: [width, height] } => {
                let (path, are) = (one_line(path), if *count == 1 { "image is" } else { "images are" });
                let first = if *count == 1 { "" } else { "the first " };
                write!(
                    f,
                    "{count} {are} resized to the {side}×{side} pixels of the others: {first}{path} has {width}×{height}"
                )
            }
            Self::Enlarged { from, side, finest } => write!(
                f,
                "images of {from}×{from} pixels are enlarged to {side}×{side}: above ρ = {finest} is what interpolation leaves there"
            ),
            Self::AllForTest { count } => {
                write!(f, "there are no parts train and val: all {count} images are test images")
            }
            Self::SplitOff { count, of, seed } => {
                write!(
                    f,
                    "{count} of {of} images are split off as test images, some of each class (seed {seed})"
                )
            }
            Self::NotSplit => f.write_str("there are test images, and none are split off from the others"),
            Self::AssumedImageNet { first } => write!(
                f,
                "labels are taken for ImageNet's in the order of ILSVRC2012: class 0, the tench (n01440764), is called `{}`",
                one_line(first)
            ),
            Self::NumbersAsText { before, after } => write!(
                f,
                "class names are numbers and sorted as text, as torchvision does it: `{}` comes before `{}`",
                one_line(before),
                one_line(after)
            ),
            Self::PassedOver { count, first } => {
                let first = one_line(first);
                match count {
                    1 => write!(f, "{first} is passed over: it is no image of the data set"),
                    _ => write!(
                        f,
                        "{first} and {} more are passed over: they are no images of the data set",
                        count - 1
                    ),
                }
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
