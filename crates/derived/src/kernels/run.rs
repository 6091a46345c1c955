//! Fits the kernel sets of an experiment, one after the other.

use std::path::PathBuf;

use candle_core::Device;
use cdes::{EpochLosses, Fit, FitEvent, ImageSource, KernelFolder, Outcome, ToyKernels};
use datasets::Dataset;
use progress::Progress;
use serde::Serialize;
use training::Start;

use super::{
    earlier, events,
    images::ScopeImages,
    pictures::{self, Pictures},
    reporter::Reporter,
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
    /// # Errors
    /// Nothing is changed if a setting is out of its range, a class has no images ([`Error::NoImages`]), there are kernels that
    /// `start` does not allow for ([`Error::FitExists`], [`Error::NothingToResume`], [`Error::StateMissing`]), or a resumed fit has
    /// other images or settings ([`Error::ImagesChanged`], [`Error::SettingChanged`]). Later: if the loss diverges, a file cannot be
    /// written, or the flag is set ([`Error::FitInterrupted`]).
    pub fn run(
        &self,
        dataset: &Dataset,
        start: Start,
        device: Option<&Device>,
        progress: &Progress,
    ) -> Result<Vec<Fitted>, Error> {
        let dataset = &source::in_memory(dataset)?;
        let scopes = self.experiment.scopes(dataset.train.classes().len());
        let images = scopes.iter().map(|&scope| ScopeImages::new(dataset, scope, self.fit_on));
        let images: Vec<ScopeImages<'_>> = images.collect::<Result<_, _>>()?;
        // Everything that can be rejected comes first: earlier kernels are removed only for ones that can be fitted.
        self.plan(Scope::All, dataset.train.shape(), device)?;
        self.fresh_kernels(Scope::All)?;
        let _lock = earlier::take(self, &scopes, dataset, start)?;
        let config = KernelConfig::new(&self.provenance, dataset, self.settings(&dataset.name));
        if start != Start::Resume {
            config.write(&self.folder)?;
        }
        let mut fitter = Fitter { settings: self, dataset, device, progress, before: None };
        let sets = scopes.iter().zip(&images);
        let fitted = sets.map(|(&scope, images)| fitter.run(scope, images)).collect::<Result<_, _>>()?;
        // Only now is it known that a resumed fit went on with these settings.
        config.write(&self.folder)?;
        Ok(fitted)
    }
}

struct Fitter<'a> {
    settings: &'a KernelFit,
    dataset: &'a Dataset,
    device: Option<&'a Device>,
    progress: &'a Progress,
    /// The kernels of the class before, for a warm start.
    before: Option<PathBuf>,
}

impl Fitter<'_> {
    fn run(&mut self, scope: Scope, images: &ScopeImages<'_>) -> Result<Fitted, Error> {
        let label = scope.label(self.dataset.train.classes());
        let fit = self.settings.plan(scope, self.dataset.train.shape(), self.device)?;
        let mut kernels = self.first_kernels(scope)?;
        let folder = begin(self.settings.folder_of(scope))?;
        let outcome = self.fit(&fit, &mut kernels, images, &folder, &label)?;
        self.before = Some(folder.latest_path());
        let (path, epochs) = (folder.path().to_owned(), read_log(&folder)?);
        events::save(&path, &pictures::folder(&path), &epochs)?;
        match outcome {
            Outcome::Finished => Ok(Fitted { scope, folder: path, epochs }),
            Outcome::Interrupted { epoch, batch } => {
                let folder = self.settings.folder.clone();
                Err(Error::FitInterrupted { label, epoch, batches: batch, folder })
            }
        }
    }

    fn fit(
        &self,
        fit: &Fit,
        kernels: &mut ToyKernels,
        images: &ScopeImages<'_>,
        folder: &KernelFolder,
        label: &str,
    ) -> Result<Outcome, Error> {
        let epochs = self.settings.steps.epochs;
        let mut reporter = Reporter::new(self.progress, epochs, images.len(), label);
        let pictures = Pictures::new(folder.path(), label, images, fit.objective().target(), epochs)?;
        let mut drawn = Ok(());
        let outcome = fit.run(kernels, images, Some(folder), self.progress.interrupt(), &mut |event| {
            reporter.see(&event);
            if let (FitEvent::Epoch { losses, kernels }, Ok(())) = (&event, &drawn) {
                drawn = pictures.draw(losses.epoch, kernels);
            }
        })?;
        drawn?;
        if let Outcome::Finished = outcome {
            pictures.complete(folder)?;
        }
        Ok(outcome)
    }

    fn first_kernels(&self, scope: Scope) -> Result<ToyKernels, Error> {
        match self.before.as_ref().filter(|_| self.settings.warm_start) {
            Some(before) => Ok(ToyKernels::load(before)?),
            None => self.settings.fresh_kernels(scope),
        }
    }
}

/// Goes on with the fit in a folder, where there is one.
fn begin(folder: KernelFolder) -> Result<KernelFolder, Error> {
    let start = if folder.state_path().exists() { Start::Resume } else { Start::Fresh };
    Ok(KernelFolder::begin(folder.path(), start)?)
}

/// The epochs that are finished; none where a fit was stopped in the first one.
fn read_log(folder: &KernelFolder) -> Result<Vec<EpochLosses>, Error> {
    let path = folder.log_path();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = files::read(&path)?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(Error::damaged(&path, "log of losses"))).collect()
}
