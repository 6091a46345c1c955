//! The hidden name beside a file's own under which the file is written.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::error::{Action, Error, failed};

/// The end of every hidden name.
const EXTENSION: &str = ".tmp";

/// A hidden name for a file that is being written. The file of that name is removed when this is dropped, unless it was renamed.
#[derive(Debug)]
pub(crate) struct Sibling {
    path: PathBuf,
    target: PathBuf,
    is_renamed: bool,
}

impl Sibling {
    /// A name that no other writer of `target` has. A file of that name which an earlier crash left behind is removed.
    pub(crate) fn new(target: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{process}.{count}{EXTENSION}"));
        let path = target.with_file_name(name);
        let _ = fs::remove_file(&path);
        Self { path, target: target.to_owned(), is_renamed: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the file its own name, and has the disk keep that name.
    pub(crate) fn rename(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.is_renamed = true;
        sync_folder(&self.target)
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Syncs the folder of a file, where a program may do that: some folders may be written to and not opened, and some file systems
/// sync no folders.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(folder) = File::open(parent.unwrap_or(Path::new("."))) else { return Ok(()) };
    match folder.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Elsewhere folders are not opened as files are.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes the unfinished files of programs that were killed. No other program may be writing to the folder.
///
/// # Errors
/// If the folder cannot be read, or a file in it cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(failed(Action::ReadFolder, folder))? {
        let path = entry.map_err(failed(Action::ReadFolder, folder))?.path();
        if is_leftover(&path) && path.is_file() {
            fs::remove_file(&path).map_err(failed(Action::Remove, &path))?;
        }
    }
    Ok(())
}

/// Whether a file has such a hidden name: `.NAME.NUMBER.tmp`.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_suffix(EXTENSION).and_then(|name| name.rsplit('.').next());
    name.starts_with('.') && number.is_some_and(|number| number.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_other_files_stay() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let own = Sibling::new(&folder.path().join("table.json"));
        let names = [".0_checkpoint.safetensors.17700.tmp", ".hidden.tmp", "0_checkpoint.safetensors"];
        let paths = names.map(|name| folder.path().join(name));
        for path in paths.iter().map(PathBuf::as_path).chain([own.path()]) {
            fs::write(path, b"")?;
        }
        remove_leftovers(folder.path())?;
        let left = fs::read_dir(folder.path())?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut left = left.collect::<Result<Vec<_>, _>>()?;
        left.sort();
        assert_eq!(left, [".hidden.tmp", "0_checkpoint.safetensors"]);
        Ok(())
    }

    #[test]
    fn two_writers_of_a_file_have_two_names() {
        let target = Path::new("folder/name");
        let (first, second) = (Sibling::new(target), Sibling::new(target));
        assert_ne!(first.path(), second.path());
        assert!([&first, &second].iter().all(|sibling| sibling.path().parent() == target.parent()));
    }
}
