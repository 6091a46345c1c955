//! One writer a folder.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::{Error, files};

/// The right to write to a folder, until it is dropped or the program ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: Option<File>,
}

impl FolderLock {
    /// Takes the lock of a folder: a hidden empty file in it, which stays behind. Files that a program left half written
    /// when it was killed are removed.
    ///
    /// # Errors
    /// If another program holds it, or the file cannot be created. Where the file system knows no locks there is none.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(".lock");
        files::refuse_special(&path)?;
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::file("create", &path))?;
        match file.try_lock() {
            Ok(()) => {
                files::remove_leftovers(folder)?;
                Ok(Self { _file: Some(file) })
            }
            Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(_)) => Ok(Self { _file: None }),
        }
    }
}
