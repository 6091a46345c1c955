//! The hidden name beside a file's own under which the file is written.

use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    error::{Action, Error, failed},
    system,
};

/// The end of every hidden name.
const EXTENSION: &str = ".tmp";

/// The folder, beside results, that they are written to before they take their places.
pub(crate) const UNFINISHED: &str = ".unfinished";

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
        // Nothing of the file's own name is in it: TensorBoard, for one, reads whatever has `tfevents` in its name.
        let target_name = short_hash(target.file_name().unwrap_or_default());
        let path = target.with_file_name(format!(".{target_name:08x}.{process}.{count}{EXTENSION}"));
        if path.exists() {
            let _ = system::remove_file(&path);
        }
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
        system::rename(&self.path, &self.target)?;
        self.is_renamed = true;
        system::sync_folder(folder_of(&self.target))
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        if !self.is_renamed && self.path.exists() {
            let _ = system::remove_file(&self.path);
        }
    }
}

/// The folder of a file; the working folder where its path names none.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Removes the unfinished files of programs that were killed, and folders of unfinished results. No other program may be writing to
/// the folder.
///
/// # Errors
/// If the folder cannot be read, or a file in it cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<(), Error> {
    for path in system::list(folder).map_err(failed(Action::ReadFolder, folder))? {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let removed = match found.file_type() {
            kind if kind.is_file() && is_leftover(&path) => system::remove_file(&path),
            kind if kind.is_dir() && path.ends_with(UNFINISHED) => system::remove_tree(&path),
            _ => Ok(()),
        };
        removed.map_err(failed(Action::Remove, &path))?;
    }
    Ok(())
}

/// Two hosts that write to one folder may have processes of the same number: their files for different targets differ by this.
fn short_hash(name: &OsStr) -> u32 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish() as u32
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
