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

mod part;
mod transfer;

use std::path::{Path, PathBuf};

use files::FolderLock;
use progress::Progress;

use self::{
    part::Part,
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
    /// Its size in bytes; a server that sends more is stopped.
    pub size: u64,
}

impl Archive {
    /// The binary version of CIFAR-10.
    pub fn cifar10() -> Self {
        Self::of_toronto("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171)
    }

    /// The binary version of CIFAR-100.
    pub fn cifar100() -> Self {
        Self::of_toronto("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733)
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

    fn of_toronto(name: &str, md5: &str, size: u64) -> Self {
        let server = "https://www.cs.toronto.edu/~kriz".to_owned();
        Self { name: name.to_owned(), server, md5: md5.to_owned(), size }
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

/// Fetches an archive into a folder, unless it is there; gives its path. The folder is made if it is not there.
///
/// # Errors
/// * [`Error::Download`] about the transfer;
/// * [`Error::Download`] if what was sent is something else; it is removed;
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
        return Ok(target);
    }
    let _lock = FolderLock::take(folder)?;
    let part = Part::new(folder.join(format!(".{}.part", archive.name)));
    transfer(&archive.url(), &part, archive.size, patience, &progress.bytes(&archive.name))?;
    let found = part.md5()?;
    if found != archive.md5 {
        part.remove()?;
        return Err(Error::Download(DownloadError::Checksum {
            url: archive.shown_url(),
            found,
            expected: archive.md5.clone(),
        }));
    }
    part.rename(&target)?;
    Ok(target)
}

#[cfg(test)]
mod tests;
