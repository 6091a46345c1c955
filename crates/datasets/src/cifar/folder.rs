//! Where the files of a data set are.

use std::path::{Path, PathBuf};

use crate::Error;

/// How one data set is published.
pub(super) struct Edition {
    /// Its name, for people.
    pub(super) name: &'static str,
    /// The folder that its archive unpacks to.
    pub(super) folder: &'static str,
    /// A file that is there if the data set is.
    pub(super) marker: &'static str,
    /// The archive.
    pub(super) archive: &'static str,
}

impl Edition {
    /// The folder with the files: `root` itself or the folder inside it that the archive unpacks to.
    pub(super) fn find(&self, root: &Path) -> Result<PathBuf, Error> {
        let looked = vec![root.to_path_buf(), root.join(self.folder)];
        match looked.iter().find(|folder| folder.join(self.marker).is_file()) {
            Some(folder) => Ok(folder.clone()),
            None => {
                let &Self { name, marker, archive, .. } = self;
                Err(Error::NotFound { name, marker, archive, looked })
            }
        }
    }
}
