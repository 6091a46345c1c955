//! The names of the results that the programs leave in the folder of a run, of kernels and of generated images.

use std::path::{Path, PathBuf};

use runs::results;

/// The state of unfinished or finished kernels, in the folder of each set of kernels.
const KERNEL_STATE: &str = "latest.state.safetensors";

/// The last file of a fit of kernels.
pub(crate) const FIT: &str = "config.json";

/// The spectrum that was recorded while a network was trained, without extension.
pub(crate) fn spectrum(run: &Path) -> PathBuf {
    results::live_folder(run).join(results::SPECTRUM)
}

/// The densities of images and gradients beside that spectrum, without extension.
pub(crate) fn spectrum_density(run: &Path) -> PathBuf {
    results::live_folder(run).join(results::DENSITY)
}

/// The numbers of an evaluation.
pub(crate) fn evaluation(run: &Path) -> PathBuf {
    results::evaluation_folder(run).join(results::EVALUATION)
}

/// The figure of accuracies, without extension.
pub(crate) fn accuracy(run: &Path) -> PathBuf {
    results::evaluation_folder(run).join(results::ACCURACY)
}

/// The figure of features, without extension.
pub(crate) fn features(run: &Path) -> PathBuf {
    results::evaluation_folder(run).join(results::FEATURES)
}

/// The densities of generated test images and of the images that they were made of, without extension.
pub(crate) fn image_density(images: &Path) -> PathBuf {
    images.join("test").join(results::DENSITY)
}

/// Whether a fit was begun in the folder of an experiment, for all classes or for one of them.
pub(crate) fn holds_kernels(experiment: &Path) -> bool {
    let sets = std::fs::read_dir(experiment).into_iter().flatten().flatten();
    sets.map(|entry| entry.path().join(KERNEL_STATE)).any(|state| state.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_found_where_cdes_keeps_them() -> std::io::Result<()> {
        let experiment = tempfile::tempdir()?;
        assert!(!holds_kernels(experiment.path()));
        let set = cdes::KernelFolder::at(experiment.path().join("class3"));
        std::fs::create_dir(set.path())?;
        assert!(!holds_kernels(experiment.path()));
        std::fs::write(set.state_path(), "")?;
        assert!(holds_kernels(experiment.path()));
        Ok(())
    }
}
