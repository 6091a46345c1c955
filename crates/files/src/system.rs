//! What is asked of the system: each operation on files that a program of ours makes, in one place.
//!
//! In builds with debug assertions, as tests are, any of them can be made to fail: see `faults`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

#[cfg(debug_assertions)]
use crate::faults::{step, step_of_write};
use crate::operation::Operation;

/// Without faults every operation is the system's own.
#[cfg(not(debug_assertions))]
#[inline(always)]
fn step(_: Operation, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(debug_assertions))]
#[inline(always)]
fn step_of_write(_: &Path, bytes: usize) -> io::Result<usize> {
    Ok(bytes)
}

/// A file that is written.
#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    /// Creates a file that is not there yet.
    pub(crate) fn create_new(path: &Path) -> io::Result<Self> {
        step(Operation::Create, path)?;
        Ok(Self { file: File::create_new(path)?, path: path.to_owned() })
    }

    /// Opens a file as options say.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> io::Result<Self> {
        step(Operation::Create, path)?;
        Ok(Self { file: options.open(path)?, path: path.to_owned() })
    }

    /// Has the disk hold what was written.
    pub(crate) fn sync(&self) -> io::Result<()> {
        step(Operation::Sync, &self.path)?;
        self.file.sync_all()
    }

    /// Cuts the file off, or lengthens it with zeros.
    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        step(Operation::Write, &self.path)?;
        self.file.set_len(length)
    }

    /// The file itself, to ask about.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = step_of_write(&self.path, bytes.len())?;
        self.file.write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

pub(crate) fn lock(file: &Output) -> Result<(), TryLockError> {
    step(Operation::Lock, &file.path).map_err(TryLockError::Error)?;
    file.file.try_lock()
}

pub(crate) fn hard_link(original: &Path, path: &Path) -> io::Result<()> {
    step(Operation::Link, path)?;
    fs::hard_link(original, path)
}

/// Renames a file, without syncing its folder.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(Operation::Rename, to)?;
    fs::rename(from, to)
}

pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    step(Operation::Remove, path)?;
    fs::remove_file(path)
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    step(Operation::CreateFolder, path)?;
    fs::create_dir(path)
}

/// Removes an empty folder.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    step(Operation::RemoveFolder, path)?;
    fs::remove_dir(path)
}

pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    step(Operation::RemoveFolder, path)?;
    fs::remove_dir_all(path)
}

pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    step(Operation::Read, path)?;
    fs::read(path)
}

/// The paths in a folder, in the order of names.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    step(Operation::List, folder)?;
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Syncs a folder, where a program may do that: some folders may be written to and not opened, and some file systems sync no
/// folders.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    step(Operation::SyncFolder, folder)?;
    let here = Path::new(".");
    let Ok(open) = File::open(if folder.as_os_str().is_empty() { here } else { folder }) else {
        return Ok(());
    };
    match open.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Elsewhere folders are not opened as files are.
#[cfg(not(unix))]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    step(Operation::SyncFolder, folder)
}
