//! The files of records, from a folder or from the archive that they are published in.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    ArchiveError, Error, RecordsError, class_names,
    packed::{content, open_regular},
    tar::Tar,
};

const FOLDER: &str = "stl10_binary";
const ARCHIVE: &str = "stl10_binary.tar.gz";

/// A file of records, and how many of these are read.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) name: &'static str,
    /// Bytes of a record.
    pub(super) record: u64,
    pub(super) limit: Option<u64>,
}

/// A file that was read.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// Of the whole file.
    pub(super) records: u64,
    /// The first records.
    pub(super) content: Vec<u8>,
}

/// What was found.
pub(super) struct Files {
    /// The archive that they are in.
    archive: Option<PathBuf>,
    found: BTreeMap<&'static str, Found>,
    /// The file of class names and its content, if there is one.
    pub(super) names: Option<(PathBuf, Vec<u8>)>,
}

impl Files {
    /// Reads the files that are wanted, and `names`, from wherever they are below `root`.
    pub(super) fn read(root: &Path, wanted: &[Wanted], names: &str) -> Result<Self, Error> {
        let is_there = |folder: &Path| wanted.iter().any(|file| folder.join(file.name).is_file());
        let of_file = root.is_file().then(|| root.parent().unwrap_or(root).to_path_buf());
        let is_of_set = wanted.iter().any(|file| root.ends_with(file.name));
        let folder = of_file.filter(|_| is_of_set).unwrap_or_else(|| root.to_path_buf());
        let archive = if folder.is_file() { folder.clone() } else { folder.join(ARCHIVE) };
        let folders = [folder.clone(), folder.join(FOLDER)];
        match folders.iter().find(|folder| is_there(folder)) {
            Some(folder) => Self::of_folder(folder, wanted, names),
            None if archive.is_file() => Self::of_archive(&archive, wanted, names),
            None => {
                let mut looked = folders.map(|folder| folder.join(wanted[0].name)).to_vec();
                looked.push(archive);
                Err(Error::NoFiles { name: "STL-10", looked })
            }
        }
    }

    /// A file that was wanted.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Found, Error> {
        let path = self.archive.clone().unwrap_or_default();
        self.found
            .remove(name)
            .ok_or_else(|| Error::Archive(ArchiveError::Missing { path, member: format!("{FOLDER}/{name}") }))
    }

    fn of_folder(folder: &Path, wanted: &[Wanted], names: &str) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for file in wanted {
            let path = folder.join(file.name);
            let (from, size) = open_regular(&path)?;
            found.insert(file.name, file.read(path, size, from)?);
        }
        let path = folder.join(names);
        let names = class_names::content(&path)?.map(|content| (path, content));
        Ok(Self { archive: None, found, names })
    }

    fn of_archive(path: &Path, wanted: &[Wanted], names: &str) -> Result<Self, Error> {
        let (mut tar, mut found, mut names_found) = (Tar::open(path)?, BTreeMap::new(), None);
        while let Some(member) = tar.next_file()? {
            let name = member.name.rsplit('/').next().unwrap_or_default();
            let place = path.join(&member.name);
            if name == names {
                names_found = Some((place, tar.content(class_names::LONGEST)?));
            } else if let Some(file) = wanted.iter().find(|file| file.name == name) {
                found.insert(file.name, file.read(place, member.size, &mut tar)?);
            }
            // To unpack the images without labels takes long, and names behind them are the usual ones.
            if found.len() == wanted.len() {
                break;
            }
        }
        Ok(Self { archive: Some(path.to_path_buf()), found, names: names_found })
    }
}

impl Wanted {
    fn read(&self, path: PathBuf, size: u64, mut from: impl Read) -> Result<Found, Error> {
        let (records, rest) = (size / self.record, size % self.record);
        if size == 0 {
            return Err(Error::Records(RecordsError::Empty { path, record: self.record as usize }));
        }
        if rest > 0 {
            let (offset, found) = (size - rest, rest as usize);
            return Err(Error::Records(RecordsError::Truncated {
                path,
                offset,
                found,
                expected: self.record as usize,
            }));
        }
        let wanted = self.limit.map_or(records, |limit| limit.min(records));
        let content = content(&path, &mut from, wanted * self.record)?;
        Ok(Found { path, records, content })
    }
}
