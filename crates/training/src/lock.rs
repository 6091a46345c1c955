//! One writer a folder.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{Error, files};

/// The right to write to a folder, until it is dropped or the program ends, however it ends.
///
/// What was made for it (its file, the folder, folders above) goes when it is dropped, if nothing was written there.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: Option<File>,
    /// Whether the lock's file was made for this lock.
    is_new: bool,
    /// Folders that were made for it, the outermost first.
    made: Vec<PathBuf>,
}

/// The hidden empty file in a folder that is locked.
const NAME: &str = ".lock";

/// A folder or its lock may go while it is taken, each time because another program just gave it up.
const TRIES: usize = 100;

impl FolderLock {
    /// Takes the lock of a folder, which is made if it is not there. Files that a program left half written when it was killed are
    /// removed.
    ///
    /// # Errors
    /// If another program holds it, or folder or file cannot be created. Where the file system knows no locks there is none.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let mut lock = Self { folder: folder.to_owned(), file: None, is_new: false, made: Vec::new() };
        for _ in 0..TRIES {
            lock.make_folders()?;
            files::refuse_special(&path)?;
            let opened = File::options().create_new(true).append(true).open(&path);
            lock.is_new = opened.is_ok();
            let opened = match opened {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    File::options().append(true).open(&path)
                }
                opened => opened,
            };
            let file = match opened {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened.map_err(Error::file("create", &path))?,
            };
            match file.try_lock() {
                // The file may have been given up, and removed, between opening and locking it.
                Ok(()) if !is_at(&file, &path) => {}
                Ok(()) => {
                    lock.file = Some(file);
                    files::remove_leftovers(folder)?;
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {
                    lock.is_new = false;
                    return Err(Error::InUse { folder: folder.to_owned() });
                }
                Err(TryLockError::Error(_)) => return Ok(lock),
            }
        }
        Err(Error::InUse { folder: folder.to_owned() })
    }

    /// Makes the folder and those above it that are missing, and notes which.
    fn make_folders(&mut self) -> Result<(), Error> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<PathBuf> =
            self.folder.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(&folder) {
                Ok(()) => self.made.push(folder),
                // Another program was quicker: it is that one's.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(Error::file("create folder", &folder)(error)),
            }
        }
        Ok(())
    }

    fn is_alone(&self) -> bool {
        let mut entries = fs::read_dir(&self.folder).into_iter().flatten();
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == NAME))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The lock is still held: no other program of ours writes here. A folder that has something in it is not removed.
        if self.is_new && self.is_alone() {
            let _ = fs::remove_file(self.folder.join(NAME));
        }
        for folder in self.made.iter().rev() {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Whether the file at a path is this one.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().and_then(|own| Ok(place(own) == place(fs::metadata(path)?))).unwrap_or(false)
}

/// Elsewhere a file that is open is not removed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_for_nothing_goes() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("runs/set/task");
        let lock = FolderLock::take(&folder)?;
        assert!(folder.join(NAME).exists());
        assert!(matches!(FolderLock::take(&folder), Err(Error::InUse { .. })));
        assert!(folder.join(NAME).exists(), "one that was refused takes nothing away");
        drop(lock);
        assert_eq!(fs::read_dir(root.path())?.count(), 0);

        let lock = FolderLock::take(&folder)?;
        fs::write(root.path().join("runs/notes.txt"), "mine")?;
        drop(lock);
        assert!(root.path().join("runs/notes.txt").exists() && !root.path().join("runs/set").exists());

        let lock = FolderLock::take(&folder)?;
        fs::write(folder.join("result"), "")?;
        drop(lock);
        assert!(
            folder.join("result").exists() && folder.join(NAME).exists(),
            "a folder in use keeps its lock"
        );
        fs::remove_file(folder.join("result"))?;
        drop(FolderLock::take(&folder)?);
        assert!(folder.join(NAME).exists(), "what was there before stays");
        Ok(())
    }

    /// Each takes the lock, is alone in the folder, and gives up folder and lock again.
    #[test]
    fn there_is_one_writer_though_locks_come_and_go() -> Result<(), Box<dyn std::error::Error>> {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let root = tempfile::tempdir()?;
        let folder = root.path().join("a/b");
        let (writers, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            for _ in 0..200 {
                match FolderLock::take(&folder) {
                    Ok(lock) => {
                        assert_eq!(writers.fetch_add(1, Ordering::SeqCst), 0, "two writers");
                        taken.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        writers.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                    Err(error) => assert!(matches!(error, Error::InUse { .. }), "{error}"),
                }
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
        assert!(taken.load(Ordering::SeqCst) > 0);
        Ok(())
    }
}
