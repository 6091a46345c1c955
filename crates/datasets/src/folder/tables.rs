//! Tables of images: Parquet and Arrow files, as the Hugging Face Hub and Python's `datasets` have them.
//!
//! ```text
//! {root}/…/train-00000-of-00005.parquet, {root}/…/train/0000.parquet     the Hub; test images are those of validation, or of test
//! {root}/train/data-00000-of-00001.arrow, {root}/dataset_dict.json       save_to_disk
//! {root}/data-00000-of-00001.arrow, or {root} itself                     a table of no split: all are test images, or a fraction of them
//! ```
//!
//! Images have the order of the rows, and labels are the numbers that the tables have. Images of Arrow files stay where they are, those of
//! Parquet files are kept in memory.

pub(crate) mod features;
mod rows;
mod saved;
mod splits;
mod walk;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

pub(crate) use self::{
    splits::{Splits, choose},
    walk::tables as walk,
};
use super::listing::{Kind, Listing};
use crate::{Error, Limits, TableError, cifar::Labels, packed::open_regular};

/// The columns of labels.
const FINE: [&str; 3] = ["label", "labels", "fine_label"];
const COARSE: [&str; 1] = ["coarse_label"];

/// What was expected where files are not those of a data set.
const EXPECTED: &str =
    "all Parquet or Arrow files of a split train, validation or test, of one configuration (name its folder)";

/// The tables of a data set.
pub(crate) struct Tables {
    pub(crate) root: PathBuf,
    pub(crate) splits: Splits,
    /// Whether no split is named: all are in `test`.
    pub(crate) is_whole: bool,
}

impl Tables {
    /// The tables at a path: a table itself, or a folder of tables that is none of images.
    ///
    /// # Errors
    /// [`Error::Table`], [`Error::LinkOut`], [`Error::Read`] or [`Error::Batch`].
    pub(super) fn find(root: &Path, follows_links: bool) -> Result<Option<Self>, Error> {
        if root.is_file() {
            return single(root);
        }
        if !root.is_dir() {
            return Ok(None);
        }
        let found = walk(root, (!follows_links).then_some(root))?;
        if found.has_classes() {
            return Ok(None);
        }
        for files in [found.arrow, found.parquet] {
            if let Some(tables) = of_folder(root, files)? {
                return Ok(Some(tables));
            }
        }
        Ok(None)
    }

    /// The rows of the tables; of Parquet files no more than the limits say.
    ///
    /// # Errors
    /// [`Error::Table`], [`Error::Read`] or [`Error::Batch`].
    pub(crate) fn listing(self, labels: Labels, limits: Limits) -> Result<Listing, Error> {
        let Self { root, splits, .. } = self;
        let columns = if labels == Labels::Coarse { &COARSE[..] } else { &FINE };
        let mut rows = rows::Rows::new(&root, columns);
        let (train, test) = (rows.part(&splits.train, limits.train)?, rows.part(&splits.test, limits.test)?);
        let (store, classes) = rows.classes();
        Ok(Listing {
            root,
            store,
            classes,
            train,
            test,
            notes: Vec::new(),
            kind: Kind::Rows,
            is_limited: limits != Limits::default(),
        })
    }
}

/// A file as a table of the split that its name says, if it is all of that, or of none.
fn single(path: &Path) -> Result<Option<Tables>, Error> {
    let (mut file, mut start) = (open_regular(path)?.0, Vec::new());
    let read = file.by_ref().take(6).read_to_end(&mut start);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    let has = |extension: &str| path.extension().is_some_and(|found| found == extension);
    let is_table = has("parquet") || has("arrow") || start.starts_with(b"PAR1") || start == *b"ARROW1";
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|_| is_table) else { return Ok(None) };
    let root = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let names = vec![name.to_owned()];
    let (splits, is_whole) = match choose(&names) {
        Ok(Some(splits)) => (splits, false),
        Ok(None) | Err(_) => (Splits { train: Vec::new(), test: names }, true),
    };
    Ok(Some(Tables { root, splits, is_whole }))
}

/// Those of the tables of one format in a folder that are the data set.
fn of_folder(root: &Path, files: Vec<String>) -> Result<Option<Tables>, Error> {
    let refused = |found| {
        Error::Table(TableError::Unfit { path: root.to_path_buf(), found, expected: EXPECTED.to_owned() })
    };
    saved::check_splits(root, &files)?;
    let (splits, is_whole) = match choose(&files).map_err(refused)? {
        Some(splits) => (splits, false),
        None => {
            let own = files.into_iter().filter(|file| !file.contains('/')).collect();
            (Splits { train: Vec::new(), test: splits::whole(own).map_err(refused)? }, true)
        }
    };
    let splits =
        Splits { train: saved::in_order(root, splits.train)?, test: saved::in_order(root, splits.test)? };
    let is_empty = splits.train.is_empty() && splits.test.is_empty();
    Ok((!is_empty).then(|| Tables { root: root.to_path_buf(), splits, is_whole }))
}
