//! Batches and class names in the Python version.

use std::{io::Read, path::Path, sync::Arc};

use super::edition::{Part, Source};
use crate::{Error, ImageShape, pickle::Pickle};

/// More than any batch takes: that of all training images of CIFAR-100 has 156 MB.
const LARGEST: u64 = 1 << 29;

const PIXELS: usize = ImageShape::RGB32.len();

/// Appends the images of a batch to a part, until there are `limit` of them: pixels `data` (N, 3072) u8, and labels under a
/// key, below a number of classes.
pub(super) fn read<R: Read>(
    Source { path, size, sure, content }: Source<'_, R>,
    (key, classes): (&str, usize),
    limit: Option<usize>,
    part: &mut Part,
) -> Result<(), Error> {
    let content = whole(path, (size, sure), content)?;
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

fn whole(path: &Path, (size, sure): (u64, u64), file: impl Read) -> Result<Vec<u8>, Error> {
    if size > LARGEST {
        let (found, expected) = (format!("{size} bytes"), format!("a batch of at most {LARGEST}"));
        return Err(Error::Batch { path: path.to_path_buf(), found, expected });
    }
    // In an archive the size is only a promise.
    let mut content = Vec::with_capacity(sure as usize);
    let read = file.take(size).read_to_end(&mut content);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(content)
}
