//! What can go wrong with a data set, by cause.

use std::path::{Path, PathBuf};

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No folder, archive or file that holds the data set.
    #[error(
        "no {name}: there is none of {}; name the folder that holds it, or its archive ({}), with --data",
        list(.looked), .archives.join(" or ")
    )]
    NotFound {
        /// The data set.
        name: &'static str,
        /// The archives that its authors publish.
        archives: [&'static str; 2],
        /// Every file that was looked for, in order.
        looked: Vec<PathBuf>,
    },

    /// The data set in the place of another edition of it.
    #[error("{} holds {found}, not {expected}; take --dataset {dataset}, or name another folder with --data", shown(.path))]
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

    /// A batch of images whose parts do not fit.
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

    /// A tar archive that is damaged, or none.
    #[error(
        "{}: found {} at byte {offset} of the unpacked archive, expected a sound tar archive; fetch or make it again, or unpack it \
         elsewhere and name the folder with --data",
        shown(.path), one_line(.found)
    )]
    Archive {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What it holds.
        found: String,
    },

    /// A file that is no tar archive where a data set was expected.
    #[error(
        "{} is {found}, expected a folder or a tar archive (plain, or compressed by gzip, xz or zstd); if it holds the data set, unpack it \
         and name the folder with --data", shown(.path)
    )]
    NoArchive {
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

    /// No folder of images.
    #[error(
        "no images in {}: expected train/<class>/ or val/<class>/ (or test/) with .jpg, .png, .bmp, .ppm, .pgm or .webp files, or a tar archive of \
         them; {}", shown(.root), offer(.instead.as_deref())
    )]
    NoFolder {
        /// The folder or archive.
        root: PathBuf,
        /// A folder beside or below it that is one.
        instead: Option<PathBuf>,
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
        "{} is a link to {}, outside the data set's folder; put the files there, or name the folder that they are in with --data",
        shown(.path), shown(.target)
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

    /// A folder that is not all of ImageNet.
    #[error(
        "{} has {found} folders of ImageNet's classes among {folders}, expected all 1000 (n01440764 to n15075141) and no others: labels are their places; \
         take --dataset folder for a part", shown(.root)
    )]
    NotImageNet {
        /// The folder or archive.
        root: PathBuf,
        /// Folders with such a name.
        found: usize,
        /// All folders of classes.
        folders: usize,
    },

    /// A file that is no image, or a damaged one.
    #[error("{} cannot be decoded: {}; remove it, or leave such files out with --on-corrupt skip", shown(.path), one_line(.problem))]
    Corrupt {
        /// The file, or its path below an archive.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },

    /// A batch without a single sound image.
    #[error("all images of a batch are damaged: look at the files; --on-corrupt error names the first")]
    AllCorrupt,

    /// A file that this build cannot read.
    #[error("{}: this build cannot read it; build with --features {feature}", shown(.path))]
    NeedsFeature {
        /// The file.
        path: PathBuf,
        /// The feature that it takes.
        feature: &'static str,
    },

    /// A file could not be opened or read.
    #[error("cannot read {}: {source}{}", shown(.path), missing_advice(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file could not be written.
    #[error("cannot write {}: {source}", shown(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// No folder with computed images.
    #[error(
        "no generated data set in {}: there is no {}, as generate_toy_dataset writes it; {}",
        shown(.root), shown(&.root.join("train/images.npy")), offer(.instead.as_deref())
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

    /// A value that is no pixel.
    #[error("{}: image {image} has the value {value}, expected numbers in [0, 1]; write the data set again", shown(.path))]
    PixelValue {
        /// The file.
        path: PathBuf,
        /// Which image, from 0.
        image: usize,
        /// The value.
        value: f32,
    },

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
    #[error("{} has more than {most} records: expected a CIFAR batch; read a part of it with --limit-train or --limit-test", shown(.path))]
    TooLarge {
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
    LabelByte {
        /// The file.
        path: PathBuf,
        /// Where the label stands.
        offset: u64,
        /// The label.
        found: u8,
        /// How many classes there are.
        classes: usize,
    },

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
         for itself; use more images of other classes (--limit-train)",
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

/// A path in a message, which is one line whatever the path holds.
fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

/// A text of a file in a message: what would end a line or steer a terminal is written out.
pub(crate) fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(visible).collect()
}

/// What to give with `--data` in place of what is no data set.
fn offer(found: Option<&Path>) -> String {
    match found {
        Some(folder) => format!("there is one in {}: name that with --data", shown(folder)),
        None => "name its folder with --data".to_owned(),
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| shown(folder)).collect::<Vec<_>>().join(" or ")
}

fn missing_advice(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::NotFound => {
            "; the folder lacks a file of the data set: unpack or write the set again"
        }
        _ => "",
    }
}
