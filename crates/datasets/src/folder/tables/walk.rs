//! The tables below a folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, TableError, folder::names::is_image};

/// More than any data set's folders have.
const DEEPEST: usize = 4;
const MOST_FILES: usize = 100_000;

/// The endings of tables.
const PARQUET: &str = ".parquet";
const ARROW: &str = ".arrow";

/// What programs keep for themselves beside their tables.
const OWN: [&str; 2] = ["cache-", "indices"];

/// Paths below a folder, sorted.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) parquet: Vec<String>,
    pub(super) arrow: Vec<String>,
    /// Folders below with images; where there is a second one nothing else is looked for.
    images: BTreeSet<String>,
}

impl Found {
    /// Whether there are folders of images of more than one class.
    pub(super) fn has_classes(&self) -> bool {
        self.images.len() > 1
    }
}

/// Looks for tables. Links must not lead out of `inside`, if it is given.
///
/// # Errors
/// [`Error::LinkOut`], [`Error::Read`]; [`Error::Table`] if there are too many.
pub(crate) fn tables(folder: &Path, inside: Option<&Path>) -> Result<Found, Error> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Read { path: path.clone(), source }
    };
    let inside = inside.map(|root| fs::canonicalize(root).map_err(failed(root))).transpose()?;
    let (mut found, mut folders) = (Found::default(), vec![(String::new(), 0)]);
    while let Some((below, deep)) = folders.pop() {
        let path = folder.join(&below);
        for entry in fs::read_dir(&path).map_err(failed(&path))? {
            let entry = entry.map_err(failed(&path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let is_own = OWN.iter().any(|start| name.starts_with(start));
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(failed(&path))?;
            if kind.is_dir() && deep < DEEPEST {
                folders.push((name, deep + 1));
            } else if name.ends_with(PARQUET) {
                found.parquet.push(checked(entry.path(), inside.as_deref(), name)?);
            } else if name.ends_with(ARROW) && !is_own {
                found.arrow.push(checked(entry.path(), inside.as_deref(), name)?);
            } else if !below.is_empty() && is_image(&name) {
                found.images.insert(below.clone());
            }
            if found.has_classes() {
                return Ok(found);
            }
        }
        let count = found.parquet.len() + found.arrow.len();
        if count > MOST_FILES {
            let (found, expected) = (format!("{count} tables"), format!("{MOST_FILES} at most"));
            return Err(Error::Table(TableError::Unfit { path: folder.to_path_buf(), found, expected }));
        }
    }
    found.parquet.sort_unstable();
    found.arrow.sort_unstable();
    Ok(found)
}

fn checked(path: PathBuf, inside: Option<&Path>, name: String) -> Result<String, Error> {
    let Some(inside) = inside else { return Ok(name) };
    match fs::canonicalize(&path) {
        Ok(target) if target.starts_with(inside) => Ok(name),
        Ok(target) => Err(Error::LinkOut { path, target }),
        Err(source) => Err(Error::Read { path, source }),
    }
}
