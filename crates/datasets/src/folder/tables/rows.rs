//! The rows of tables: encoded images and labels.

use std::{ffi::OsStr, io::Read, path::Path};

use super::{
    features::{self, KEY, MOST_CLASSES},
    saved,
};
use crate::{
    Error, TableError,
    arrow::ArrowTable,
    folder::listing::Image,
    images::store::{LARGEST, MOST_IN_MEMORY, Place, Store},
    kind::Kind,
    packed::open_regular,
    parquet::ImageTable,
};

/// Bytes by which it is told what a file is that is no table.
const START: u64 = 512;

/// Encoded images of all parts.
pub(super) struct Rows<'a> {
    pub(super) root: &'a Path,
    /// The columns of labels that are looked for.
    pub(super) columns: &'a [&'static str],
    pub(super) store: Store,
    /// The names of the classes, if a table has them.
    names: Option<Vec<String>>,
    /// One more than the largest label.
    count: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(root: &'a Path, columns: &'a [&'static str]) -> Self {
        Self { root, columns, store: Store::default(), names: None, count: 0 }
    }

    /// Reads tables one after the other. Of Parquet files, whose images are kept in memory, no more rows than the limit says.
    pub(super) fn part(&mut self, files: &[String], limit: Option<usize>) -> Result<Vec<Image>, Error> {
        let mut images = Vec::new();
        for name in files {
            let path = self.root.join(name);
            match is_parquet(&path)? {
                true => self.parquet(&path, name, limit, &mut images)?,
                false => self.arrow(&path, name, &mut images)?,
            }
        }
        Ok(images)
    }

    /// The names of the classes, or their numbers.
    pub(super) fn classes(self) -> (Store, Vec<String>) {
        let numbers = || (0..self.count).map(|class| class.to_string()).collect();
        (self.store, self.names.unwrap_or_else(numbers))
    }

    fn parquet(
        &mut self,
        path: &Path,
        name: &str,
        limit: Option<usize>,
        images: &mut Vec<Image>,
    ) -> Result<(), Error> {
        let left = limit.map(|limit| limit.saturating_sub(images.len()));
        let table = ImageTable::open(path, self.columns)?;
        let names = table.text(KEY).and_then(|text| features::class_names(text, table.label_column()));
        self.name_classes(path, names)?;
        let mut problem = None;
        let read = table.each(left, |row, image, label| {
            let image = self.label(path, row, label).and_then(|label| {
                let size = image.len();
                let place = self.store.keep(image).map_err(|found| not_kept(path, row, size, found))?;
                Ok(Image { name: format!("{name}[{row}]"), place, label })
            });
            images.push(image.map_err(|error| stop(&mut problem, error))?);
            Ok(())
        });
        problem.map_or(read, Err)?;
        match left {
            // Which classes there are does not depend on how many rows are read.
            Some(_) if self.names.is_none() => table.labels(|label| {
                let known = usize::try_from(label).ok().filter(|&label| label < MOST_CLASSES);
                self.count = self.count.max(known.map_or(0, |label| label + 1));
            }),
            _ => Ok(()),
        }
    }

    fn arrow(&mut self, path: &Path, name: &str, images: &mut Vec<Image>) -> Result<(), Error> {
        let table = ArrowTable::open(path, self.columns, KEY)?;
        let mut names = table.text().and_then(|text| features::class_names(text, table.label_column()));
        if names.is_none() {
            let info = saved::info(path)?;
            names = info.and_then(|text| features::class_names(&text, table.label_column()));
        }
        self.name_classes(path, names)?;
        let archive = self.store.archive(path);
        let mut problem = None;
        let read = table.each(|row, image, label| {
            let label = self.label(path, row, label).map_err(|error| stop(&mut problem, error))?;
            let place = Place::Piece { archive, start: image.start, size: image.end - image.start };
            images.push(Image { name: format!("{name}[{row}]"), place, label });
            Ok(())
        });
        problem.map_or(read, Err)
    }

    /// Takes the names that a table has. Those of all tables must be the same, for labels are places among them.
    fn name_classes(&mut self, path: &Path, names: Option<Vec<String>>) -> Result<(), Error> {
        match (&self.names, names) {
            (Some(known), Some(names)) if *known != names => Err(Error::Table(TableError::Unfit {
                path: path.to_path_buf(),
                found: "other names of classes than in the tables before".to_owned(),
                expected: format!("the same {}, in the same order", known.len()),
            })),
            (None, Some(names)) => {
                self.names = Some(names);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn label(&mut self, path: &Path, row: usize, label: i64) -> Result<u32, Error> {
        let classes = self.names.as_ref().map_or(MOST_CLASSES, Vec::len);
        let known = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
        let known = known.ok_or_else(|| {
            Error::Table(TableError::Unfit {
                path: path.to_path_buf(),
                found: format!("label {label}, not 0 to {}, in row {row}", classes.saturating_sub(1)),
                expected:
                    "numbers of classes (-1 stands for labels that are not published: leave the split out)"
                        .to_owned(),
            })
        })?;
        self.count = self.count.max(known as usize + 1);
        Ok(known)
    }
}

/// Remembers an error of ours while a table is read, which knows texts alone.
fn stop(problem: &mut Option<Error>, error: Error) -> String {
    *problem = Some(error);
    String::new()
}

/// Why an image of some bytes is not kept; the text is that of the store.
fn not_kept(path: &Path, row: usize, size: usize, found: String) -> Error {
    let (found, expected) = match size as u64 > LARGEST {
        true => (format!("{found}, in row {row}"), "photographs"),
        false => (
            format!("more than {MOST_IN_MEMORY} bytes of images up to row {row}"),
            "images that can be kept in memory (read a part of them, or save the data set by save_to_disk of Python's `datasets`: Arrow \
             files may have any size)",
        ),
    };
    Error::Table(TableError::Unfit { path: path.to_path_buf(), found, expected: expected.to_owned() })
}

/// Whether a table is one of Parquet: where its ending does not say it, its beginning does.
///
/// # Errors
/// [`Error::Table`] if it is an empty file, a page, or what Git leaves in the place of a large one; [`Error::Read`].
fn is_parquet(path: &Path) -> Result<bool, Error> {
    let mut start = Vec::new();
    let read = open_regular(path)?.0.take(START).read_to_end(&mut start);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    let other = Kind::of(&start).filter(|kind| kind.remedy.is_some());
    if let Some(Kind { name, remedy }) = other {
        let expected = format!("a table ({})", remedy.unwrap_or_default());
        return Err(Error::Table(TableError::Unfit {
            path: path.to_path_buf(),
            found: name.to_owned(),
            expected,
        }));
    }
    Ok(match path.extension().and_then(OsStr::to_str) {
        Some("parquet") => true,
        Some("arrow") => false,
        _ => start.starts_with(b"PAR1"),
    })
}
