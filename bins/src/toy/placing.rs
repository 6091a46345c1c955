//! A data set appears once all of it is written.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use datasets::generated::{TEST, TRAIN};

/// Puts a finished data set in the place of an earlier one, of which nothing of ours stays: arrays and pictures of both parts.
///
/// # Errors
/// If a file cannot be moved or removed.
pub(crate) fn place(aside: &Path, root: &Path) -> anyhow::Result<()> {
    for part in [TRAIN, TEST] {
        let folder = root.join(part);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for old in files(&folder)?.into_iter().filter(|path| is_ours(path)) {
            fs::remove_file(&old).with_context(|| old.display().to_string())?;
        }
    }
    for (from, to) in [
        (aside.join(TRAIN), root.join(TRAIN)),
        (aside.join(TEST), root.join(TEST)),
        (aside.into(), root.into()),
    ] {
        for new in files(&from)? {
            let to: PathBuf = to.join(new.file_name().unwrap_or_default());
            fs::rename(&new, &to).with_context(|| to.display().to_string())?;
        }
    }
    Ok(())
}

/// Removes a folder of our own and all that is in it; nothing where there is none.
///
/// # Errors
/// If something in it cannot be removed.
pub(crate) fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(anyhow::Error::new(error).context(folder.display().to_string()))
        }
        _ => Ok(()),
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// What `generate_toy_dataset` writes to a part, by name, and what it left there when it was killed.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sheet = name.strip_prefix("class").and_then(|rest| rest.strip_suffix(".png"));
    ["images.npy", "labels.npy", "density.json", "density.png", "density.svg"].contains(&name.as_str())
        || sheet.is_some_and(|class| class.parse::<usize>().is_ok())
        || name.starts_with(".images.npy.") && name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_ours_stays_and_all_else_does() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        let (aside, path) = (root.path().join(".unfinished"), root.path());
        for name in ["train/images.npy", "train/class7.png", "train/mine.txt", "test/labels.npy"] {
            fs::create_dir_all(path.join(name).parent().unwrap_or(path))?;
            fs::write(path.join(name), "old")?;
        }
        for name in ["train/images.npy", "train/class1.png", "test/images.npy", "classes.txt"] {
            fs::create_dir_all(aside.join(name).parent().unwrap_or(path))?;
            fs::write(aside.join(name), "new")?;
        }
        place(&aside, path)?;
        remove_folder(&aside)?;
        assert_eq!(fs::read_to_string(path.join("train/images.npy"))?, "new");
        assert!(path.join("train/mine.txt").exists() && path.join("classes.txt").exists());
        assert!(!path.join("train/class7.png").exists() && !path.join("test/labels.npy").exists());
        assert!(!aside.exists());
        Ok(())
    }
}
