//! STL-10 (Coates, Lee and Ng, 2011) in the binary version that its authors publish.
//!
//! ```text
//! {root}/train_X.bin        a record an image of 96×96: red, green and blue plane, the columns of each one after the other
//! {root}/train_y.bin        a byte an image, from 1 to 10
//! {root}/test_X.bin         likewise
//! {root}/test_y.bin
//! {root}/class_names.txt    a name a line; without it the usual ones
//! ```
//!
//! `root` is the folder of the files, one that has them in `stl10_binary/`, or the archive `stl10_binary.tar.gz`. The images without labels are
//! not read.

mod files;

use std::{path::Path, sync::Arc};

use self::files::{Files, Wanted};
use crate::{Dataset, Error, ImageSet, ImageShape, Limits, class_names, planes::Layout};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 96, width: 96 };

/// The classes in the order of their labels.
const CLASSES: [&str; 10] =
    ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"];

const NAMES: &str = "class_names.txt";

/// Reads STL-10: 5,000 training and 8,000 test images of 96×96 in ten classes, or as many as the files hold.
///
/// ```
/// use datasets::{Limits, stl10};
/// let root = tempfile::tempdir()?;
/// for part in ["train", "test"] {
///     // A red plane whose first column is 1, and whose second is 2.
///     let mut image = [vec![1; 96], vec![2; 96], vec![0; 3 * 96 * 96 - 192]].concat();
///     std::fs::write(root.path().join(format!("{part}_X.bin")), image)?;
///     std::fs::write(root.path().join(format!("{part}_y.bin")), [10])?;
/// }
/// let data = stl10::load(root.path(), Limits::default())?;
/// assert_eq!((data.test.labels(), &data.test.bytes(0)?[..3]), (&[9][..], &[1, 2, 0][..]));
/// assert_eq!(data.test.classes()[9], "truck");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoFiles`] with the places looked at; [`Error::Read`], [`Error::Records`], [`Error::Batch`], [`Error::ClassNames`],
/// [`Error::Archive`] about one of the files.
pub fn load(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let record = SHAPE.len() as u64;
    let [train, test] = [limits.train, limits.test].map(|limit| limit.map(|limit| limit as u64));
    let wanted = [
        Wanted { name: "train_X.bin", record, limit: train },
        Wanted { name: "train_y.bin", record: 1, limit: train },
        Wanted { name: "test_X.bin", record, limit: test },
        Wanted { name: "test_y.bin", record: 1, limit: test },
    ];
    let mut files = Files::read(root.as_ref(), &wanted, NAMES)?;
    let classes = match files.names.take() {
        Some((path, content)) => class_names::parse(&path, &content, CLASSES.len())?,
        None => class_names::usual(&CLASSES),
    };
    let [train_images, train_labels, test_images, test_labels] = wanted.map(|file| files.take(file.name));
    let train = part(train_images?, train_labels?, &classes)?;
    let test = part(test_images?, test_labels?, &classes)?;
    Ok(Dataset { name: "stl10".to_owned(), train, test, notes: Vec::new() })
}

fn part(images: files::Found, labels: files::Found, classes: &Arc<[String]>) -> Result<ImageSet, Error> {
    if images.records != labels.records {
        let (found, expected) =
            (format!("{} labels", labels.records), format!("one for each of {} images", images.records));
        return Err(Error::Batch { path: labels.path, found, expected });
    }
    let label = |(index, &found): (usize, &u8)| match found {
        1..=10 => Ok(u32::from(found) - 1),
        _ => {
            let (found, expected) = (format!("label {found} of image {index}"), "1 to 10".to_owned());
            Err(Error::Batch { path: labels.path.clone(), found, expected })
        }
    };
    let numbers = labels.content.iter().enumerate().map(label).collect::<Result<Vec<_>, _>>()?;
    let pixels = Layout::Columns.arranged(images.content, [SHAPE.height, SHAPE.width]);
    ImageSet::new(pixels, numbers, Arc::clone(classes), SHAPE)
}
