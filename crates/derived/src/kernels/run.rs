//! The fit of an experiment's kernel sets, on one rank or several.

use std::path::PathBuf;

use candle_core::Device;
use cdes::EpochLosses;
use datasets::Dataset;
use progress::Progress;
use serde::Serialize;
use training::Start;

use super::{
    earlier,
    first::First,
    fitter::Fitter,
    helper::Helper,
    said::{Said, Stop},
    sets::{KernelSet, kernel_sets},
    settings::KernelFit,
};
use crate::{Error, config::KernelConfig, experiment::Scope, source};

/// A kernel set that is fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fitted {
    /// Whose images it is of.
    pub scope: Scope,
    /// Its folder.
    pub folder: PathBuf,
    /// The losses of all epochs.
    pub epochs: Vec<EpochLosses>,
}

impl KernelFit {
    /// Fits all kernel sets of the experiment on a data set of RGB images, which are decoded into memory. With a device, steps are
    /// computed by tensor operations there; without one by the CPU's own kernels. Every finished epoch is kept; so is the state
    /// of a fit that the interrupt flag stops.
    ///
    /// On rank 0 of several, all others must call [`KernelFit::help`]: each fits some of the sets, and this rank keeps them all. The files
    /// are the same for any number of ranks.
    ///
    /// # Errors
    /// Nothing is changed if a setting is out of its range, a class has no images ([`Error::NoImages`]), there are kernels that
    /// `start` does not allow for ([`Error::FitExists`], [`Error::NothingToResume`], [`Error::StateMissing`]), or a resumed fit has
    /// other images or settings ([`Error::ImagesChanged`], [`Error::SettingChanged`]). Later: if the loss diverges, a file cannot be
    /// written, another rank fails, or the flag is set ([`Error::FitInterrupted`]).
    pub fn run(
        &self,
        dataset: &Dataset,
        start: Start,
        device: Option<&Device>,
        progress: &Progress,
    ) -> Result<Vec<Fitted>, Error> {
        let dataset = &source::in_memory(dataset)?;
        let (sets, shape) = (kernel_sets(self, dataset)?, dataset.train.shape());
        // Everything that can be rejected comes first: earlier kernels are removed only for ones that can be fitted.
        self.plan(Scope::All, shape, device)?;
        self.fresh_kernels(Scope::All)?;
        let _lock = earlier::take(self, &sets, dataset, start)?;
        let config = KernelConfig::new(&self.provenance, dataset, self.settings(&dataset.name));
        if start != Start::Resume {
            config.write(&self.folder)?;
        }
        self.ranks.announce(&self.task(dataset))?;
        let target = self.target(shape);
        let mut first = First::new(self, progress, &sets, &target);
        let stopped = Fitter { settings: self, shape, device }.run(&sets, &mut first)?;
        if let Some(Stop { set, epoch, batch }) = first.wait(stopped)? {
            let (label, folder) = (sets[set].label.clone(), self.folder.clone());
            return Err(Error::FitInterrupted { label, epoch, batches: batch, folder });
        }
        // Only now is it known that a resumed fit went on with these settings.
        config.write(&self.folder)?;
        let fitted = |set: &KernelSet<'_>| {
            let (folder, epochs) = first.losses(set)?;
            Ok(Fitted { scope: set.scope, folder, epochs })
        };
        sets.iter().map(fitted).collect()
    }

    /// Fits the kernel sets that fall to this rank, one of several and not the first, while rank 0 is in [`KernelFit::run`] with the same
    /// arguments. Nothing is written.
    ///
    /// # Errors
    /// If rank 0 has other images or settings ([`ranks::Error::Different`]), a fit fails, or rank 0 has ended the work
    /// ([`ranks::Error::Ended`]). Where the flag stops it, rank 0 says so.
    pub fn help(&self, dataset: &Dataset, device: Option<&Device>, progress: &Progress) -> Result<(), Error> {
        let dataset = &source::in_memory(dataset)?;
        let sets = kernel_sets(self, dataset)?;
        let (own, of_first): (_, String) = (self.task(dataset), self.ranks.await_from(0)?);
        if own != of_first {
            return Err(ranks::Error::different("fitted", &own, &of_first).into());
        }
        let fitter = Fitter { settings: self, shape: dataset.train.shape(), device };
        if let Some(stop) = fitter.run(&sets, &mut Helper::new(self, progress))? {
            self.ranks.send(0, &Said::Stopped(stop))?;
        }
        Ok(self.ranks.send(0, &Said::Over)?)
    }

    /// What all ranks must fit, and with what.
    fn task(&self, dataset: &Dataset) -> String {
        let Self { number, kernel_size, steps, rho, warm_start, fit_on, .. } = self;
        let (sets, images) = (self.experiment.as_str(), dataset.checksum());
        let kernels = self.provenance.kernels.as_deref().unwrap_or("");
        format!(
            "{sets} of {number} kernels of {kernel_size}×{kernel_size}, ρ {rho}, warm start {warm_start}, {fit_on:?} images {images:08x}, \
             {steps:?} {kernels}"
        )
    }
}
