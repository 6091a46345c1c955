//! Where measurements of a run are kept in its folder, by name, and how they replace earlier ones.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use files::{Action, FolderLock, failed};
use training::EventFile;

use crate::Error;

/// The folders in the folder of a run.
const GRAD: &str = "grad";
const EVALUATE: &str = "evaluate";
const LIVE: &str = "spectrum";
const MEASURE: &str = "measure";

/// Rows of an unfinished measurement.
pub const PARTIAL: &str = "gradient_spectrum.partial.json";

/// Numbers and heat map, without extension.
pub const SPECTRUM: &str = "gradient_spectrum";

/// Density curves, without extension.
pub const DENSITY: &str = "density";

/// All numbers of an evaluation.
pub const EVALUATION: &str = "evaluation.json";

/// Accuracy against cut-off radii, without extension.
pub const ACCURACY: &str = "accuracy";

/// Densities of features, without extension.
pub const FEATURES: &str = "features";

/// Where the gradient spectrum of a run's checkpoints is.
pub fn spectrum_folder(run: &Path) -> PathBuf {
    run.join(GRAD)
}

/// Where the spectrum is that was recorded while the run was trained.
pub fn live_folder(run: &Path) -> PathBuf {
    run.join(LIVE)
}

/// Where the evaluation of a run is.
pub fn evaluation_folder(run: &Path) -> PathBuf {
    run.join(EVALUATE)
}

/// Where the results of a measure of a run are: all their names begin with the measure's.
pub fn measure_folder(run: &Path, measure: &str) -> PathBuf {
    run.join(MEASURE).join(measure)
}

/// What an unfinished measurement has measured.
pub fn partial_measure(measure: &str) -> String {
    format!("{measure}.partial.json")
}

/// The event file of TensorBoard for results in a folder.
pub fn events_path(output: &Path) -> PathBuf {
    EventFile::path(&events_folder(output))
}

/// The folder of that file.
pub fn events_folder(output: &Path) -> PathBuf {
    output.join("tensorboard")
}

/// Keeps measurements away from a run that is about to be replaced; nothing where there are no results.
///
/// # Errors
/// If one is measuring it.
pub fn lock(run: &Path) -> Result<Vec<FolderLock>, Error> {
    let own = [spectrum_folder(run), evaluation_folder(run)].into_iter().filter(|folder| folder.is_dir());
    own.chain(measure_folders(run)?).map(|folder| Ok(FolderLock::take(&folder)?)).collect()
}

/// Removes the results of a run that is replaced; other files stay.
///
/// # Errors
/// If one cannot be removed.
pub fn remove(run: &Path) -> Result<(), Error> {
    let spectrum = ["json", "npz", "png", "svg"].map(|extension| format!("{SPECTRUM}.{extension}"));
    let names: Vec<_> = spectrum.into_iter().chain(pictures(DENSITY)).chain([PARTIAL.to_owned()]).collect();
    for folder in [spectrum_folder(run), live_folder(run)] {
        names.iter().try_for_each(|name| remove_file(&folder.join(name)))?;
        remove_file(&events_path(&folder))?;
    }
    for folder in measure_folders(run)? {
        remove_measure(&folder)?;
    }
    remove_evaluation(&evaluation_folder(run), &[])
}

/// The folders of all measures that a run has results of.
///
/// # Errors
/// If they cannot be listed.
pub fn measure_folders(run: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = entries(&run.join(MEASURE))?;
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}

/// Removes what a measure has written; other files stay.
fn remove_measure(folder: &Path) -> Result<(), Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_own = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'))
    };
    entries(folder)?.iter().filter(|path| is_own(path)).try_for_each(|path| remove_file(path))?;
    Ok(remove_file(&events_path(folder))?)
}

/// What is in a folder, in the order of names; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()),
    };
    let mut paths: Vec<PathBuf> = listed.map_err(failed(Action::Read, folder))?;
    paths.sort();
    Ok(paths)
}

/// Removes the results of an evaluation but for those that are to stay.
///
/// # Errors
/// If one cannot be removed.
pub fn remove_evaluation(folder: &Path, stay: &[PathBuf]) -> Result<(), Error> {
    let names = [EVALUATION.to_owned()].into_iter().chain(pictures(ACCURACY)).chain(pictures(FEATURES));
    let paths = names.map(|name| folder.join(name)).filter(|path| !stay.contains(path));
    Ok(paths.into_iter().try_for_each(|path| remove_file(&path))?)
}

/// Puts results into a folder. `write` writes them into the folder that it is given; they take the places of earlier ones
/// together, once all are written: a full disk leaves what was there.
///
/// # Errors
/// If a file cannot be written.
pub fn replace<E: From<files::Error>>(
    output: &Path,
    write: impl FnOnce(&Path) -> Result<Vec<PathBuf>, E>,
) -> Result<Vec<PathBuf>, E> {
    let aside = output.join(".unfinished");
    let remove = || fs::remove_dir_all(&aside).map_err(failed(Action::Remove, &aside));
    if aside.exists() {
        remove()?;
    }
    fs::create_dir(&aside).map_err(failed(Action::CreateFolder, &aside))?;
    let moved = write(&aside).and_then(|files| Ok(move_all(files, output)?));
    let removed = remove();
    let files = moved?;
    removed?;
    Ok(files)
}

/// Moves finished files into a folder; where they are then.
fn move_all(files: Vec<PathBuf>, folder: &Path) -> Result<Vec<PathBuf>, files::Error> {
    let place = |file: PathBuf| {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::rename(&file, &to).map_err(failed(Action::Write, &to))?;
        Ok(to)
    };
    files.into_iter().map(place).collect()
}

fn pictures(stem: &str) -> [String; 2] {
    ["png", "svg"].map(|extension| format!("{stem}.{extension}"))
}

/// Removes a file that may not be there.
fn remove_file(path: &Path) -> Result<(), files::Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed(Action::Remove, path)),
    }
}
