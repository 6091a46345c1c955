//! A data set appears once all of it is written.

use std::path::{Path, PathBuf};

use datasets::generated::{TEST, TRAIN};

use super::summary::DENSITY;
use crate::{Error, folders};

/// Puts a finished data set in the place of an earlier one, of which nothing of ours stays: arrays and pictures of both parts. The numbers
/// of the test images go first and come last: where they are, everything is.
///
/// # Errors
/// If a file cannot be moved or removed.
pub(super) fn place(aside: &Path, root: &Path) -> Result<(), Error> {
    let numbers = format!("{DENSITY}.json");
    files::remove_file(&root.join(TEST).join(&numbers))?;
    for part in [TEST, TRAIN] {
        let folder = root.join(part);
        files::create_folder(&folder)?;
        only_files(&folder)?
            .iter()
            .filter(|path| is_ours(path))
            .try_for_each(|old| files::remove_file(old))?;
    }
    for (from, to) in [
        (aside.into(), root.into()),
        (aside.join(TRAIN), root.join(TRAIN)),
        (aside.join(TEST), root.join(TEST)),
    ] {
        let mut new = only_files(&from)?;
        new.sort_by_key(|path| path.ends_with(&numbers));
        files::move_into(&new, &to)?;
    }
    Ok(())
}

fn only_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(files::entries(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

/// What [`Restructuring::run`](super::settings::Restructuring::run) writes to a part, by name, and what earlier versions left there when they
/// were killed.
fn is_ours(path: &Path) -> bool {
    let name = folders::name(path);
    let sheet = name.strip_prefix("class").and_then(|rest| rest.strip_suffix(".png"));
    ["images.npy", "labels.npy", "density.json", "density.png", "density.svg"].contains(&name.as_str())
        || sheet.is_some_and(|class| class.parse::<usize>().is_ok())
        || name.starts_with(".images.npy.") && name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        files::remove_folder(&aside)?;
        assert_eq!(fs::read_to_string(path.join("train/images.npy"))?, "new");
        assert!(path.join("train/mine.txt").exists() && path.join("classes.txt").exists());
        assert!(!path.join("train/class7.png").exists() && !path.join("test/labels.npy").exists());
        assert!(!aside.exists());
        Ok(())
    }
}
