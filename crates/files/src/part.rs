//! A file that is written over several calls, or runs of a program, before it takes its place.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use crate::{
    error::{Action, Error, failed},
    sibling::folder_of,
    system::{self, Output},
};

/// A part of a file. What others put in its place, a link or a pipe, is neither followed nor waited for.
#[derive(Debug, Clone)]
pub struct Part {
    path: PathBuf,
}

impl Part {
    /// The part that is kept at a path, which may be none yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has; none where there is no file.
    pub fn length(&self) -> u64 {
        fs::symlink_metadata(&self.path).map_or(0, |found| if found.is_file() { found.len() } else { 0 })
    }

    /// Opens it to append to it.
    ///
    /// # Errors
    /// If it cannot be written, or something else than a file is there.
    pub fn append(&self) -> Result<Output, Error> {
        let mut options = File::options();
        let opened = no_follow(options.append(true).create(true), &self.path)
            .and_then(|options| only_a_file(Output::open(&self.path, options)?, Output::file));
        opened.map_err(failed(Action::Write, &self.path))
    }

    /// Opens it anew, without what was in it.
    ///
    /// # Errors
    /// As [`Part::append`].
    pub fn start(&self) -> Result<Output, Error> {
        let file = self.append()?;
        file.set_len(0).map_err(failed(Action::Write, &self.path))?;
        Ok(file)
    }

    /// Has the disk hold what was appended.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn sync(&self, file: &Output) -> Result<(), Error> {
        file.sync().map_err(failed(Action::Write, &self.path))
    }

    /// Opens it to be read.
    ///
    /// # Errors
    /// If it cannot be read, or something else than a file is there.
    pub fn open(&self) -> Result<File, Error> {
        let mut options = File::options();
        let opened = no_follow(options.read(true), &self.path)
            .and_then(|options| only_a_file(options.open(&self.path)?, |file| file));
        opened.map_err(failed(Action::Read, &self.path))
    }

    /// Removes it.
    ///
    /// # Errors
    /// If it is not there, or cannot be removed.
    pub fn remove(&self) -> Result<(), Error> {
        system::remove_file(&self.path).map_err(failed(Action::Remove, &self.path))
    }

    /// Gives it the name of the whole file, on the disk.
    ///
    /// # Errors
    /// If something else than a file is in that place.
    pub fn place(&self, target: &Path) -> Result<(), Error> {
        let placed = system::rename(&self.path, target).and_then(|()| system::sync_folder(folder_of(target)));
        placed.map_err(failed(Action::Write, target))
    }
}

fn only_a_file<F>(opened: F, file: impl Fn(&F) -> &File) -> io::Result<F> {
    match file(&opened).metadata()?.is_file() {
        true => Ok(opened),
        false => Err(io::Error::other("it is not a regular file")),
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_part_grows_and_takes_its_place() -> Outcome {
        let folder = tempfile::tempdir()?;
        let part = Part::at(folder.path().join(".set.part"));
        assert_eq!(part.length(), 0);
        part.append()?.write_all(b"ab")?;
        let mut file = part.append()?;
        file.write_all(b"c")?;
        part.sync(&file)?;
        assert_eq!(part.length(), 3);
        part.start()?.write_all(b"d")?;
        part.place(&folder.path().join("set"))?;
        assert_eq!(fs::read(folder.path().join("set"))?, b"d");
        assert!(part.remove().is_err(), "it is no longer there");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() -> Outcome {
        let folder = tempfile::tempdir()?;
        let precious = folder.path().join("precious");
        fs::write(&precious, "text")?;
        let part = Part::at(folder.path().join(".set.part"));
        std::os::unix::fs::symlink("precious", part.path())?;
        assert!(part.append().is_err() && part.start().is_err() && part.open().is_err());
        assert_eq!((fs::read(&precious)?, part.length()), (b"text".to_vec(), 0));
        Ok(())
    }
}
