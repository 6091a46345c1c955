//! What `grad` and `evaluate` leave in the folder of a run, by name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use training::FolderLock;

use crate::spectrum_events;

/// The folders in the folder of a run.
const GRAD: &str = "grad";
const EVALUATE: &str = "evaluate";
const LIVE: &str = "spectrum";

/// Rows of an unfinished measurement.
pub(crate) const PARTIAL: &str = "gradient_spectrum.partial.json";

/// Numbers and heat map, without extension.
pub(crate) const SPECTRUM: &str = "gradient_spectrum";

/// Density curves, without extension.
pub(crate) const DENSITY: &str = "density";

/// All numbers of an evaluation.
pub(crate) const EVALUATION: &str = "evaluation.json";

/// Accuracy against cut-off radii, without extension.
pub(crate) const ACCURACY: &str = "accuracy";

/// Densities of features, without extension.
pub(crate) const FEATURES: &str = "features";

/// Where the results of `grad` are.
pub(crate) fn folder(run: &Path) -> PathBuf {
    run.join(GRAD)
}

/// Where the spectrum is that was recorded while the run was trained.
pub(crate) fn live_folder(run: &Path) -> PathBuf {
    run.join(LIVE)
}

/// Where the results of `evaluate` are.
pub(crate) fn evaluation_folder(run: &Path) -> PathBuf {
    run.join(EVALUATE)
}

/// Keeps `grad` and `evaluate` away from a run that is about to be replaced; nothing where there are no results.
///
/// # Errors
/// If one is measuring it.
pub(crate) fn lock(run: &Path) -> anyhow::Result<Vec<FolderLock>> {
    let folders = [folder(run), evaluation_folder(run)].into_iter().filter(|folder| folder.is_dir());
    folders.map(|folder| Ok(FolderLock::take(&folder)?)).collect()
}

/// Removes the results of a run that is replaced; other files stay.
///
/// # Errors
/// If one cannot be removed.
pub(crate) fn remove(run: &Path) -> anyhow::Result<()> {
    let spectrum = ["json", "npz", "png", "svg"].map(|extension| format!("{SPECTRUM}.{extension}"));
    let names: Vec<_> = spectrum.into_iter().chain(pictures(DENSITY)).chain([PARTIAL.to_owned()]).collect();
    for folder in [folder(run), live_folder(run)] {
        names.iter().try_for_each(|name| remove_file(&folder.join(name)))?;
        remove_file(&spectrum_events::path(&folder))?;
    }
    remove_evaluation(&evaluation_folder(run), &[])
}

/// Removes the results of an evaluation but for those that are to stay.
///
/// # Errors
/// If one cannot be removed.
pub(crate) fn remove_evaluation(folder: &Path, stay: &[PathBuf]) -> anyhow::Result<()> {
    let names = [EVALUATION.to_owned()].into_iter().chain(pictures(ACCURACY)).chain(pictures(FEATURES));
    let paths = names.map(|name| folder.join(name)).filter(|path| !stay.contains(path));
    paths.into_iter().try_for_each(|path| remove_file(&path))
}

/// Puts results into a folder. `write` writes them into the folder that it is given; they take the places of earlier ones
/// together, once all are written: a full disk leaves what was there.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn replace(
    output: &Path,
    write: impl FnOnce(&Path) -> anyhow::Result<Vec<PathBuf>>,
) -> anyhow::Result<Vec<PathBuf>> {
    let aside = output.join(".unfinished");
    let remove = || fs::remove_dir_all(&aside);
    if aside.exists() {
        remove().with_context(|| aside.display().to_string())?;
    }
    fs::create_dir(&aside).with_context(|| format!("cannot create folder {}", aside.display()))?;
    let moved = write(&aside).and_then(|files| move_all(files, output));
    let removed = remove().with_context(|| aside.display().to_string());
    let files = moved?;
    removed?;
    Ok(files)
}

/// Moves finished files into a folder; where they are then.
fn move_all(files: Vec<PathBuf>, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let place = |file: PathBuf| {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::rename(&file, &to).with_context(|| to.display().to_string())?;
        Ok(to)
    };
    files.into_iter().map(place).collect()
}

fn pictures(stem: &str) -> [String; 2] {
    ["png", "svg"].map(|extension| format!("{stem}.{extension}"))
}

/// Removes a file that may not be there.
fn remove_file(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| path.display().to_string()),
    }
}
