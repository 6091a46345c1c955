//! Folders that are made, files and folders that are moved or removed.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{
    error::{Action, Error, failed},
    sibling::{UNFINISHED, folder_of},
    system,
};

/// Makes a folder and those above it that are missing, on the disk.
///
/// # Errors
/// If one cannot be made.
pub fn create_folders(folder: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
    missing
        .into_iter()
        .rev()
        .try_for_each(|folder| make(folder).map_err(failed(Action::CreateFolder, folder)))
}

/// Makes a folder in one that is there, on the disk; one that is there already is no error. A folder that a program has a lock on does
/// not come back by this after somebody moved or removed it.
///
/// # Errors
/// [`Error::Gone`] if the folder above is not there; [`Error::File`] if this one cannot be made.
pub fn create_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    make(folder).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Gone { folder: folder_of(folder).to_owned() },
        _ => failed(Action::CreateFolder, folder)(error),
    })
}

fn make(folder: &Path) -> io::Result<()> {
    match system::create_folder(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| system::sync_folder(folder_of(folder))),
    }
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), Error> {
    match system::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed(Action::Remove, path)),
    }
}

/// Removes a folder and all that is in it; one that is not there is no error.
///
/// # Errors
/// If something in it cannot be removed.
pub fn remove_folder(folder: &Path) -> Result<(), Error> {
    match system::remove_tree(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed(Action::Remove, folder)),
    }
}

/// Moves finished files into a folder of the same disk, in their order; where they are then. The last one has its place only once the
/// disk holds all others in theirs: where it is, everything is.
///
/// # Errors
/// If a file cannot be moved; those before it have been. The last one is in neither place if the disk may not hold it.
pub fn move_into(files: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let place = |file: &PathBuf| {
        let to = folder.join(file.file_name().unwrap_or_default());
        system::rename(file, &to).map_err(failed(Action::Write, &to))?;
        Ok(to)
    };
    let sync = || system::sync_folder(folder).map_err(failed(Action::Write, folder));
    let Some((last, others)) = files.split_last() else { return Ok(Vec::new()) };
    let mut places = others.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    if !others.is_empty() {
        sync()?;
    }
    let marker = place(last)?;
    if let Err(error) = sync() {
        // What is said to have failed must not look finished.
        let _ = system::remove_file(&marker);
        return Err(error);
    }
    places.push(marker);
    Ok(places)
}

/// Runs `work` with an empty folder in the one of the results, where they are written before they take their places; it is gone
/// afterwards.
///
/// # Errors
/// Those of `work`; [`Error::Gone`] if there is no folder `output`; if the folder cannot be made or removed.
pub fn aside<T, E: From<Error>>(output: &Path, work: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let aside = output.join(UNFINISHED);
    remove_folder(&aside)?;
    create_folder(&aside)?;
    let done = work(&aside);
    let removed = remove_folder(&aside);
    let done = done?;
    removed?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn folders_are_made_once_and_files_stay() -> Outcome {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("a/b");
        create_folders(&folder)?;
        fs::write(folder.join("text"), "mine")?;
        create_folders(&folder)?;
        assert_eq!(fs::read(folder.join("text"))?, b"mine");
        let error = create_folders(&folder.join("text")).expect_err("a file is in the way");
        assert!(error.to_string().contains("text: cannot create folder"), "{error}");
        Ok(())
    }

    #[test]
    fn a_folder_does_not_bring_back_the_one_above() -> Outcome {
        let root = tempfile::tempdir()?;
        let run = root.path().join("run");
        let error = create_folder(&run.join("below")).expect_err("nothing is above");
        assert!(matches!(&error, Error::Gone { folder } if *folder == run), "{error}");
        assert!(!run.exists());
        create_folder(&run)?;
        create_folder(&run.join("below"))?;
        create_folder(&run.join("below"))?;
        assert!(run.join("below").is_dir());
        Ok(())
    }

    #[test]
    fn what_is_not_there_need_not_be_removed() -> Outcome {
        let root = tempfile::tempdir()?;
        remove_file(&root.path().join("none"))?;
        remove_folder(&root.path().join("none"))?;
        assert!(remove_file(root.path()).is_err(), "a folder is no file");
        Ok(())
    }

    #[test]
    fn results_take_their_places_in_order_and_leave_nothing_aside() -> Outcome {
        let root = tempfile::tempdir()?;
        let output = root.path().join("out");
        let gone = aside(&output, |_| Ok::<_, Error>(())).expect_err("no such folder");
        assert!(matches!(gone, Error::Gone { .. }) && !output.exists(), "{gone}");
        create_folder(&output)?;
        let placed = aside(&output, |aside| {
            let files = ["b", "a"].map(|name| aside.join(name)).to_vec();
            files.iter().try_for_each(|file| crate::write_atomically(file, b"new"))?;
            move_into(&files, &output)
        })?;
        assert_eq!(placed, [output.join("b"), output.join("a")]);
        let failed: Result<(), Error> = aside(&output, |aside| {
            crate::write_atomically(&aside.join("a"), b"half")?;
            Err(Error::InUse { folder: aside.to_owned() })
        });
        assert!(failed.is_err() && fs::read(output.join("a"))? == b"new");
        assert_eq!(fs::read_dir(&output)?.count(), 2);
        Ok(())
    }
}
