//! The files of the Hugging Face Hub: a row is a PNG image in the structure `img` (or `image`) and a label.

use std::path::{Path, PathBuf};

use super::part::Part;
use crate::{
    Error, ImageShape, RecordsError,
    folder::tables::features::{KEY, class_names},
    images::decode,
    parquet::ImageTable,
};

const SIDE: usize = 32;

/// Reads files one after the other, until there are `limit` images; labels stand in a column.
pub(super) fn read(
    files: &[PathBuf],
    column: &str,
    usual: &[&str],
    limit: Option<usize>,
) -> Result<Part, Error> {
    let (mut part, classes) = (Part::default(), usual.len());
    for path in files {
        let left = limit.map(|limit| limit.saturating_sub(part.labels.len()));
        if left == Some(0) {
            break;
        }
        let table = ImageTable::open(path, &[column])?;
        check_names(path, table.text(KEY).and_then(|text| class_names(text, column)), usual)?;
        table.each(left, |_, image, label| take(&image, label, classes, &mut part))?;
    }
    if part.labels.is_empty() && limit != Some(0) {
        let path = files.first().cloned().unwrap_or_default();
        return Err(Error::Records(RecordsError::Empty { path, record: ImageShape::RGB32.len() }));
    }
    Ok(part)
}

/// A table that calls none of its classes as CIFAR does is of another data set.
fn check_names(path: &Path, names: Option<Vec<String>>, usual: &[&str]) -> Result<(), Error> {
    let is_usual = |name: &String| usual.contains(&name.as_str());
    match names {
        Some(names) if !names.iter().any(is_usual) => Err(Error::Content {
            path: path.to_path_buf(),
            found: format!("classes such as `{}`", names[0]),
            expected: format!("those of CIFAR, such as `{}`", usual[0]),
            remedy: "it is another data set",
        }),
        _ => Ok(()),
    }
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
