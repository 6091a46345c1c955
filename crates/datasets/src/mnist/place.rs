//! Where the four files are.

use std::path::{Path, PathBuf};

use crate::Error;

/// One of the sets that are published under the same names of files.
pub(super) struct Edition {
    /// Its name, for people.
    pub(super) title: &'static str,
    /// Its name as a data set.
    pub(super) name: &'static str,
    /// Folders below the root that may hold it, in order.
    pub(super) folders: &'static [&'static str],
    /// Those of them that are named for it.
    pub(super) own: &'static [&'static str],
    /// The set that people take it for.
    pub(super) other: &'static Edition,
}

/// The folder of the files, and how they are called.
pub(super) struct Files {
    folder: PathBuf,
    separator: char,
    suffix: &'static str,
}

impl Files {
    /// `train-images-idx3-ubyte.gz`
    pub(super) fn path(&self, part: &str, what: &str, sides: u8) -> PathBuf {
        let Self { folder, separator, suffix } = self;
        // A file may be compressed where others are not.
        let plain = format!("{part}-{what}{separator}idx{sides}-ubyte");
        let suffixes = if suffix.is_empty() { ["", ".gz"] } else { [".gz", ""] };
        let paths = suffixes.map(|suffix| folder.join(format!("{plain}{suffix}")));
        let [usual, _] = &paths;
        paths.iter().find(|path| path.is_file()).unwrap_or(usual).clone()
    }
}

impl Edition {
    pub(super) fn find(&self, root: &Path) -> Result<Files, Error> {
        let root = if root.is_file() { root.parent().unwrap_or(root) } else { root };
        let found = self.folders.iter().find_map(|folder| files(&root.join(folder)));
        found.ok_or_else(|| {
            let other = self.other;
            if other.own.iter().any(|folder| files(&root.join(folder)).is_some()) {
                let (found, expected, dataset) = (other.title, self.title, other.name);
                return Error::OtherEdition { path: root.to_path_buf(), found, expected, dataset };
            }
            let file = "t10k-images-idx3-ubyte[.gz]";
            let looked = self.folders.iter().map(|folder| root.join(folder).join(file)).collect();
            Error::NoFiles { name: self.title, looked }
        })
    }
}

/// How the files in a folder are called, if one of the images is there.
fn files(folder: &Path) -> Option<Files> {
    let ways = [('-', ""), ('-', ".gz"), ('.', ""), ('.', ".gz")];
    let parts = ["t10k", "train"];
    let is_there = |(separator, suffix): &(char, &str)| {
        let name = |part| format!("{part}-images{separator}idx3-ubyte{suffix}");
        parts.iter().any(|part| folder.join(name(part)).is_file())
    };
    let (separator, suffix) = ways.into_iter().find(is_there)?;
    Some(Files { folder: folder.to_path_buf(), separator, suffix })
}
