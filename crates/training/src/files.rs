//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use crate::Error;

/// Writes a file under a sibling name, syncs it and renames it; whatever fails, no half-written file stays behind.
///
/// # Errors
/// If the folder cannot be written or the disk is full; the error names the file.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace(path, |sibling| {
        let mut file = File::create(sibling)?;
        file.write_all(content)?;
        file.sync_all()
    })
}

/// Makes `path` another name of `original`: a hard link where the file system has them, else a copy.
pub(crate) fn link(original: &Path, path: &Path) -> Result<(), Error> {
    replace(path, |sibling| {
        // A sibling that an earlier crash left behind would refuse the link.
        let _ = fs::remove_file(sibling);
        fs::hard_link(original, sibling).or_else(|_| fs::copy(original, sibling).map(drop))
    })
}

fn replace(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), Error> {
    let sibling = sibling(path);
    let done = write(&sibling).and_then(|()| fs::rename(&sibling, path));
    done.map_err(|error| {
        let _ = fs::remove_file(&sibling);
        Error::file("write", path)(error)
    })
}

fn sibling(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing_behind() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("occupied");
        fs::create_dir(&target)?;
        let error = write_atomically(&target, b"text").expect_err("a folder is in the way");
        assert!(error.to_string().contains("occupied"));
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
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
        Ok(())
    }
}
