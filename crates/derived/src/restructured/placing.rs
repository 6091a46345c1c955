//! A data set appears once all of it is written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datasets::generated::{TEST, TRAIN};
use files::{Action, failed};

use crate::{Error, folders};

/// Puts a finished data set in the place of an earlier one, of which nothing of ours stays: arrays and pictures of both parts.
///
/// # Errors
/// If a file cannot be moved or removed.
pub(super) fn place(aside: &Path, root: &Path) -> Result<(), Error> {
    for part in [TRAIN, TEST] {
        let folder = root.join(part);
        folders::make(&folder)?;
        files(&folder)?.iter().filter(|path| is_ours(path)).try_for_each(|old| folders::remove_file(old))?;
    }
    for (from, to) in [
        (aside.join(TRAIN), root.join(TRAIN)),
        (aside.join(TEST), root.join(TEST)),
        (aside.into(), root.into()),
    ] {
        for new in files(&from)? {
            let to: PathBuf = to.join(new.file_name().unwrap_or_default());
            fs::rename(&new, &to).map_err(failed(Action::Write, &to))?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(folders::entries(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

/// What [`Restructuring::run`](super::settings::Restructuring::run) writes to a part, by name, and what it left there when it was killed.
fn is_ours(path: &Path) -> bool {
    let name = folders::name(path);
    let sheet = name.strip_prefix("class").and_then(|rest| rest.strip_suffix(".png"));
    ["images.npy", "labels.npy", "density.json", "density.png", "density.svg"].contains(&name.as_str())
        || sheet.is_some_and(|class| class.parse::<usize>().is_ok())
        || name.starts_with(".images.npy.") && name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_ours_stays_and_all_else_does() -> Result<(), Box<dyn std::error::Error>> {
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
        folders::remove_all(&aside)?;
        assert_eq!(fs::read_to_string(path.join("train/images.npy"))?, "new");
        assert!(path.join("train/mine.txt").exists() && path.join("classes.txt").exists());
        assert!(!path.join("train/class7.png").exists() && !path.join("test/labels.npy").exists());
        assert!(!aside.exists());
        Ok(())
    }
}
