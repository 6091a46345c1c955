//! Hybrids and filtered copies of a data set's images, in NumPy's format, under the published names.
//!
//! ```text
//! {root}/hybrid_{high,low}_{r}.npy          (N, H, W, C) u8, one for each training image, in their order
//! {root}/hybrid_{high,low}_{r}_donor.npy    (N) i64, the training image that gives the other part
//! {root}/train_label.npy                    (N) i64
//! {root}/dft/test_data_{low,high}_{r}.npy   (M, H, W, C) u8, one for each test image
//! {root}/dft/test_label.npy                 (M) i64
//! ```
//!
//! Labels are i64, as PyTorch's loss wants them; u8 is read too.

mod writer;

use std::path::Path;

pub use writer::Writer;

use crate::{
    Error, ImageSet, ImageShape,
    npy::{Array, header},
};

/// Writes labels or places in a set as an array (N) of i64.
///
/// # Errors
/// If the file cannot be written; then there is none.
pub fn write_numbers(path: &Path, numbers: &[i64]) -> Result<(), Error> {
    let mut content = header("<i8", &[numbers.len()]);
    content.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    Ok(files::write_atomically(path, &content)?)
}

/// Reads an array (N) of i64 or u8.
///
/// # Errors
/// [`Error::Read`] or [`Error::Array`] about the file.
pub fn read_numbers(path: &Path) -> Result<Vec<i64>, Error> {
    let array = Array::open(path)?;
    match *array.shape() {
        [count] => array.read_i64(count),
        _ => Err(array.refused("numbers (N)")),
    }
}

/// Reads images (N, H, W, C) u8 and their labels: as many as `like` has, of its shape and classes. Names and order of the
/// classes are those of `like`.
///
/// ```
/// use datasets::{ImageSet, ImageShape, frequency::{self, Writer}};
/// let shape = ImageShape { channels: 3, height: 1, width: 2 };
/// let classes = ["dark", "light"].map(String::from);
/// let original = ImageSet::new(vec![0; 12], vec![0, 1], classes.into(), shape)?;
///
/// let folder = tempfile::tempdir()?;
/// let (images, labels) = (folder.path().join("hybrid_high_12.npy"), folder.path().join("train_label.npy"));
/// let mut writer = Writer::create(&images, shape, 2)?;
/// writer.put(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])?;
/// writer.finish()?;
/// frequency::write_numbers(&labels, &[1, 0])?;
///
/// let hybrids = frequency::load(&images, &labels, &original)?;
/// assert_eq!(*hybrids.bytes(1)?, [7, 8, 9, 10, 11, 12]);
/// assert_eq!((hybrids.labels(), frequency::read_numbers(&labels)?), (&[1, 0][..], vec![1, 0]));
/// // On disk a pixel's channels lie together.
/// assert!(std::fs::read(&images)?.ends_with(&[7, 9, 11, 8, 10, 12]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Read`] or [`Error::Array`] about one of the files.
pub fn load(images: &Path, labels: &Path, like: &ImageSet) -> Result<ImageSet, Error> {
    let (shape, wanted) = (like.shape(), like.len());
    let array = Array::open(images)?;
    let ImageShape { channels, height, width } = shape;
    let count = match *array.shape() {
        [count, h, w, c] if [h, w, c] == [height, width, channels] && count >= wanted => count,
        _ => return Err(array.refused(&format!("u8 [{wanted}, {height}, {width}, {channels}]"))),
    };
    let labels = read_labels(labels, count, like.classes().len())?;
    let mut pixels = array.read_u8(wanted)?;
    pixels.chunks_exact_mut(shape.len().max(1)).for_each(|image| planes_apart(image, channels));
    ImageSet::new(pixels, labels[..wanted].to_vec(), like.classes().into(), shape)
}

fn read_labels(path: &Path, images: usize, classes: usize) -> Result<Vec<u32>, Error> {
    let numbers = read_numbers(path)?;
    let refused =
        |found: String, expected: String| Error::Array { path: path.to_path_buf(), found, expected };
    if numbers.len() != images {
        return Err(refused(format!("{} labels", numbers.len()), format!("one for each of {images} images")));
    }
    let label = |(index, &number): (usize, &i64)| {
        let label = u32::try_from(number).ok().filter(|&label| (label as usize) < classes);
        let found = || format!("label {number} of image {index}");
        label.ok_or_else(|| refused(found(), format!("a number from 0 to {}", classes.saturating_sub(1))))
    };
    numbers.iter().enumerate().map(label).collect()
}

/// (H, W, C) → (C, H, W).
fn planes_apart(image: &mut [u8], channels: usize) {
    let pixels = image.len() / channels;
    let last = image.to_vec();
    for (channel, plane) in image.chunks_exact_mut(pixels).enumerate() {
        plane.iter_mut().zip(last[channel..].iter().step_by(channels)).for_each(|(to, from)| *to = *from);
    }
}
