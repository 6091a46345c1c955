//! Files that appear whole or not at all.

use std::{
    fs,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{
    error::{Action, Error, failed},
    sibling::Sibling,
    system::{self, Output},
};

/// Writes a file, or replaces it. Whatever fails, the file that was there stays, and nothing half written does.
///
/// The bytes are on the disk when this returns.
///
/// # Errors
/// If the folder cannot be written to or the disk is full; the error names the file.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_atomically_with(path, |file| file.write_all(content))
}

/// As [`write_atomically`], for content that is not in memory: `write` writes it.
///
/// # Errors
/// As [`write_atomically`], and those of `write`.
pub fn write_atomically_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<Output>) -> io::Result<()>,
) -> Result<(), Error> {
    let Pending { sibling, file } = Pending::create(path)?;
    let mut file = BufWriter::new(file);
    let written = write(&mut file).and_then(|()| Ok(file.into_inner()?));
    Pending { sibling, file: written.map_err(failed(Action::Write, path))? }.finish()
}

/// Makes `path` another name of the file `original`: a hard link where the file system has them, else a copy.
///
/// # Errors
/// As [`write_atomically`], and if `original` cannot be read.
pub fn link(original: &Path, path: &Path) -> Result<(), Error> {
    let sibling = Sibling::new(path);
    let linked = system::hard_link(original, sibling.path()).or_else(|_| copy(original, sibling.path()));
    linked.and_then(|()| sibling.rename()).map_err(failed(Action::Write, path))
}

/// Copies a file to a name that nothing has yet, onto the disk.
fn copy(original: &Path, path: &Path) -> io::Result<()> {
    let mut copy = Output::create_new(path)?;
    io::copy(&mut fs::File::open(original)?, &mut copy)?;
    copy.sync()
}

/// A file that is being written, and takes its place when it is finished. One that is dropped before leaves nothing behind, and
/// what was in its place stays.
///
/// Writes are not buffered.
#[derive(Debug)]
pub struct Pending {
    file: Output,
    sibling: Sibling,
}

impl Pending {
    /// Begins a file.
    ///
    /// # Errors
    /// If its folder cannot be written to; the error names the file.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let sibling = Sibling::new(path);
        let file = Output::create_new(sibling.path()).map_err(failed(Action::Write, path))?;
        Ok(Self { file, sibling })
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        self.sibling.target()
    }

    /// Has the disk hold what was written so far. [`Pending::finish`] does it too; where files belong together, sync each before the
    /// first is finished.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync().map_err(failed(Action::Write, self.path()))
    }

    /// Puts the file in its place, on the disk.
    ///
    /// # Errors
    /// If the disk is full, or something else than a file is in that place.
    pub fn finish(self) -> Result<(), Error> {
        let Self { file, sibling } = self;
        let path = sibling.target().to_owned();
        let synced = file.sync();
        // Some systems do not rename what is open.
        drop(file);
        synced.and_then(|()| sibling.rename()).map_err(failed(Action::Write, &path))
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Pending {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing_behind() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("occupied");
        fs::create_dir(&target)?;
        let error = write_atomically(&target, b"text").expect_err("a folder is in the way");
        assert!(error.to_string().contains("occupied: cannot write: "), "{error}");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_writer_that_gives_up_leaves_what_was_there() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("text");
        write_atomically_with(&target, |file| file.write_all(b"whole"))?;
        let error = write_atomically_with(&target, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(error.is_err_and(|error| error.to_string().contains("text")));
        assert_eq!(fs::read(&target)?, b"whole");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_pending_file_is_whole_or_not_there() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("array");
        let mut dropped = Pending::create(&target)?;
        dropped.write_all(b"half")?;
        assert!(!target.exists());
        drop(dropped);
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);

        let mut finished = Pending::create(&target)?;
        finished.write_all(b"....whole")?;
        finished.seek(SeekFrom::Start(0))?;
        finished.write_all(b"the ")?;
        assert_eq!(finished.path(), target);
        finished.finish()?;
        assert_eq!(fs::read(&target)?, b"the whole");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_file_of_the_working_folder_needs_no_folder_in_its_name() -> Result<(), Error> {
        let path = Path::new("whole.test");
        write_atomically(path, b"whole")?;
        assert_eq!(crate::read(path)?, b"whole");
        fs::remove_file(path).map_err(failed(Action::Remove, path))
    }

    #[test]
    fn a_link_has_the_content_and_replaces() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (first, second, latest) =
            (folder.path().join("0"), folder.path().join("1"), folder.path().join("latest"));
        write_atomically(&first, b"zero")?;
        write_atomically(&second, b"one")?;
        link(&first, &latest)?;
        link(&second, &latest)?;
        assert_eq!(fs::read(&latest)?, b"one");
        assert_eq!(fs::read(&first)?, b"zero");
        assert_eq!(fs::read_dir(folder.path())?.count(), 3);
        Ok(())
    }
}
