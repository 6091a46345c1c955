//! Where measurements of a run are kept in its folder, by name, and how they replace earlier ones.

use std::path::{Path, PathBuf};

use files::{FolderLock, entries, remove_file};
use training::EventFile;

use crate::Error;

/// The folders in the folder of a run.
const GRAD: &str = "grad";
const EVALUATE: &str = "evaluate";
const LIVE: &str = "spectrum";
const MEASURE: &str = "measure";

/// The page of everything that was measured of a run, in its folder.
pub const PAGE: &str = "report.html";

/// Numbers and heat map, without extension.
pub const SPECTRUM: &str = "gradient_spectrum";

/// Density curves, without extension.
pub const DENSITY: &str = "density";

/// Shares of gradient energy by ring, without extension.
pub const SHARES: &str = "shares";

/// Spectra of images that are classified rightly and wrongly, without extension.
pub const DIFFERENCE: &str = "difference";

/// Spectra by class, without extension.
pub const CLASSES: &str = "classes";

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
    let figures = pictures(DENSITY).into_iter().chain(spectrum_figures());
    let names: Vec<_> = spectrum.into_iter().chain(figures).chain([partial_measure(SPECTRUM)]).collect();
    for folder in [spectrum_folder(run), live_folder(run)] {
        names.iter().try_for_each(|name| remove_file(&folder.join(name)))?;
        remove_file(&events_path(&folder))?;
    }
    for folder in measure_folders(run)? {
        remove_measure(&folder)?;
    }
    remove_file(&run.join(PAGE))?;
    remove_evaluation(&evaluation_folder(run))
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

/// The figures that a spectrum may have beside the heat map and the densities.
pub fn spectrum_figures() -> impl Iterator<Item = String> {
    [SHARES, DIFFERENCE, CLASSES].into_iter().flat_map(pictures)
}

/// The figures that an evaluation may have.
pub fn evaluation_figures() -> impl Iterator<Item = String> {
    pictures(ACCURACY).into_iter().chain(pictures(FEATURES))
}

/// Removes the results of an evaluation.
fn remove_evaluation(folder: &Path) -> Result<(), Error> {
    let numbers = [EVALUATION.to_owned(), partial_measure("evaluation")];
    let names = numbers.into_iter().chain(evaluation_figures());
    Ok(names.into_iter().try_for_each(|name| remove_file(&folder.join(name)))?)
}

/// Puts results into a folder. `write` writes them into the folder that it is given, the numbers as JSON first, and says where they are;
/// the events of TensorBoard that it leaves in [`events_folder`] are results, too. They take the places of earlier ones together, once all
/// are written: a full disk leaves what was there. `earlier` are names that results may have had before; those that are not among the new
/// ones go. The JSON has its place last: where it is, everything else is of it.
///
/// # Errors
/// If a file cannot be written.
pub fn replace<E: From<files::Error>>(
    output: &Path,
    earlier: impl IntoIterator<Item = String>,
    write: impl FnOnce(&Path) -> Result<Vec<PathBuf>, E>,
) -> Result<Vec<PathBuf>, E> {
    files::aside(output, |aside| {
        let written = write(aside)?;
        let Some((numbers, others)) = written.split_first() else { return Ok(written) };
        let mut placed = files::move_into(others, output)?;
        for path in earlier.into_iter().map(|name| output.join(name)).filter(|path| !placed.contains(path)) {
            remove_file(&path)?;
        }
        let events = events_path(aside);
        if events.exists() {
            files::create_folder(&events_folder(output))?;
            placed.extend(files::move_into(&[events], &events_folder(output))?);
        }
        let numbers = files::move_into(std::slice::from_ref(numbers), output)?;
        Ok(numbers.into_iter().chain(placed).collect())
    })
}

fn pictures(stem: &str) -> [String; 2] {
    ["png", "svg"].map(|extension| format!("{stem}.{extension}"))
}
