//! Batches and class names in the Python version.

use std::{io::Read, path::Path, sync::Arc};

use super::part::{Part, Source};
use crate::{Error, ImageShape, pickle::Pickle};

/// More than any batch takes: that of all training images of CIFAR-100 has 156 MB.
const LARGEST: u64 = 1 << 29;

const PIXELS: usize = ImageShape::RGB32.len();

/// Where a batch has its labels, and how many classes there are.
pub(super) struct Labels<'a> {
    pub(super) key: &'a str,
    pub(super) classes: usize,
}

/// Appends the images of a batch to a part, until there are `limit` of them: pixels `data` (N, 3072) u8, and labels.
pub(super) fn read<R: Read>(
    source: Source<'_, R>,
    labels: Labels<'_>,
    limit: Option<usize>,
    part: &mut Part,
) -> Result<(), Error> {
    let Labels { key, classes } = labels;
    let path = source.path;
    let content = whole(source)?;
    let pickle = Pickle::read(path, &content)?;
    let ([count, width], pixels) = pickle.matrix("data")?;
    let labels = pickle.numbers(key)?;
    let refused =
        |found: String, expected: String| Error::Batch { path: path.to_path_buf(), found, expected };
    if width != PIXELS || labels.len() != count {
        let found = format!("{} labels and pixels ({count}, {width})", labels.len());
        return Err(refused(found, format!("as many labels as images, ({count}, {PIXELS})")));
    }
    let left = limit.map_or(count, |limit| limit.saturating_sub(part.labels.len()).min(count));
    for (image, &label) in labels[..left].iter().enumerate() {
        let known = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
        let found = || format!("label {label} of image {image}");
        part.labels.push(known.ok_or_else(|| refused(found(), format!("0 to {}", classes - 1)))?);
    }
    part.pixels.extend_from_slice(&pixels[..left * PIXELS]);
    Ok(())
}

/// The class names under a key.
pub(super) fn names(path: &Path, content: &[u8], key: &str, expected: usize) -> Result<Arc<[String]>, Error> {
    let pickle = Pickle::read(path, content)?;
    let names: Arc<[String]> =
        pickle.strings(key)?.into_iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let (path, found) = (path.to_path_buf(), names.len().to_string());
    if names.len() == expected { Ok(names) } else { Err(Error::ClassNames { path, found, expected }) }
}

/// The content of a file.
fn whole<R: Read>(Source { path, size, reserve, content: file }: Source<'_, R>) -> Result<Vec<u8>, Error> {
    if size > LARGEST {
        let (found, expected) = (format!("{size} bytes"), format!("a batch of at most {LARGEST}"));
        return Err(Error::Batch { path: path.to_path_buf(), found, expected });
    }
    // In an archive the size is only a promise.
    let mut content = Vec::with_capacity(reserve as usize);
    let read = file.take(size).read_to_end(&mut content);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(content)
}
