//! Fits kernel sets, one after the other, on whatever rank.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use candle_core::Device;
use cdes::{FitEvent, KernelFolder, Outcome, ToyKernels};
use datasets::ImageShape;

use super::{said::Stop, sets::KernelSet, settings::KernelFit};
use crate::{Error, experiment::Scope};

/// What is done with a fit: on rank 0 it is shown and kept, on others it is sent.
pub(super) trait Side {
    /// The folder of a set that begins or goes on.
    fn begin(&mut self, set: &KernelSet<'_>) -> Result<KernelFolder, Error>;

    /// Hears of each batch and epoch; whether the fit is to stop.
    fn see(&mut self, set: &KernelSet<'_>, event: &FitEvent<'_>) -> Result<bool, Error>;

    /// A set is finished.
    fn finish(&mut self, set: &KernelSet<'_>) -> Result<(), Error>;
}

/// How the sets are fitted.
pub(super) struct Fitter<'a> {
    pub(super) settings: &'a KernelFit,
    pub(super) shape: ImageShape,
    pub(super) device: Option<&'a Device>,
}

impl Fitter<'_> {
    /// Fits the sets of this rank, unless one is stopped.
    ///
    /// # Errors
    /// Those of fits and of the side.
    pub(super) fn run(&self, sets: &[KernelSet<'_>], side: &mut dyn Side) -> Result<Option<Stop>, Error> {
        // The kernels of the class before, for a warm start.
        let mut before = None;
        for set in self.settings.own(sets) {
            let folder = side.begin(set)?;
            let kernels = self.first_kernels(set.scope, before.as_ref())?;
            if let Outcome::Interrupted { epoch, batch } = self.fit(set, kernels, &folder, side)? {
                return Ok(Some(Stop { set: set.index, epoch, batch }));
            }
            before = Some(folder.latest_path());
            side.finish(set)?;
        }
        Ok(None)
    }

    fn fit(
        &self,
        set: &KernelSet<'_>,
        mut kernels: ToyKernels,
        folder: &KernelFolder,
        side: &mut dyn Side,
    ) -> Result<Outcome, Error> {
        let fit = self.settings.plan(set.scope, self.shape, self.device)?;
        let (stop, mut seen) = (AtomicBool::new(false), Ok(()));
        let outcome = fit.run(&mut kernels, &set.images, Some(folder), &stop, &mut |event| {
            let stops = if seen.is_ok() { side.see(set, &event) } else { Ok(true) };
            // What fails here ends the fit at the next batch.
            let stops = stops.unwrap_or_else(|error| {
                seen = Err(error);
                true
            });
            stop.store(stops, Ordering::SeqCst);
        });
        seen?;
        Ok(outcome?)
    }

    fn first_kernels(&self, scope: Scope, before: Option<&PathBuf>) -> Result<ToyKernels, Error> {
        match before.filter(|_| self.settings.warm_start) {
            Some(before) => Ok(ToyKernels::load(before)?),
            None => self.settings.fresh_kernels(scope),
        }
    }
}
