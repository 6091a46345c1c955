//! What is in folders, and what goes out of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use files::{Action, Error, failed};

/// What is in a folder; nothing if there is no such folder.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => {
            let paths = read.and_then(|each| each.map(|entry| entry.map(|entry| entry.path())).collect());
            paths.map_err(failed(Action::ReadFolder, folder))
        }
    }
}

/// The last part of a path, as text.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes a file.
///
/// # Errors
/// If it cannot be removed.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(failed(Action::Remove, path))
}

/// Makes a folder and those above it that are missing.
///
/// # Errors
/// If one cannot be made.
pub(crate) fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(failed(Action::CreateFolder, folder))
}

/// Removes a folder and all that is in it; nothing where there is none.
///
/// # Errors
/// If something in it cannot be removed.
pub(crate) fn remove_all(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(Action::Remove, folder)(error)),
        _ => Ok(()),
    }
}
