//! What can be chosen about restructured images.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::{config::Provenance, experiment::Experiment};

/// Which kernels make images, and where these go; [`Restructuring::new`] has the paper's values. Run by [`Restructuring::run`].
#[derive(Debug, Clone)]
pub struct Restructuring {
    /// The experiment that the kernels are of.
    pub experiment: Experiment,
    /// The folder of its kernel sets: [`KernelFit::folder`](crate::kernels::KernelFit::folder).
    pub kernels: PathBuf,
    /// Kernels that each set must have; any number where there is none.
    pub number: Option<usize>,
    /// Side in pixels that the kernels must have; any where there is none.
    pub kernel_size: Option<usize>,
    /// The epoch whose kernels are used; the last where there is none.
    pub epoch: Option<usize>,
    /// The radius up to which images keep their own frequencies, in cycles per image; 10.
    pub radius: usize,
    /// Of the noise that images have before kernels see them.
    pub seed: u64,
    /// Where the images go.
    pub folder: PathBuf,
    /// Where the images were read that others are made of: they are not replaced.
    pub source: Option<PathBuf>,
    /// Whether images that are there may be replaced.
    pub overwrite: bool,
    /// What the configuration says of the caller.
    pub provenance: Provenance,
}

impl Restructuring {
    /// By the kernels in one folder, into another one.
    pub fn new(kernels: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            experiment: Experiment::default(),
            kernels: kernels.into(),
            number: None,
            kernel_size: None,
            epoch: None,
            radius: 10,
            seed: 0,
            folder: folder.into(),
            source: None,
            overwrite: false,
            provenance: Provenance::default(),
        }
    }

    /// All settings by the names that the published scripts have for them, and the caller's.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let named = json!({
            "exp_name": self.experiment,
            "number": self.number,
            "kernel_size": self.kernel_size,
            "epoch": self.epoch,
            "radius": self.radius,
            "seed": self.seed,
        });
        let mut settings = self.provenance.settings.clone();
        settings.extend(named.as_object().cloned().unwrap_or_default());
        settings
    }
}
