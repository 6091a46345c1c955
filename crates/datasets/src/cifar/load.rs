//! A data set from wherever it is below a folder.

use std::path::{Path, PathBuf};

use super::{
    archive,
    edition::{Edition, Version},
    part::{Part, Source},
    place::{self, Place},
};
use crate::{Dataset, Error, Limits, class_names, packed::open_regular};

impl Edition {
    /// Reads the data set from wherever it is below `root`.
    pub(super) fn load(&self, root: &Path, limits: Limits) -> Result<Dataset, Error> {
        match place::find(self, root)? {
            Place::Folder(version, folder) => self.load_folder(&self.versions[version], &folder, limits),
            Place::Archive(path) => archive::load(self, &path, limits),
            Place::Hub { train, test } => self.load_tables(&train, &test, limits),
        }
    }

    fn load_folder(&self, version: &Version, folder: &Path, limits: Limits) -> Result<Dataset, Error> {
        let path = folder.join(version.names);
        let names =
            class_names::content(&path)?.map(|content| version.names(&path, &content, self)).transpose()?;
        let mut parts = [Part::default(), Part::default()];
        let files = [(version.train, limits.train), (&[version.test], limits.test)];
        for (part, (files, limit)) in parts.iter_mut().zip(files) {
            for file in files {
                if limit.is_some_and(|limit| part.labels.len() >= limit) {
                    break;
                }
                let path = folder.join(file);
                let (content, size) = open_regular(&path)?;
                version.read(
                    Source { path: &path, size, reserve: size, content },
                    self.classes(),
                    limit,
                    part,
                )?;
            }
        }
        self.dataset(parts, names)
    }

    fn load_tables(&self, train: &[PathBuf], test: &[PathBuf], limits: Limits) -> Result<Dataset, Error> {
        let part = |files, limit| super::parquet::read(files, self.column, self.usual, limit);
        self.dataset([part(train, limits.train)?, part(test, limits.test)?], None)
    }
}
