//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
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

/// As [`write_atomically`], for content that is not in memory: `write` writes it.
///
/// # Errors
/// As [`write_atomically`], and those of `write`.
pub fn write_atomically_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Error> {
    replace(path, |sibling| {
        let mut file = BufWriter::new(File::create(sibling)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()
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

/// Reads a file that must be one: a pipe or a device in its place could keep the program waiting for ever.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    refuse_special(path)?;
    fs::read(path).map_err(Error::file("read", path))
}

/// An error for what is there and is no regular file.
pub(crate) fn refuse_special(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let kind = if found.is_dir() { "a folder" } else { "a pipe or a device" };
            Err(Error::file("read", path)(std::io::Error::other(format!("it is {kind}, expected a file"))))
        }
        _ => Ok(()),
    }
}

/// Removes what [`write_atomically`] left behind in programs that were killed. The folder must be this program's alone.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::file("read folder", folder))? {
        let path = entry.map_err(Error::file("read folder", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_suffix(".tmp").and_then(|name| name.rsplit('.').next());
        let is_ours = name.starts_with('.') && number.is_some_and(|number| number.parse::<u32>().is_ok());
        if is_ours && path.is_file() {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
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
    fn a_writer_that_gives_up_leaves_what_was_there() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("text");
        write_atomically_with(&target, |file| file.write_all(b"whole"))?;
        let error = write_atomically_with(&target, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("no more"))
        });
        assert!(error.is_err_and(|error| error.to_string().contains("text")));
        assert_eq!(fs::read(&target)?, b"whole");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn leftovers_go_and_other_files_stay() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for name in [".0_checkpoint.safetensors.17700.tmp", ".hidden.tmp", "0_checkpoint.safetensors"] {
            fs::write(folder.path().join(name), b"")?;
        }
        remove_leftovers(folder.path())?;
        let left = fs::read_dir(folder.path())?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut left = left.collect::<Result<Vec<_>, _>>()?;
        left.sort();
        assert_eq!(left, [".hidden.tmp", "0_checkpoint.safetensors"]);
        Ok(())
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_told() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let error = read(folder.path()).expect_err("a folder");
        assert!(error.to_string().contains("it is a folder, expected a file"), "{error}");
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
