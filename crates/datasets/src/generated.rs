//! Data sets of computed images, in NumPy's format: what [`Writer`] writes and [`load`] reads.
//!
//! ```text
//! {root}/classes.txt               a name a line; without it classes are called by their numbers
//! {root}/{train,test}/images.npy   (N, 3, H, W) f32 in [0, 1]
//! {root}/{train,test}/labels.npy   (N) u8
//! ```

mod writer;

use std::{fs, io, path::Path, sync::Arc};

pub use writer::Writer;

use crate::{Dataset, Error, ImageSet, ImageShape, Limits, folder::nearby, npy::Array};

/// The folders of the two parts.
pub const TRAIN: &str = "train";
/// See [`TRAIN`].
pub const TEST: &str = "test";

const IMAGES: &str = "images.npy";
const LABELS: &str = "labels.npy";
const CLASSES: &str = "classes.txt";

/// Reads a data set, or as much of it as the limits say.
///
/// ```
/// use datasets::{ImageShape, Limits, generated::{self, Writer}};
/// let folder = tempfile::tempdir()?;
/// let shape = ImageShape { channels: 3, height: 1, width: 2 };
/// for (part, label) in [(generated::TRAIN, 1), (generated::TEST, 0)] {
///     let mut writer = Writer::create(&folder.path().join(part), shape, &[label])?;
///     writer.put(0, &[0.0, 0.25, 0.5, 0.75, 1.0, 0.1])?;
///     writer.finish()?;
/// }
/// generated::write_classes(folder.path(), &["dark".to_owned(), "light".to_owned()])?;
/// let data = generated::load(folder.path(), Limits::default())?;
/// assert_eq!((data.train.labels(), data.test.labels()), (&[1][..], &[0][..]));
/// assert_eq!(data.train.classes()[1], "light");
/// assert_eq!(*data.train.bytes(0)?, [0, 64, 128, 191, 255, 26]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoGenerated`] if there is none; [`Error::Read`] or [`Error::Array`] about one of its files.
pub fn load(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let root = root.as_ref();
    let is_one = |root: &Path| root.join(TRAIN).join(IMAGES).is_file();
    if !is_one(root) {
        return Err(Error::NoGenerated { root: root.to_path_buf(), instead: nearby(root, is_one) });
    }
    let parts = [(TRAIN, limits.train), (TEST, limits.test)];
    let [train, test] = parts.map(|(part, limit)| read_part(&root.join(part), limit));
    let (train, test) = (train?, test?);
    let most = train.labels.iter().chain(&test.labels).max().map_or(0, |&label| label as usize + 1);
    let classes = read_classes(&root.join(CLASSES), most)?;
    let set = |part: Part| ImageSet::new(part.pixels, part.labels, Arc::clone(&classes), part.shape);
    Ok(Dataset { name: "generated".into(), train: set(train)?, test: set(test)?, notes: Vec::new() })
}

/// Writes the names of the classes.
///
/// # Errors
/// If the file cannot be written.
pub fn write_classes(root: &Path, classes: &[String]) -> Result<(), Error> {
    let path = root.join(CLASSES);
    let text: String = classes.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
    Ok(files::write_atomically(&path, text.as_bytes())?)
}

struct Part {
    pixels: Vec<f32>,
    labels: Vec<u32>,
    shape: ImageShape,
}

fn read_part(folder: &Path, limit: Option<usize>) -> Result<Part, Error> {
    let images = Array::open(&folder.join(IMAGES))?;
    let &[count, channels @ 3, height, width] = images.shape() else {
        return Err(images.refused("images (N, 3, H, W)"));
    };
    let labels = Array::open(&folder.join(LABELS))?;
    if labels.shape() != [count] {
        return Err(labels.refused(&format!("a label for each of {count} images")));
    }
    let count = limit.map_or(count, |limit| limit.min(count));
    let shape = ImageShape { channels, height, width };
    let (pixels, labels) = (images.read_f32(count)?, labels.read_u8(count)?);
    if let Some(at) = pixels.iter().position(|value| !(0.0..=1.0).contains(value)) {
        let (image, value) = (at / shape.len(), pixels[at]);
        return Err(Error::PixelValue { path: folder.join(IMAGES), image, value });
    }
    Ok(Part { pixels, labels: labels.into_iter().map(u32::from).collect(), shape })
}

fn read_classes(path: &Path, expected: usize) -> Result<Arc<[String]>, Error> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((0..expected).map(|class| class.to_string()).collect());
        }
        read => read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?,
    };
    let names: Arc<[String]> = text.lines().map(String::from).collect();
    if names.len() < expected {
        let (path, found) = (path.to_path_buf(), names.len().to_string());
        return Err(Error::ClassNames { path, found, expected });
    }
    Ok(names)
}
