//! MNIST (LeCun, Cortes and Burges, 1998) and Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017) in the format that they are published in.
//!
//! ```text
//! {root}/train-images-idx3-ubyte     images to learn from, grey, 28×28
//! {root}/train-labels-idx1-ubyte     their labels
//! {root}/t10k-images-idx3-ubyte      images to measure on
//! {root}/t10k-labels-idx1-ubyte      their labels
//! ```
//!
//! Each is plain or compressed (`.gz`), and may be called `train-images.idx3-ubyte`. `root` is the folder of the files, or one that has them
//! in `raw/` or `MNIST/raw/` (`FashionMNIST/raw/`), as torchvision lays them out. Other sets that are published under these names, such as
//! KMNIST, are read as MNIST is. Grey images have three equal planes, as torchvision's `Grayscale(3)` gives them.

mod idx;
mod place;

use std::{path::Path, sync::Arc};

use self::{
    idx::Idx,
    place::{Edition, Files},
};
use crate::{Dataset, Error, ImageSet, ImageShape, Limits, class_names, planes::Layout};

/// The classes of MNIST.
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The classes of Fashion-MNIST.
const CLOTHES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

static MNIST: Edition = Edition {
    title: "MNIST",
    name: "mnist",
    folders: &["", "raw", "MNIST/raw", "MNIST", "KMNIST/raw"],
    own: &["MNIST/raw", "MNIST"],
    other: &FASHION,
};

static FASHION: Edition = Edition {
    title: "Fashion-MNIST",
    name: "fashion-mnist",
    folders: &["", "raw", "FashionMNIST/raw", "FashionMNIST"],
    own: &["FashionMNIST/raw", "FashionMNIST"],
    other: &MNIST,
};

/// Reads MNIST: 60,000 training and 10,000 test images of 28×28 in ten classes, or as many as the files hold.
///
/// ```
/// use datasets::{Limits, mnist};
/// let root = tempfile::tempdir()?;
/// for part in ["train", "t10k"] {
///     // Two images of 1×2, in numbers that start with their largest byte.
///     let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[10, 20, 30, 40]].concat();
///     std::fs::write(root.path().join(format!("{part}-images-idx3-ubyte")), images)?;
///     std::fs::write(root.path().join(format!("{part}-labels-idx1-ubyte")), [0, 0, 8, 1, 0, 0, 0, 2, 7, 1])?;
/// }
/// let data = mnist::load(root.path(), Limits { train: Some(1), test: None })?;
/// assert_eq!((data.train.labels(), data.test.labels()), (&[7][..], &[7, 1][..]));
/// assert_eq!(*data.test.bytes(1)?, [30, 40, 30, 40, 30, 40]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoFiles`] with the places looked at, [`Error::OtherEdition`] if there is Fashion-MNIST; [`Error::Read`] or [`Error::Batch`] about
/// one of the files.
pub fn load(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    read(&MNIST, &DIGITS, root.as_ref(), limits)
}

/// Reads Fashion-MNIST: as [`load`], with ten kinds of clothes.
///
/// # Errors
/// As [`load`].
pub fn load_fashion(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    read(&FASHION, &CLOTHES, root.as_ref(), limits)
}

fn read(edition: &Edition, classes: &[&str], root: &Path, limits: Limits) -> Result<Dataset, Error> {
    let files = edition.find(root)?;
    let classes: Arc<[String]> = class_names::usual(classes);
    let train = read_part(&files, "train", &classes, limits.train)?;
    let test = read_part(&files, "t10k", &classes, limits.test)?;
    Ok(Dataset { name: edition.name.to_owned(), train, test, notes: Vec::new() })
}

fn read_part(
    files: &Files,
    part: &str,
    classes: &Arc<[String]>,
    limit: Option<usize>,
) -> Result<ImageSet, Error> {
    let mut images = Idx::open(&files.path(part, "images", 3))?;
    let &[count, height, width] = images.sides() else { return Err(images.refused("images (N, H, W)")) };
    if count == 0 || height == 0 || width == 0 {
        return Err(images.refused("images of one pixel or more"));
    }
    let mut labels = Idx::open(&files.path(part, "labels", 1))?;
    if *labels.sides() != [count] {
        return Err(labels.refused(&format!("a label for each of {count} images")));
    }
    let wanted = limit.map_or(count, |limit| limit.min(count));
    let pixels = Layout::Grey.arranged(images.rows(wanted)?, [height, width]);
    let found = labels.rows(wanted)?;
    if let Some(index) = found.iter().position(|&label| usize::from(label) >= classes.len()) {
        return Err(labels.stray(index, found[index], classes.len()));
    }
    let shape = ImageShape { channels: 3, height, width };
    ImageSet::new(pixels, found.into_iter().map(u32::from).collect(), Arc::clone(classes), shape)
}
