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
        /// The shorter side that they get first.
        to: usize,
        /// Rows and columns of the part that is taken.
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
    /// An archive has no mark at its end.
    NoEnd {
        /// The archive.
        first: String,
    },
    /// A size or a filter was asked for, and no image is resized.
    NotResized {
        /// Rows and columns of the images.
        side: usize,
    },
    /// The numbers of archives have a gap.
    MissingShards {
        /// The first that is not there.
        first: String,
    },
    /// Class names are numbers, which are taken for the places of ImageNet's classes.
    NumbersAsPlaces {
        /// The first of them.
        class: String,
        /// The WordNet number of the class in that place.
        stands_for: String,
    },
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
    /// Images beside the folders of classes, which say no class of them.
    LooseImages {
        /// How many.
        count: usize,
        /// The first one's path.
        first: String,
    },
    /// Numbers in a list of labels are places of classes, and no names.
    PlacesInList {
        /// The first of them.
        written: String,
        /// The class in that place.
        class: String,
    },
    /// Labels in the order of the images' names, which is that of text and not of the numbers in them.
    ImagesAsText {
        /// Two images in the order that they have.
        before: String,
        /// The other one, which has the smaller number.
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
    /// Two of what one is read of.
    OneOfTwo {
        /// What is read.
        taken: String,
        /// What is not.
        left: String,
    },
    /// Images without a part, taken as test images.
    NoParts {
        /// The array.
        images: String,
    },
    /// The planes of images may stand first or last, by the shape of their array.
    LayoutGuessed {
        /// The array.
        images: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The layout that is taken.
        layout: &'static str,
    },
    /// Whole numbers from 0 to 255 that are stored as fractions are.
    NumbersAsBytes {
        /// The array.
        images: String,
    },
    /// Links in an archive, which are not followed.
    LinksInArchive {
        /// How many.
        count: usize,
        /// The first one's path.
        first: String,
    },
    /// Folders of some of ImageNet's classes.
    PartOfImageNet {
        /// Of how many.
        found: usize,
    },
    /// Classes that share an output of a network's head, and are one class.
    MergedClasses {
        /// How many there were.
        classes: usize,
        /// How many there are now.
        outputs: usize,
        /// A class.
        first: String,
        /// One that has the same output.
        second: String,
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
            Self::Enlarged { from, to, side, finest } => write!(
                f,
                "images of {from}×{from} pixels are enlarged to {to}×{to}, of which {side}×{side} are taken: above ρ = {finest} is what interpolation leaves there"
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
            Self::NoEnd { first } => write!(
                f,
                "{} ends without a mark, as an archive does that was cut short between two files",
                one_line(first)
            ),
            Self::NotResized { side } => {
                write!(f, "no image is resized: they are taken as they are, {side}×{side} pixels")
            }
            Self::MissingShards { first } => {
                write!(f, "there is no {}, between archives that are there", one_line(first))
            }
            Self::NumbersAsPlaces { class, stands_for } => write!(
                f,
                "class names are numbers, taken for the places of ImageNet's classes: `{}` is {stands_for}",
                one_line(class)
            ),
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
            Self::LooseImages { count, first } => write!(
                f,
                "{} is in no class and left out{}",
                one_line(first),
                match count {
                    1 => String::new(),
                    _ => format!(", as are {} more images beside the folders of classes", count - 1),
                }
            ),
            Self::PlacesInList { written, class } => write!(
                f,
                "numbers in the list of labels are places of classes, from 0: `{}` is {}",
                one_line(written),
                one_line(class)
            ),
            Self::ImagesAsText { before, after } => write!(
                f,
                "labels are in the order of the images' names as text: {} comes before {}",
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
            Self::OneOfTwo { taken, left } => {
                write!(f, "{} is read, {} is not: both are there", one_line(taken), one_line(left))
            }
            Self::NoParts { images } => {
                write!(f, "{} is all test images: no name says which are to train on", one_line(images))
            }
            Self::LayoutGuessed { images, shape, layout } => {
                write!(f, "{} {shape:?} is taken for {layout}: its shape does not tell", one_line(images))
            }
            Self::NumbersAsBytes { images } => write!(
                f,
                "{} holds whole numbers up to 255 as fractions: they are divided by 255",
                one_line(images)
            ),
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
            Self::PartOfImageNet { found } => {
                write!(
                    f,
                    "{found} of ImageNet's 1000 classes are there, and are known by their WordNet numbers"
                )
            }
            Self::MergedClasses { classes, outputs, first, second } => write!(
                f,
                "{classes} classes have {outputs} outputs, and those that share one are one class: `{}` and `{}`, for example",
                one_line(first),
                one_line(second)
            ),
        }
    }
}
