//! What `grad` leaves in the folder of a run, by name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use training::FolderLock;

/// The folder in the folder of a run.
const FOLDER: &str = "grad";

/// Rows of an unfinished measurement.
pub(crate) const PARTIAL: &str = "gradient_spectrum.partial.json";

/// Numbers and heat map, without extension.
pub(crate) const SPECTRUM: &str = "gradient_spectrum";

/// Density curves, without extension.
pub(crate) const DENSITY: &str = "density";

/// Where the results of a run are.
pub(crate) fn folder(run: &Path) -> PathBuf {
    run.join(FOLDER)
}

/// Keeps `grad` away from a run that is about to be replaced; nothing where there are no results.
///
/// # Errors
/// If `grad` is measuring it.
pub(crate) fn lock(run: &Path) -> anyhow::Result<Option<FolderLock>> {
    let folder = folder(run);
    Ok(if folder.is_dir() { Some(FolderLock::take(&folder)?) } else { None })
}

/// Removes the results of a run that is replaced; other files stay.
///
/// # Errors
/// If one cannot be removed.
pub(crate) fn remove(run: &Path) -> anyhow::Result<()> {
    let spectrum = ["json", "npz", "png", "svg"].map(|extension| format!("{SPECTRUM}.{extension}"));
    let density = ["png", "svg"].map(|extension| format!("{DENSITY}.{extension}"));
    for name in spectrum.into_iter().chain(density).chain([PARTIAL.to_owned()]) {
        let path = folder(run).join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.with_context(|| path.display().to_string())?,
        }
    }
    Ok(())
}
