//! The files of the Hugging Face Hub: a row is a PNG image in the structure `img` (or `image`) and a label.

use std::path::PathBuf;

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};

use super::edition::Part;
use crate::{Error, ImageShape, images::decode, packed::open_regular};

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
        let refused = |found: String| Error::Batch {
            path: path.clone(),
            found,
            expected: "a parquet file of images".to_owned(),
        };
        let reader =
            SerializedFileReader::new(open_regular(path)?.0).map_err(|error| refused(error.to_string()))?;
        for row in reader.get_row_iter(None).map_err(|error| refused(error.to_string()))? {
            if limit.is_some_and(|limit| part.labels.len() >= limit) {
                return Ok(part);
            }
            let row = row.map_err(|error| refused(error.to_string()))?;
            let image = part.labels.len();
            take(&row, column, classes, &mut part)
                .map_err(|found| refused(format!("{found} in row {image}")))?;
        }
    }
    if part.labels.is_empty() && limit != Some(0) {
        return Err(Error::Empty {
            path: files.first().cloned().unwrap_or_default(),
            record: ImageShape::RGB32.len(),
        });
    }
    Ok(part)
}

/// Appends a row; the error says what was found in it.
fn take(row: &Row, column: &str, classes: usize, part: &mut Part) -> Result<(), String> {
    let find = |names: &[&str]| {
        row.get_column_iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, field)| field)
    };
    let label = match find(&[column]) {
        Some(&Field::Long(label)) => label,
        Some(&Field::Int(label)) => i64::from(label),
        _ => return Err(format!("no column `{column}` of whole numbers")),
    };
    let known = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
    let known = known.ok_or_else(|| format!("label {label}, not 0 to {},", classes - 1))?;
    let Some(Field::Group(image)) = find(&["img", "image"]) else {
        return Err("no column `img` or `image` with encoded bytes".to_owned());
    };
    let bytes = image.get_column_iter().find_map(|(name, field)| match field {
        Field::Bytes(bytes) if name == "bytes" => Some(bytes.data()),
        _ => None,
    });
    let bytes = bytes.ok_or("no bytes of an image")?;
    let image =
        decode::decode(bytes).map_err(|problem| format!("an image that cannot be decoded ({problem})"))?;
    if (image.width, image.height) != (SIDE, SIDE) {
        return Err(format!("an image of {}×{}, not {SIDE}×{SIDE},", image.height, image.width));
    }
    part.pixels.extend((0..3).flat_map(|plane| image.pixels.iter().skip(plane).step_by(3)));
    part.labels.push(known);
    Ok(())
}
