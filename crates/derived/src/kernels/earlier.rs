//! Kernels that are in the folder already: rejected, resumed or removed.

use std::path::Path;

use cdes::KernelFolder;
use datasets::Dataset;
use files::FolderLock;
use training::Start;

use super::{events, pictures, sets::KernelSet, settings::KernelFit};
use crate::{Error, config::KernelConfig, experiment::Scope, folders};

/// Takes the folder for a fit of these kernel sets. All that can be rejected is rejected before anything is removed.
///
/// # Errors
/// If there are kernels and the fit is fresh, if they cannot be resumed or are to be resumed with other images or settings, if another
/// program writes to the folder, or if a file cannot be removed.
pub(super) fn take(
    fit: &KernelFit,
    sets: &[KernelSet<'_>],
    dataset: &Dataset,
    start: Start,
) -> Result<FolderLock, Error> {
    let root = &fit.folder;
    match (start, is_begun(fit, sets, start)?) {
        (Start::Fresh, true) => return Err(Error::FitExists { folder: root.clone() }),
        (Start::Resume, false) => return Err(Error::NothingToResume { folder: root.clone() }),
        (Start::Resume, true) => check_same(fit, dataset)?,
        _ => {}
    }
    let lock = FolderLock::take(root)?;
    if start == Start::Overwrite {
        remove(root)?;
    }
    Ok(lock)
}

/// Whether there are kernels of one of the scopes. Kernels without a state can only be replaced.
fn is_begun(fit: &KernelFit, sets: &[KernelSet<'_>], start: Start) -> Result<bool, Error> {
    let mut is_begun = false;
    for set in sets {
        let folder = fit.folder_of(set.scope);
        let (has_state, has_kernels) = (folder.state_path().exists(), !folder.checkpoints()?.is_empty());
        is_begun |= has_state || has_kernels;
        if has_kernels && !has_state && start != Start::Overwrite {
            return Err(Error::StateMissing { state: folder.state_path() });
        }
    }
    Ok(is_begun)
}

/// A fit that is resumed must be of the same images, and begin its classes in the same way; what else must not change its state knows.
fn check_same(fit: &KernelFit, dataset: &Dataset) -> Result<(), Error> {
    let config = KernelConfig::read(&fit.folder)?;
    let changed = |name, before: String, now: String| {
        Err(Error::SettingChanged { folder: fit.folder.clone(), name, before, now })
    };
    match config.settings.dataset {
        Some(before) if before != dataset.name => return changed("data set", before, dataset.name.clone()),
        _ => {}
    }
    match config.settings.warm_start {
        Some(before) if before != fit.warm_start => {
            return changed("warm start", before.to_string(), fit.warm_start.to_string());
        }
        _ => {}
    }
    match config.images_checksum {
        Some(before) if before != dataset.checksum() => {
            Err(Error::ImagesChanged { folder: fit.folder.clone() })
        }
        _ => Ok(()),
    }
}

/// Removes kernels, logs and pictures of earlier fits, by their names.
fn remove(root: &Path) -> Result<(), Error> {
    for folder in files::entries(root)?.into_iter().filter(|path| Scope::is_folder(&folders::name(path))) {
        KernelFolder::at(&folder).clear()?;
        files::remove_file(&events::path(&folder))?;
        let pictures = files::entries(&pictures::folder(&folder))?.into_iter();
        for picture in pictures.filter(|path| pictures::is_ours(&folders::name(path))) {
            files::remove_file(&picture)?;
        }
    }
    Ok(())
}
