//! The files of the Hugging Face Hub: a row is a PNG image in the structure `img` (or `image`) and a label.

use std::path::PathBuf;

use super::part::Part;
use crate::{Error, ImageShape, RecordsError, images::decode, parquet::ImageTable};

const SIDE: usize = 32;

/// Reads files one after the other, until there are `limit` images; labels stand in a column.
pub(super) fn read(
    files: &[PathBuf],
    column: &str,
    classes: usize,
    limit: Option<usize>,
) -> Result<Part, Error> {
    let mut part = Part::default();
    for path in files {
        let left = limit.map(|limit| limit.saturating_sub(part.labels.len()));
        if left == Some(0) {
            break;
        }
        let table = ImageTable::open(path, &[column])?;
        table.each(left, |_, image, label| take(image, label, classes, &mut part))?;
    }
    if part.labels.is_empty() && limit != Some(0) {
        let path = files.first().cloned().unwrap_or_default();
        return Err(Error::Records(RecordsError::Empty { path, record: ImageShape::RGB32.len() }));
    }
    Ok(part)
}

/// Appends a row; the error says what was found in it.
fn take(bytes: &[u8], label: i64, classes: usize, part: &mut Part) -> Result<(), String> {
    let known = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
    let known = known.ok_or_else(|| format!("label {label}, not 0 to {},", classes.saturating_sub(1)))?;
    let image = decode::open(bytes)
        .and_then(|file| file.decode_all())
        .map_err(|problem| format!("an image that cannot be decoded ({problem})"))?;
    if (image.width, image.height) != (SIDE, SIDE) {
        return Err(format!("an image of {}×{}, not {SIDE}×{SIDE},", image.height, image.width));
    }
    part.pixels.extend(image.planes());
    part.labels.push(known);
    Ok(())
}
