//! Files of others.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    error::{Action, Error, FileKind, failed},
    system,
};

/// Reads a file that must be a regular one: a pipe or a device in its place could keep the program waiting for ever.
///
/// # Errors
/// If it is missing, is no regular file, or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    refuse_special(path)?;
    system::read(path).map_err(failed(Action::Read, path))
}

/// The same; nothing where there is no file.
///
/// # Errors
/// If it is no regular file, or cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    refuse_special(path)?;
    match system::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(failed(Action::Read, path)),
    }
}

/// What is in a folder, in the order of names; nothing where there is none.
///
/// # Errors
/// If it cannot be read.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match system::list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(failed(Action::ReadFolder, folder)),
    }
}

/// Refuses a folder, a pipe or a device in the place of a file. A missing file is accepted.
///
/// # Errors
/// [`Error::NotAFile`].
pub fn refuse_special(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let found = if found.is_dir() { FileKind::Folder } else { FileKind::Special };
            Err(Error::NotAFile { path: path.to_owned(), found })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_place_of_a_file_is_refused() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let error = read(folder.path()).expect_err("a folder");
        assert!(matches!(error, Error::NotAFile { found: FileKind::Folder, .. }), "{error}");
        assert!(error.to_string().ends_with("cannot read: it is a folder, expected a file"), "{error}");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        let error = read(Path::new("/dev/zero")).expect_err("a device");
        assert!(matches!(error, Error::NotAFile { found: FileKind::Special, .. }), "{error}");
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it() {
        let error = read(Path::new("no/such")).expect_err("nothing is there");
        assert!(
            matches!(error, Error::File { action: Action::Read, .. }) && error.path() == Path::new("no/such")
        );
    }
}
