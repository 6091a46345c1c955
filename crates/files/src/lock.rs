//! Folders with one writer.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{
    change::create_folders,
    error::{Action, Error, failed},
    read::refuse_special,
    sibling::remove_leftovers,
    system::{self, Output},
};

/// An exclusive lock on a folder: another program cannot take it until this is dropped or the program ends, also by a crash.
///
/// Taking it creates a hidden file, the folder and the folders above it, as far as they are missing. Dropping it removes what it
/// created, unless other files were written there.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    /// The hidden file, which is locked; none on file systems without locks.
    file: Option<Output>,
    created_file: bool,
    /// The outermost first.
    created_folders: Vec<PathBuf>,
}

/// The hidden empty file in a folder that is locked.
const NAME: &str = ".lock";

/// How often a lock is tried: each time another program may just have released it, and removed its file and folder.
const TRIES: usize = 100;

impl FolderLock {
    /// Locks a folder, and creates it if it is missing. Removes the unfinished files of programs that were killed, in the folder and
    /// in those below it that have no lock of their own.
    ///
    /// # Errors
    /// [`Error::InUse`] if another program holds the lock; [`Error::File`] if the folder or the hidden file cannot be created. On
    /// file systems without locks this succeeds and locks nothing.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let folder = folder.to_owned();
        let mut lock = Self { folder, file: None, created_file: false, created_folders: Vec::new() };
        let mut is_held = false;
        for _ in 0..TRIES {
            lock.create_folders()?;
            let Some(file) = lock.open_file()? else { continue };
            match system::lock(&file) {
                // The file may have been removed between opening and locking it.
                Ok(()) if !is_at(file.file(), &lock.path()) => {}
                Ok(()) => {
                    lock.file = Some(file);
                    sweep(&lock.folder, DEEPEST)?;
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {
                    lock.created_file = false;
                    is_held = true;
                    break;
                }
                Err(TryLockError::Error(_)) => return Ok(lock),
            }
        }
        if !is_held {
            // Nobody keeps it from being made: the system has no place for it there.
            create_folders(&lock.folder)?;
        }
        Err(Error::InUse { folder: lock.folder.clone() })
    }

    /// Checks that the folder is still the one that was locked.
    ///
    /// # Errors
    /// [`Error::Gone`] if it was removed, moved or replaced since.
    pub fn check(&self) -> Result<(), Error> {
        let is_there = match &self.file {
            Some(file) => is_at(file.file(), &self.path()),
            None => self.folder.is_dir(),
        };
        if is_there { Ok(()) } else { Err(Error::Gone { folder: self.folder.clone() }) }
    }

    /// Where the hidden file is.
    fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Opens the hidden file, or creates it; nothing if the folder was removed meanwhile.
    fn open_file(&mut self) -> Result<Option<Output>, Error> {
        let path = self.path();
        refuse_special(&path)?;
        let created = Output::open(&path, File::options().create_new(true).append(true));
        self.created_file = created.is_ok();
        let opened = match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Output::open(&path, File::options().append(true))
            }
            created => created,
        };
        match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some).map_err(failed(Action::Create, &path)),
        }
    }

    /// Creates the folder and those above it, as far as they are missing. Another program may create and remove them meanwhile;
    /// then [`FolderLock::open_file`] finds no folder.
    fn create_folders(&mut self) -> Result<(), Error> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<PathBuf> =
            self.folder.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        for folder in missing.into_iter().rev() {
            match system::create_folder(&folder) {
                Ok(()) => self.created_folders.push(folder),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && is_folder_or_gone(&folder) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(failed(Action::CreateFolder, &folder)(error)),
            }
        }
        Ok(())
    }

    /// Whether the folder holds nothing but the hidden file.
    fn is_unused(&self) -> bool {
        let mut entries = fs::read_dir(&self.folder).into_iter().flatten();
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == NAME))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The lock is still held here, so no other program writes to the folder meanwhile.
        if self.created_file && self.is_unused() {
            let _ = system::remove_file(&self.path());
        }
        // The system removes no folder that holds something.
        for folder in self.created_folders.iter().rev() {
            if system::remove_folder(folder).is_err() {
                break;
            }
        }
    }
}

/// How far below a locked folder there may be unfinished files: `run/spectrum/tensorboard` is two below.
const DEEPEST: usize = 3;

/// Removes unfinished files in a folder and below it. Folders with a lock are others' to sweep; links are not followed.
fn sweep(folder: &Path, deepest: usize) -> Result<(), Error> {
    remove_leftovers(folder)?;
    if deepest == 0 {
        return Ok(());
    }
    for path in system::list(folder).map_err(failed(Action::ReadFolder, folder))? {
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        if is_folder && !path.join(NAME).exists() {
            sweep(&path, deepest - 1)?;
        }
    }
    Ok(())
}

/// Whether a path names a folder, or nothing any more.
fn is_folder_or_gone(path: &Path) -> bool {
    path.is_dir() || fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether the file at a path is this one.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().and_then(|own| Ok(place(own) == place(fs::metadata(path)?))).unwrap_or(false)
}

/// Other systems remove no file that is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unused_lock_leaves_nothing_behind() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("runs/set/task");
        let lock = FolderLock::take(&folder)?;
        assert!(folder.join(NAME).exists());
        assert!(matches!(FolderLock::take(&folder), Err(Error::InUse { .. })));
        assert!(folder.join(NAME).exists(), "a refused lock removes nothing");
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
        assert!(folder.join(NAME).exists(), "a file that was there before stays");
        Ok(())
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_an_error() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let path = root.path().join("taken");
        fs::write(&path, "mine")?;
        let error = FolderLock::take(&path.join("run")).expect_err("a file is in the way");
        assert!(matches!(error, Error::File { .. }), "{error}");
        assert_eq!(fs::read(&path)?, b"mine");
        Ok(())
    }

    #[test]
    fn what_a_killed_program_left_below_goes_but_where_others_write() -> Result<(), Box<dyn std::error::Error>>
    {
        let root = tempfile::tempdir()?;
        let leftover = ".17700.3.tmp";
        for folder in ["tensorboard", "class3/Img", "grad", ".unfinished"] {
            fs::create_dir_all(root.path().join(folder))?;
            fs::write(root.path().join(folder).join(leftover), "")?;
        }
        fs::write(root.path().join("class3/kept"), "")?;
        let other = FolderLock::take(&root.path().join("grad"))?;
        fs::write(root.path().join("grad").join(leftover), "of the other")?;
        let _own = FolderLock::take(root.path())?;
        let is_there = |path: &str| root.path().join(path).exists();
        assert!(!is_there("tensorboard/.17700.3.tmp") && !is_there("class3/Img/.17700.3.tmp"));
        assert!(!is_there(".unfinished") && is_there("class3/kept") && is_there("grad/.17700.3.tmp"));
        drop(other);
        Ok(())
    }

    #[test]
    fn a_folder_that_is_taken_away_is_noticed() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("run");
        let lock = FolderLock::take(&folder)?;
        lock.check()?;
        fs::rename(&folder, root.path().join("moved"))?;
        assert!(matches!(lock.check(), Err(Error::Gone { .. })));
        let _other = FolderLock::take(&folder)?;
        let error = lock.check().expect_err("another folder of that name");
        assert!(error.to_string().contains("run: this folder was removed"), "{error}");
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_no_program_can_make_is_not_in_use() {
        let error = FolderLock::take("/proc/freqbias".as_ref()).expect_err("the system's own folder");
        assert!(matches!(error, Error::File { action: Action::CreateFolder, .. }), "{error}");
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
