//! What can be chosen about kernels.

use std::path::PathBuf;

use candle_core::Device;
use cdes::{Fit, FitSettings, KernelFolder, Objective, ToyKernels, target_density};
use datasets::ImageShape;
use ranks::Ranks;
use serde::Serialize;
use serde_json::{Map, Value, json};
use spectral::{Convention, RadialBins};
use training::Schedule;

use crate::{
    Error,
    config::{KernelSettings, Provenance},
    experiment::{Experiment, Scope},
};

/// Which images kernels are fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FitOn {
    /// Training and test images, as published.
    #[default]
    All,
    /// Training images alone.
    Train,
}

/// How the kernels of an experiment are fitted, and where they go; [`KernelFit::new`] has the paper's values. Run by
/// [`KernelFit::run`].
#[derive(Debug, Clone)]
pub struct KernelFit {
    /// A kernel set for each class, or one for all.
    pub experiment: Experiment,
    /// Kernels of the first convolution; 16.
    pub number: usize,
    /// Side of a kernel in pixels, odd; 7.
    pub kernel_size: usize,
    /// Epochs, batches and learning rate; the seed is that of the kernels too. Each class adds its number to it.
    pub steps: FitSettings,
    /// Height of the second peak of the target density, relative to the first; 1.
    pub rho: f64,
    /// Whether each class begins with the kernels of the class before, as in the published script; false.
    pub warm_start: bool,
    /// Which images to fit on.
    pub fit_on: FitOn,
    /// Where the kernel sets go, each into a folder of its own.
    pub folder: PathBuf,
    /// What the configuration says of the caller.
    pub provenance: Provenance,
    /// Who shares the kernel sets; one rank. Rank 0 calls [`KernelFit::run`], the others [`KernelFit::help`].
    pub ranks: Ranks,
}

impl KernelFit {
    /// The paper's settings, with the kernels in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            experiment: Experiment::default(),
            number: 16,
            kernel_size: 7,
            steps: FitSettings::default(),
            rho: 1.0,
            warm_start: false,
            fit_on: FitOn::default(),
            folder: folder.into(),
            provenance: Provenance::default(),
            ranks: Ranks::default(),
        }
    }

    /// The fit of one kernel set, whose steps are computed on a device where there is one.
    ///
    /// # Errors
    /// If a setting is out of its range, images are too small to have bands, or the device fails.
    pub(super) fn plan(
        &self,
        scope: Scope,
        shape: ImageShape,
        device: Option<&Device>,
    ) -> Result<Fit, Error> {
        let settings = FitSettings { seed: scope.seed(self.steps.seed), ..self.steps.clone() };
        let fit = settings.check(Objective::new(shape.height, shape.width, self.target(shape))?)?;
        Ok(match device {
            Some(device) => fit.on(device)?,
            None => fit,
        })
    }

    /// The density that images are to get.
    pub(super) fn target(&self, shape: ImageShape) -> Vec<f64> {
        let radii = RadialBins::new(shape.height, shape.width, Convention::Reference);
        target_density(radii.len(), shape.height, self.rho)
    }

    /// Kernels that nothing has changed yet.
    ///
    /// # Errors
    /// [`Error::KernelForm`] if there are none of this number and size.
    pub(super) fn fresh_kernels(&self, scope: Scope) -> Result<ToyKernels, Error> {
        let seed = scope.seed(self.steps.seed);
        ToyKernels::new(self.number, self.kernel_size, seed).map_err(|error| match error {
            cdes::Error::Setting { setting, found, expected } => {
                Error::KernelForm { setting, found, expected }
            }
            error => error.into(),
        })
    }

    /// The folder of one kernel set.
    pub(super) fn folder_of(&self, scope: Scope) -> KernelFolder {
        KernelFolder::at(self.folder.join(scope.folder()))
    }

    /// All settings by the names that the published scripts have for them, and the caller's.
    pub(super) fn settings(&self, dataset: &str) -> KernelSettings {
        let FitSettings { epochs, lr, momentum, weight_decay, schedule, batch_size, seed } = &self.steps;
        let mut named = object(json!({
            "exp_name": self.experiment,
            "number": self.number,
            "kernel_size": self.kernel_size,
            "epochs": epochs,
            "batch_size": batch_size,
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "fit_on": self.fit_on,
            "seed": seed,
        }));
        named.extend(object(match schedule {
            Schedule::Step { epochs, factor } => json!({ "step_lr": epochs, "step_lr_gamma": factor }),
            other => json!({ "schedule": other.to_string() }),
        }));
        let mut others = self.provenance.settings.clone();
        others.extend(named);
        KernelSettings::new(dataset, self.warm_start, self.rho, others)
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(entries) = value { entries } else { Map::new() }
}
