//! The names of the results that the programs leave in the folder of a run, of kernels and of generated images.

use std::path::{Path, PathBuf};

use runs::results;
use training::RunFolder;

/// The state of unfinished or finished kernels, in the folder of each set of kernels.
const KERNEL_STATE: &str = "latest.state.safetensors";

/// Kernels beside it: the last ones, and those of the first epoch.
const KERNELS: &str = "latest.safetensors";
const FIRST_KERNELS: &str = "Epoch0.safetensors";

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

/// The numbers of a measure of a run, without extension.
pub(crate) fn measure(run: &Path, name: &str) -> PathBuf {
    results::measure_folder(run, name).join(name)
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

/// What is left of a fit, or of a training run, that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// There is none.
    Nothing,
    /// It can go on.
    Whole,
    /// A part of it was removed: it can only be replaced.
    Broken,
}

/// Whether a fit was begun in the folder of an experiment, for all classes or for one of them.
pub(crate) fn kernels(experiment: &Path) -> Begun {
    let sets = files::entries(experiment).unwrap_or_default();
    let mut found = Begun::Nothing;
    for set in sets.into_iter().filter(|path| path.is_dir()) {
        match (
            set.join(KERNEL_STATE).exists(),
            set.join(KERNELS).exists() || set.join(FIRST_KERNELS).exists(),
        ) {
            (true, _) if found == Begun::Nothing => found = Begun::Whole,
            (false, true) => found = Begun::Broken,
            _ => {}
        }
    }
    found
}

/// Whether a network was trained in a folder.
pub(crate) fn training(run: &Path) -> Begun {
    let run = RunFolder::at(run);
    match (run.state_path().exists(), run.holds_a_run()) {
        (true, _) => Begun::Whole,
        (false, true) => Begun::Broken,
        (false, false) => Begun::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_found_where_cdes_keeps_them() -> std::io::Result<()> {
        let experiment = tempfile::tempdir()?;
        assert_eq!(kernels(experiment.path()), Begun::Nothing);
        let set = cdes::KernelFolder::at(experiment.path().join("class3"));
        std::fs::create_dir(set.path())?;
        assert_eq!(kernels(experiment.path()), Begun::Nothing);
        std::fs::write(set.checkpoint_path(0), "")?;
        assert_eq!(kernels(experiment.path()), Begun::Broken);
        std::fs::write(set.state_path(), "")?;
        assert_eq!(kernels(experiment.path()), Begun::Whole);
        Ok(())
    }
}
