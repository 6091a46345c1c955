//! What can go wrong with a data set, by cause.

mod archive;
mod class_map;
mod download;
mod hub;
mod records;
mod table;
mod words;

use std::path::PathBuf;

use self::words::{asked, missing_advice, named, there};
pub use self::{
    archive::ArchiveError, class_map::ClassMapError, download::DownloadError, hub::HubError,
    records::RecordsError, table::TableError,
};
use crate::one_line::{list, one_line, shown};

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is the name of no data set.
    #[error("no data set is called `{}`; there are {}, and hf:OWNER/NAME of the Hugging Face Hub", one_line(.found), .known.join(", "))]
    UnknownName {
        /// The text.
        found: String,
        /// The names.
        known: Vec<String>,
    },

    /// Images that would be resized to less than what is cut out of them.
    #[error("images cannot be resized to {to} pixels and {side} cut out of them; expected {side} or more")]
    ResizeBelowSide {
        /// What they would be resized to.
        to: crate::Resize,
        /// Rows and columns of the part that is cut out.
        side: usize,
    },

    /// A data set that has to be on disk, and no place of it.
    #[error("the data set {name} is read from disk, and no folder or archive of it was named")]
    NeedsRoot {
        /// The data set.
        name: String,
        /// Whether it can be fetched instead.
        can_be_fetched: bool,
    },

    /// A folder or archive that is not there.
    #[error("{}: no such file or folder", shown(.path))]
    NoSuchRoot {
        /// The folder or archive.
        path: PathBuf,
    },

    /// A data set to measure on that has no test images.
    #[error("{}: there are no test images, and nothing to measure on; expected {expected}", one_line(.place))]
    NoTestImages {
        /// The folder or archive, or the data set's name.
        place: String,
        /// Where they would be.
        expected: &'static str,
        /// Whether it is a folder of images, of which some may be split off.
        is_folder: bool,
    },

    /// A data set to train on that has no training images.
    #[error("{}: there are no training images, and nothing to learn from", one_line(.place))]
    NoTrainingImages {
        /// The folder or archive, or the data set's name.
        place: String,
    },

    /// A data set that is published nowhere.
    #[error("{name} cannot be fetched, only cifar10 and cifar100, and data sets of the Hugging Face Hub")]
    CannotBeFetched {
        /// The data set.
        name: String,
    },

    /// Why an archive was not fetched.
    #[error(transparent)]
    Download(#[from] DownloadError),

    /// Why a data set of the Hub cannot be read.
    #[error(transparent)]
    Hub(#[from] HubError),

    /// Tensors that are not those of a set of images.
    #[error("{name}: found {}, expected {expected}", one_line(.found))]
    Tensor {
        /// Which.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },

    /// A folder that cannot be made, or that another program writes to.
    #[error("{0}")]
    Folder(files::Error),

    /// The caller's interrupt flag was set.
    #[error("{0}")]
    Interrupted(#[from] progress::Interrupted),

    /// No folder, archive or file that holds the data set.
    #[error("no {name}: there is none of {}", list(.looked))]
    NotFound {
        /// The data set.
        name: &'static str,
        /// The archives that its authors publish.
        archives: [&'static str; 2],
        /// Every file that was looked for, in order.
        looked: Vec<PathBuf>,
    },

    /// No folder that holds the files of a data set.
    #[error("no {name}: there is none of {}", list(.looked))]
    NoFiles {
        /// The data set.
        name: &'static str,
        /// Every file that was looked for, in order.
        looked: Vec<PathBuf>,
    },

    /// A data set that nobody has published corruptions of.
    #[error(
        "{name}: there are no published corruptions of its images; expected cifar10, cifar100 or imagenet"
    )]
    NoCorruptions {
        /// The data set.
        name: String,
    },

    /// A data set of images with many corruptions, and none of these named, or one that it does not have.
    #[error("{}: {}; {}", shown(.path), asked(.found), there(.known))]
    Corruption {
        /// The folder or archive.
        path: PathBuf,
        /// What was asked for.
        found: Option<String>,
        /// The corruptions that are there.
        known: Vec<String>,
    },

    /// A text that names no corruption.
    #[error("`{}` is no corruption: expected NAME or NAME:SEVERITY, the severity from 1 to 5", one_line(.found))]
    CorruptionText {
        /// The text.
        found: String,
    },

    /// A file that is read, and does not hold what it should; what to do is known.
    #[error("{}: found {}, expected {}; {remedy}", shown(.path), one_line(.found), one_line(.expected))]
    Content {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },

    /// The data set in the place of another edition of it.
    #[error("{} holds {found}, not {expected}", shown(.path))]
    OtherEdition {
        /// The folder or archive.
        path: PathBuf,
        /// The edition that it holds.
        found: &'static str,
        /// The edition that was asked for.
        expected: &'static str,
        /// The name of what it holds as a data set.
        dataset: &'static str,
    },

    /// A pickle that is none of CIFAR's.
    #[error(
        "{}: found {} at byte {offset}, expected {expected}; it is damaged, or a file of something else: fetch or copy it again",
        shown(.path), one_line(.found)
    )]
    Pickle {
        /// The file.
        path: PathBuf,
        /// Where it stands.
        offset: usize,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },

    /// A file of a published data set whose parts do not fit.
    #[error(
        "{}: found {}, expected {expected}; it is damaged, or a file of something else: fetch or copy it again",
        shown(.path), one_line(.found)
    )]
    Batch {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },

    /// Why the images of a table cannot be taken.
    #[error(transparent)]
    Table(#[from] TableError),

    /// Why an archive, or a file in it, cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),

    /// Images in no folder of a class, and no list of their labels.
    #[error("{} lies in no folder of a class, and there is no list of labels", shown(.path))]
    NoLabels {
        /// The first of the images.
        path: PathBuf,
    },

    /// A list of labels that does not fit the images.
    #[error("{}: found {}, expected {}", shown(.path), one_line(.found), one_line(.expected))]
    LabelList {
        /// The list.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },

    /// Folders that would be classes, and are called like parts.
    #[error(
        "{}: found the folders `{}` and `{}` in the place of classes, expected folders `train` and `val` (rename them), or folders of classes",
        root.display(), one_line(&parts[0]), one_line(&parts[1])
    )]
    PartsAsClasses {
        /// The folder or archive.
        root: PathBuf,
        /// The first two of them.
        parts: [String; 2],
    },
    /// No folder of images.
    #[error(
        "no images in {}: expected train/<class>/ or val/<class>/ (or test/), or <class>/ alone, with .jpg, .png, .bmp, .ppm, .pgm, .webp, .tif or \
         .gif files, or an archive of them{}", shown(.root), named("; not read is", .unread)
    )]
    NoFolder {
        /// The folder or archive.
        root: PathBuf,
        /// A folder beside or below it that is one, or an archive in it.
        instead: Option<PathBuf>,
        /// The first image of a kind that is not read.
        unread: Option<String>,
    },

    /// A class of test images that has no training images.
    #[error("{}: the test images have the class `{}`, which train/ does not have; remove it, or add the class", shown(.root), one_line(.class))]
    UnknownClass {
        /// The folder or archive.
        root: PathBuf,
        /// The class.
        class: String,
    },

    /// A link that leads out of the data set.
    #[error(
        "{} is a link to {}, outside the data set's folder; put the files there", shown(.path), shown(.target)
    )]
    LinkOut {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },

    /// A link in the place of a class that leads nowhere.
    #[error(
        "{} is a link that leads nowhere, where a folder of images of a class was expected; put the folder in its place, or remove the link",
        shown(.path)
    )]
    BrokenClass {
        /// The link.
        path: PathBuf,
    },

    /// A folder that is none of ImageNet, or not all of it where all is needed.
    #[error(
        "{} has folders of {found} of ImageNet's classes, expected {expected} (n01440764 to n15075141) and no others{}{}",
        shown(.root), named(", the first that is missing", .missing), named(", one that is none", .stranger)
    )]
    NotImageNet {
        /// The folder or archive.
        root: PathBuf,
        /// Folders of its classes.
        found: usize,
        /// How many are expected.
        expected: &'static str,
        /// The first class that is missing.
        missing: Option<String>,
        /// The first folder that is none of a class.
        stranger: Option<String>,
    },

    /// Why a class map cannot be used.
    #[error(transparent)]
    ClassMap(#[from] ClassMapError),

    /// Outputs of a head that are not one for each class.
    #[error("{found} outputs for {expected} classes: expected one for each class")]
    OutputCount {
        /// Outputs given.
        found: usize,
        /// Classes of the set.
        expected: usize,
    },

    /// A damaged image, or a file that is not an image.
    #[error("{} cannot be decoded: {}; remove it", shown(.path), one_line(.problem))]
    Corrupt {
        /// The file, or its path below an archive.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },

    /// A batch without a single sound image.
    #[error("all images of a batch are damaged: look at the files")]
    AllCorrupt,

    /// What this build cannot do.
    #[error("{}: this build cannot {action} it, for it lacks the feature `{feature}`", one_line(.what))]
    NeedsFeature {
        /// A file, or the name of a data set.
        what: String,
        /// What cannot be done with it: `read` or `fetch`.
        action: &'static str,
        /// The feature of this crate that it takes.
        feature: &'static str,
    },

    /// A file could not be opened or read.
    #[error("cannot read {}: {source}{}", shown(.path), missing_advice(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },

    /// A file could not be written.
    #[error("cannot write {}: {source}", shown(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },

    /// No folder with computed images.
    #[error(
        "no generated data set in {}: there is no {}", shown(.root), shown(&.root.join("train/images.npy"))
    )]
    NoGenerated {
        /// The folder.
        root: PathBuf,
        /// A folder beside or below it that is one.
        instead: Option<PathBuf>,
    },

    /// An array file that does not hold what it should.
    #[error("{}: found {}, expected {expected}; write the data set again", shown(.path), one_line(.found))]
    Array {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },

    /// A value that is not a pixel: NaN, or outside of [0, 1].
    #[error("{}: image {image} has the value {value}, expected numbers in [0, 1]; write the data set again", shown(.path))]
    PixelValue {
        /// The file.
        path: PathBuf,
        /// Which image, from 0.
        image: usize,
        /// The value.
        value: f32,
    },

    /// Why the records of a file cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),

    /// A list of class names that does not fit the data set.
    #[error(
        "{} lists {found} class names, expected {expected}, one a line; remove it to use the usual names",
        shown(.path)
    )]
    ClassNames {
        /// The file.
        path: PathBuf,
        /// Names found, as text: a number, or why there is none.
        found: String,
        /// Names expected.
        expected: usize,
    },

    /// Pixels, labels and shape of a set disagree.
    #[error("{found} pixels do not fit {labels} labels with images of {shape}, which take {expected}")]
    PixelCount {
        /// Pixels given.
        found: usize,
        /// Labels given.
        labels: usize,
        /// Shape of an image, as text.
        shape: String,
        /// Pixels that fit.
        expected: usize,
    },

    /// Images that cannot each have a donor of another class.
    #[error(
        "class {class} has {found} of {images} images, expected at most half of them ({}): each image needs one of another class \
         for itself; use more images of other classes",
        .images / 2
    )]
    NoDonors {
        /// The class.
        class: u32,
        /// Its images.
        found: usize,
        /// All images.
        images: usize,
    },

    /// A label of a set names no class.
    #[error("image {index} has label {found}, expected a number below {classes}, the number of class names")]
    Label {
        /// Position in the set.
        index: usize,
        /// The label.
        found: u32,
        /// How many classes there are.
        classes: usize,
    },
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        match error {
            files::Error::File { action: files::Action::Write, path, source } => Self::Write { path, source },
            error => Self::Folder(error),
        }
    }
}
