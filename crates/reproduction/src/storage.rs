//! Reading and writing files, with errors that name them.

use std::path::Path;

use files::write_atomically;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    Ok(files::read(path)?)
}

/// A result that is kept as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&read(path)?)
        .map_err(|source| Error::DamagedResult { path: path.to_owned(), source })
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    Ok(write_atomically(path, content)?)
}

/// Makes a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    Ok(files::create_folders(path)?)
}

/// A checksum of a whole file.
pub(crate) fn checksum(path: &Path) -> Result<u32, Error> {
    Ok(crc32c::crc32c(&read(path)?))
}

/// The same; nothing where there is no file.
pub(crate) fn checksum_if_there(path: &Path) -> Result<Option<u32>, Error> {
    Ok(files::read_if_there(path)?.map(|content| crc32c::crc32c(&content)))
}
