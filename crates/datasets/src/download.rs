//! The archives of CIFAR from where their authors publish them. With the feature `download`.
//!
//! [`fetch`] puts an archive into a folder, where [`cifar`](crate::cifar) reads it. A transfer that breaks off is resumed where it
//! stopped, by the same call or a later one. The file has its name only once its checksum is right.
//!
//! ```no_run
//! use datasets::{Limits, cifar, download::{Archive, cache_folder, fetch}};
//! use progress::Progress;
//!
//! let archive = fetch(&Archive::cifar10(), &cache_folder()?, &Progress::default())?;
//! let data = cifar::load_cifar10(archive, Limits::default())?;
//! assert_eq!(data.train.len(), 50_000);
//! # Ok::<(), datasets::Error>(())
//! ```
//!
//! A server is not trusted: it cannot send more than the archive has, from `https` it cannot lead to `http`, and names and
//! passwords in addresses are not shown.

mod digests;
mod transfer;

use std::path::{Path, PathBuf};

use files::{FolderLock, Part};
use progress::Progress;

use self::{
    digests::Digests,
    transfer::{PATIENCE, Patience, transfer},
};
use crate::{DownloadError, Error, address::without_credentials};

/// An archive on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its file name.
    pub name: String,
    /// The address of the folder that it is in.
    pub server: String,
    /// Its MD5 checksum as its authors publish it, in small hexadecimal digits.
    pub md5: String,
    /// Its SHA-256 checksum, likewise: nobody can make another file that has it.
    pub sha256: String,
    /// Its size in bytes; a server that sends more is stopped.
    pub size: u64,
}

impl Archive {
    /// The binary version of CIFAR-10.
    pub fn cifar10() -> Self {
        let checksums = [
            "c32a1d4ab5d03f1284b67883e8d87530",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ];
        Self::of_toronto("cifar-10-binary.tar.gz", checksums, 170_052_171)
    }

    /// The binary version of CIFAR-100.
    pub fn cifar100() -> Self {
        let checksums = [
            "03b5dce01913d631647c71ecec9e9cb8",
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ];
        Self::of_toronto("cifar-100-binary.tar.gz", checksums, 168_513_733)
    }

    /// The same from another server, if one is named.
    #[must_use]
    pub fn at(self, mirror: Option<&str>) -> Self {
        Self { server: mirror.map_or(self.server, ToOwned::to_owned), ..self }
    }

    /// The address of the archive for messages: without a name and a password that it may have.
    pub fn shown_url(&self) -> String {
        without_credentials(&self.url())
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server.trim_end_matches('/'), self.name)
    }

    fn of_toronto(name: &str, checksums: [&str; 2], size: u64) -> Self {
        let server = "https://www.cs.toronto.edu/~kriz".to_owned();
        let [md5, sha256] = checksums.map(str::to_owned);
        Self { name: name.to_owned(), server, md5, sha256, size }
    }
}

/// The user's folder for what can be fetched again: `$XDG_CACHE_HOME/freqbias`, or `freqbias` in the system's usual place.
///
/// # Errors
/// [`Error::Download`] where no environment variable says where that is.
pub fn cache_folder() -> Result<PathBuf, Error> {
    let at = |variable: &str, below: &str| {
        let folder = std::env::var_os(variable).filter(|value| !value.is_empty());
        folder.map(|folder| Path::new(&folder).join(below))
    };
    let cache = at("XDG_CACHE_HOME", "freqbias").or_else(|| at("LOCALAPPDATA", "freqbias"));
    cache.or_else(|| at("HOME", ".cache/freqbias")).ok_or(Error::Download(DownloadError::NoCacheFolder))
}

/// Fetches an archive into a folder, unless it is there; gives its path. One that is there is compared with its size and checksum. The
/// folder is made if it is not there.
///
/// # Errors
/// * [`Error::Download`] about the transfer;
/// * [`Error::Download`] if what was sent is something else; it is removed;
/// * [`Error::Download`] if the file that is there is something else; it stays;
/// * [`Error::Interrupted`]; what was received stays, to be resumed;
/// * [`Error::Folder`] if another program fetches into the folder or it cannot be made, [`Error::Read`] or [`Error::Write`].
pub fn fetch(archive: &Archive, folder: &Path, progress: &Progress) -> Result<PathBuf, Error> {
    fetch_with(archive, folder, progress, PATIENCE)
}

fn fetch_with(
    archive: &Archive,
    folder: &Path,
    progress: &Progress,
    patience: Patience,
) -> Result<PathBuf, Error> {
    let target = folder.join(&archive.name);
    if target.is_file() {
        return check(archive, target);
    }
    let _lock = FolderLock::take(folder)?;
    let part = Part::at(folder.join(format!(".{}.part", archive.name)));
    transfer(&archive.url(), &part, archive.size, patience, &progress.bytes(&archive.name))?;
    let found = Digests::of(part.open()?, part.path())?;
    let url = archive.shown_url();
    let differing = [("MD5", found.md5, &archive.md5), ("SHA-256", found.sha256, &archive.sha256)]
        .into_iter()
        .find(|(_, found, expected)| found != *expected);
    if let Some((kind, found, expected)) = differing {
        part.remove()?;
        let expected = expected.clone();
        return Err(Error::Download(DownloadError::Checksum { url, kind, found, expected }));
    }
    part.place(&target)?;
    Ok(target)
}

/// Compares an archive that is there, whoever put it there, with what it should be.
fn check(archive: &Archive, path: PathBuf) -> Result<PathBuf, Error> {
    let failed = |source| Error::Read { path: path.clone(), source };
    let file = std::fs::File::open(&path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let damaged = |found: String, expected: String| {
        Err(Error::Download(DownloadError::Damaged { path: path.clone(), found, expected }))
    };
    if size != archive.size {
        return damaged(format!("{size} bytes"), format!("{}", archive.size));
    }
    let found = Digests::of(file, &path)?.sha256;
    if found != archive.sha256 {
        return damaged(format!("the SHA-256 checksum {found}"), archive.sha256.clone());
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
