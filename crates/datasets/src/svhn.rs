//! SVHN (Netzer et al., 2011), cropped digits, in MATLAB's format as its authors publish it.
//!
//! ```text
//! {root}/train_32x32.mat    X: (32, 32, 3, N) u8, y: (N, 1), 10 for the digit 0
//! {root}/test_32x32.mat     likewise
//! ```
//!
//! `root` is the folder of the files, one that has them in `svhn/` or `SVHN/`, or one of the files. The images of `extra_32x32.mat` are not read.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Dataset, Error, ImageSet, ImageShape, Limits, class_names,
    mat::{self, Numbers, Value},
    planes::Layout,
};

const TRAIN: &str = "train_32x32.mat";
const TEST: &str = "test_32x32.mat";

/// The folders below the root that may hold the files.
const FOLDERS: [&str; 3] = ["", "svhn", "SVHN"];

const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The label of the digit 0.
const ZERO: f64 = 10.0;

/// Reads SVHN: 73,257 training and 26,032 test images of 32×32, of the ten digits, or as many as the files hold. Labels are the digits.
///
/// # Errors
/// [`Error::NoFiles`] with the places looked at; [`Error::Read`], [`Error::Content`] or [`Error::Batch`] about one of the files.
pub fn load(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let root = root.as_ref();
    let root = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let folders = FOLDERS.map(|folder| root.join(folder));
    let is_there = |folder: &&PathBuf| folder.join(TEST).is_file() || folder.join(TRAIN).is_file();
    let folder = folders.iter().find(is_there).ok_or_else(|| Error::NoFiles {
        name: "SVHN",
        looked: folders.iter().map(|folder| folder.join(TEST)).collect(),
    })?;
    let classes = class_names::usual(&CLASSES);
    let train = part(&folder.join(TRAIN), &classes, limits.train)?;
    let test = part(&folder.join(TEST), &classes, limits.test)?;
    Ok(Dataset { name: "svhn".to_owned(), train, test, notes: Vec::new() })
}

fn part(path: &Path, classes: &Arc<[String]>, limit: Option<usize>) -> Result<ImageSet, Error> {
    let wrong = |found: String, expected: &str| Error::Batch {
        path: path.to_path_buf(),
        found,
        expected: expected.to_owned(),
    };
    let (mut images, mut labels) = (None, None);
    for (name, value) in mat::read(path, &["X", "y"])? {
        *(if name == "X" { &mut images } else { &mut labels }) = Some(value);
    }
    let images = numbers(images).map_err(|found| wrong(format!("{found} X"), "images X"))?;
    let labels = numbers(labels).map_err(|found| wrong(format!("{found} y"), "labels y"))?;
    let mut sides = images.sides.clone();
    // MATLAB has no fourth side of one.
    sides.resize(sides.len().max(4), 1);
    let (&[height, width, channels @ 3, count], Some(mut pixels)) = (&sides[..], images.into_bytes()) else {
        return Err(wrong(format!("X of {sides:?}, or of other numbers"), "images (H, W, 3, N) of u8"));
    };
    if height == 0 || width == 0 {
        return Err(wrong(format!("X of {sides:?}"), "images of one pixel or more"));
    }
    if labels.sides.iter().product::<usize>() != count {
        return Err(wrong(format!("labels {:?}", labels.sides), &format!("one for each of {count} images")));
    }
    let shape = ImageShape { channels, height, width };
    let count = limit.map_or(count, |limit| limit.min(count));
    pixels.truncate(count * shape.len());
    pixels.shrink_to_fit();
    let label = |(index, found): (usize, f64)| match found {
        ZERO => Ok(0),
        0.0..ZERO if found.fract() == 0.0 => Ok(found as u32),
        _ => Err(wrong(format!("label {found} of image {index}"), "1 to 10")),
    };
    let labels: Result<Vec<u32>, Error> =
        labels.to_f64().into_iter().take(count).enumerate().map(label).collect();
    let pixels = Layout::Columns.arranged(pixels, [height, width]);
    ImageSet::new(pixels, labels?, Arc::clone(classes), shape)
}

fn numbers(value: Option<Value>) -> Result<Numbers, &'static str> {
    match value {
        Some(Value::Numbers(numbers)) => Ok(numbers),
        Some(Value::Unread(kind)) => Err(kind),
        Some(_) => Err("something other than numbers as"),
        None => Err("no variable"),
    }
}
