//! Anybody's images and labels in NumPy's format: an archive (`.npz`), or a folder of arrays (`.npy`) and archives.
//!
//! ```text
//! images, x, data or arr_0       (N, H, W, 3), (N, 3, H, W), (N, H, W), (N, H, W, 1) or (N, 1, H, W)
//! labels, y, targets or arr_1    (N) or (N, 1) of whole numbers from 0
//! ```
//!
//! Names may say a part, before or behind: `x_train` and `y_test` as Keras has them, `val_images` as MedMNIST has them, or
//! `train/images.npy`. Images of a part `val` are the test images where there are such, else those of `test`; images without a part are all
//! test images. A text `classes.txt` beside the arrays has the names of the classes, one a line; without it they are called by their numbers.
//!
//! Values are whole numbers from 0 to 255, or fractions from 0 to 1, of any type and byte order, in C or Fortran order. Grey images have three
//! equal planes.

mod images;
mod names;
mod sources;

use std::{path::Path, sync::Arc};

use self::{
    images::Images,
    names::{Part, Role},
    sources::{Array, Sources},
};
use crate::{Dataset, Error, ImageSet, ImageShape, Limits, Note, Pixels, class_names};

/// More classes than any set of images has: labels beyond are no numbers of classes.
const MOST_CLASSES: i64 = 1 << 16;

const CLASSES: &str = "classes.txt";

/// Images and their labels.
type Labelled = (Images, Vec<u32>);

/// Reads a data set, or as much of it as the limits say.
///
/// ```
/// use datasets::{ImageShape, Limits, Note, arrays, frequency::{Writer, write_numbers}};
/// let root = tempfile::tempdir()?;
/// let mut writer = Writer::create(&root.path().join("x_test.npy"), ImageShape { channels: 3, height: 1, width: 2 }, 1)?;
/// writer.put(&[1, 2, 3, 4, 5, 6])?;
/// writer.finish()?;
/// write_numbers(&root.path().join("y_test.npy"), &[2])?;
/// let data = arrays::load(root.path(), Limits::default())?;
/// assert_eq!((data.train.len(), data.test.labels()), (0, &[2][..]));
/// assert_eq!((&*data.test.bytes(0)?, data.test.classes().len()), (&[1, 2, 3, 4, 5, 6][..], 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Read`], [`Error::Content`] or [`Error::ClassNames`] about the folder, the archive or one of the arrays.
pub fn load(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let sources = Sources::find(root.as_ref())?;
    let mut notes = Vec::new();
    let [train, test] = chosen(&sources, &mut notes)?;
    let read = |pair: Option<[&Array; 2]>, limit| pair.map(|pair| read(&sources, pair, limit)).transpose();
    let (train, test) = (read(train, limits.train)?, read(test, limits.test)?);
    // Which classes there are does not depend on how many images are read.
    let expected = [&train, &test].into_iter().flatten().map(|(_, classes)| *classes).max().unwrap_or(0);
    let [train, test] = [train, test].map(|part| part.map(|(part, _)| part));
    let mut parts: Vec<&mut Labelled> = Vec::new();
    let (mut train, mut test) = (train, test);
    parts.extend(train.as_mut());
    parts.extend(test.as_mut());
    same_kind(&mut parts, &mut notes)?;
    let shape = parts.first().map_or(ImageShape { channels: 3, height: 1, width: 1 }, |part| part.0.shape());
    notes.extend(parts.iter().filter_map(|part| part.0.guess()));
    let classes = classes(&sources.folder().join(CLASSES), expected)?;
    let set = |part: Option<Labelled>| {
        let (pixels, labels) = part
            .map_or((Pixels::Bytes(Vec::new()), Vec::new()), |(images, labels)| (images.pixels(), labels));
        ImageSet::new(pixels, labels, Arc::clone(&classes), shape)
    };
    Ok(Dataset { name: "arrays".to_owned(), train: set(train)?, test: set(test)?, notes })
}

/// Images and labels to learn from and to measure on, of the parts that there are.
fn chosen<'a>(sources: &'a Sources, notes: &mut Vec<Note>) -> Result<[Option<[&'a Array; 2]>; 2], Error> {
    let pair = |part: Option<Part>| match [Role::Images, Role::Labels].map(|role| sources.get(part, role)) {
        [Some(images), Some(labels)] => Ok(Some([images, labels])),
        [None, None] => Ok(None),
        [Some(one), None] => Err(sources.lacks("labels", one)),
        [None, Some(one)] => Err(sources.lacks("images", one)),
    };
    let (whole, train) = (pair(None)?, pair(Some(Part::Train))?);
    let (val, test) = (pair(Some(Part::Val))?, pair(Some(Part::Test))?);
    let parts = [train, val, test];
    match (whole, parts.iter().flatten().next()) {
        (None, None) => Err(sources.nothing()),
        (Some([images, _]), None) => {
            notes.push(Note::NoParts { images: images.name.clone() });
            Ok([None, whole])
        }
        (Some([images, _]), Some([other, _])) => Err(sources.mixed(images, other)),
        (None, Some(_)) => {
            if let (Some([taken, _]), Some([left, _])) = (val, test) {
                notes.push(Note::OneOfTwo { taken: taken.name.clone(), left: left.name.clone() });
            }
            Ok([train, val.or(test)])
        }
    }
}

/// Images and labels, as many as the limit says, and how many classes all labels have.
fn read(
    sources: &Sources,
    [images, labels]: [&Array; 2],
    limit: Option<usize>,
) -> Result<(Labelled, usize), Error> {
    let (count, images) = sources.open(images, |stream| Images::read(images.name.clone(), stream, limit))?;
    let wanted = limit.map_or(count, |limit| limit.min(count));
    let mut labels: Vec<u32> = sources.open(labels, |stream| {
        let many = "is it one-hot, or has an image several labels? Save the number of one class for each, labels.argmax(1)";
        match *stream.shape() {
            [found] | [found, 1] if found == count => {}
            [found, classes] if found == count && classes > 1 => {
                return Err(stream.refused(&format!("labels ({count}), the number of a class for each image"), many));
            }
            _ => {
                let expected = format!("labels ({count}), one for each image");
                return Err(stream.refused(&expected, "save the labels of all images"));
            }
        }
        let path = stream.path().to_path_buf();
        let label = |(image, number): (usize, i64)| match number {
            0..MOST_CLASSES => Ok(number as u32),
            _ => Err(Error::Content {
                path: path.clone(),
                found: format!("label {number} of image {image}"),
                expected: "the numbers of classes, from 0".to_owned(),
                remedy: "number the classes from 0 on",
            }),
        };
        stream.whole(0..count)?.into_iter().enumerate().map(label).collect()
    })?;
    let classes = labels.iter().max().map_or(0, |&label| label as usize + 1);
    labels.truncate(wanted);
    Ok(((images, labels), classes))
}

/// Makes fractions and whole numbers of one kind, and images of one size.
fn same_kind(parts: &mut [&mut Labelled], notes: &mut Vec<Note>) -> Result<(), Error> {
    if let [(first, _), (second, _)] = parts {
        first.same_shape(second)?;
    }
    // Dark images have no number above 1, and are whole numbers as the others are.
    if parts.iter().any(|(images, _)| images.is_beyond_one()) {
        for (images, _) in parts {
            notes.extend(images.make_bytes()?);
        }
    }
    Ok(())
}

fn classes(path: &Path, expected: usize) -> Result<Arc<[String]>, Error> {
    match class_names::content(path)? {
        Some(content) => class_names::parse_at_least(path, &content, expected),
        None => Ok((0..expected).map(|class| class.to_string()).collect()),
    }
}
