//! What `save_to_disk` of Python's `datasets` writes beside its Arrow files.
//!
//! ```text
//! {root}/dataset_dict.json            {"splits": ["train", "test"]}, if there are several
//! {root}/{split}/state.json           {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], …}: the files in their order
//! {root}/{split}/dataset_info.json    {"features": {"label": {"names": […], "_type": "ClassLabel"}}}
//! ```

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Error, TableError, packed::open_regular};

/// More than any of these files takes.
const LONGEST: u64 = 8 << 20;

/// Keys of the files that say which rows there are, and in which order: in files older than 2021.
const INDICES: [&str; 2] = ["_indices_data_files", "_indices_files"];

/// The files of a table in their order, given those that are there.
///
/// # Errors
/// [`Error::Table`] if one is missing, or rows are not those of the files; [`Error::Read`], [`Error::Batch`].
pub(super) fn in_order(root: &Path, files: Vec<String>) -> Result<Vec<String>, Error> {
    let Some((below, _)) = files.first().map(|first| first.rsplit_once('/').unwrap_or(("", first))) else {
        return Ok(files);
    };
    let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
    let path = root.join(below).join("state.json");
    let Some(state) = json(&path)? else { return Ok(files) };
    let refused = |found: String, expected: &str| {
        Error::Table(TableError::Unfit { path: path.clone(), found, expected: expected.to_owned() })
    };
    let is_there = |key: &&&str| {
        !matches!(state.get(**key), None | Some(Value::Null)) && state[**key] != Value::Array(Vec::new())
    };
    if let Some(key) = INDICES.iter().find(is_there) {
        let expected = "rows as they lie in the files (load the data set by load_from_disk, and save it anew by save_to_disk)";
        return Err(refused(format!("rows chosen by another file (`{key}`)"), expected));
    }
    let Some(named) = state.get("_data_files").and_then(Value::as_array) else { return Ok(files) };
    let name = |file: &Value| Some(format!("{prefix}{}", file.get("filename")?.as_str()?));
    let named: Vec<String> = named.iter().filter_map(name).collect();
    match named.iter().find(|name| !files.contains(name)) {
        Some(missing) => Err(refused(
            format!("the file `{missing}`, which is not there"),
            "all files of the data set (copy it again)",
        )),
        None => Ok(named),
    }
}

/// Whether the splits that a folder of several names are there.
///
/// # Errors
/// [`Error::Table`] if one is missing; [`Error::Read`], [`Error::Batch`].
pub(super) fn check_splits(root: &Path, files: &[String]) -> Result<(), Error> {
    let path = root.join("dataset_dict.json");
    let Some(splits) = json(&path)? else { return Ok(()) };
    let splits = splits.get("splits").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_there =
        |split: &str| files.iter().any(|file| file.split_once('/').is_some_and(|found| found.0 == split));
    match splits.iter().filter_map(Value::as_str).find(|split| !is_there(split)) {
        Some(missing) => Err(Error::Table(TableError::Unfit {
            path,
            found: format!("the split `{missing}`, of which there are no files"),
            expected: "all files of the data set (copy it again)".to_owned(),
        })),
        None => Ok(()),
    }
}

/// The text that says what the columns of a table are, if it is there.
///
/// # Errors
/// If it cannot be read.
pub(super) fn info(table: &Path) -> Result<Option<String>, Error> {
    text(&table.with_file_name("dataset_info.json"))
}

fn json(path: &Path) -> Result<Option<Value>, Error> {
    let Some(text) = text(path)? else { return Ok(None) };
    let damaged = |error: serde_json::Error| Error::Batch {
        path: path.to_path_buf(),
        found: error.to_string(),
        expected: "JSON".to_owned(),
    };
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

fn text(path: &Path) -> Result<Option<String>, Error> {
    if !fs::exists(path).unwrap_or(false) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = open_regular(path)?.0.take(LONGEST).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: PathBuf::from(path), source })?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
