//! What was received so far: a hidden file beside the one that it becomes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

use md5::{Digest, Md5};

use crate::Error;

/// A part of a file. What others put in its place, a link or a pipe, is neither followed nor waited for.
pub(super) struct Part {
    path: PathBuf,
}

impl Part {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// How many bytes were received; none where there is no file.
    pub(super) fn len(&self) -> u64 {
        fs::symlink_metadata(&self.path).map_or(0, |found| if found.is_file() { found.len() } else { 0 })
    }

    /// Opens the file to append to it.
    pub(super) fn append(&self) -> Result<File, Error> {
        self.open(File::options().append(true).create(true)).map_err(|source| self.unwritable(source))
    }

    /// Opens the file anew, without what was in it.
    pub(super) fn start(&self) -> Result<File, Error> {
        let file = self.append()?;
        file.set_len(0).map_err(|source| self.unwritable(source))?;
        Ok(file)
    }

    /// The MD5 checksum of what was received.
    pub(super) fn md5(&self) -> Result<String, Error> {
        let failed = |source| Error::Read { path: self.path.clone(), source };
        let mut file = self.open(File::options().read(true)).map_err(failed)?;
        let (mut digest, mut buffer) = (Md5::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
                read => digest.update(&buffer[..read]),
            }
        }
    }

    pub(super) fn remove(&self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|source| self.unwritable(source))
    }

    /// Gives the file its name.
    pub(super) fn rename(&self, target: &Path) -> Result<(), Error> {
        let unwritable = |source| Error::Write { path: target.to_path_buf(), source };
        fs::rename(&self.path, target).map_err(unwritable)
    }

    /// The error of a file that cannot be written.
    pub(super) fn unwritable(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }

    fn open(&self, options: &mut OpenOptions) -> io::Result<File> {
        let file = no_follow(options, &self.path)?.open(&self.path)?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is not a regular file")),
        }
    }
}

/// So that opening follows no link and waits for nobody at a pipe.
#[cfg(unix)]
fn no_follow<'o>(options: &'o mut OpenOptions, _: &Path) -> io::Result<&'o mut OpenOptions> {
    use std::os::unix::fs::OpenOptionsExt;
    Ok(options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK))
}

/// Whether there is a link now; systems of other kinds have no flag for it.
#[cfg(not(unix))]
fn no_follow<'o>(options: &'o mut OpenOptions, path: &Path) -> io::Result<&'o mut OpenOptions> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a regular file")),
        _ => Ok(options),
    }
}
