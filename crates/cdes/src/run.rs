//! The epoch loop of a fit.

use std::sync::atomic::{AtomicBool, Ordering};

use random::permutation;
use rayon::prelude::*;
use training::{Outcome, Sgd};

use crate::{
    EpochLosses, Error, Fit, FitEvent, ImageSource, KernelFolder, Losses, Setting, ToyKernels,
    images::{Dims, check_finite},
    noise::{add_drawn, noise_generator},
    random::{Purpose, generator},
    state::{self, Fixed, Progress, Tally},
};

impl Fit {
    /// Fits until the last epoch, or until `interrupt` is set, which is looked at after every batch.
    ///
    /// With a folder, every epoch is kept there, and so is the state of an interrupted fit. Where the folder holds a state, the
    /// fit goes on from it, and the values of `kernels` before are of no account; see [`KernelFolder::begin`].
    ///
    /// # Errors
    /// If there are no images or of another size than the objective's, a value is not finite, the loss or a kernel
    /// ceases to be ([`Error::Diverged`]), the state to resume is of other settings ([`Error::SettingChanged`]), or a
    /// file cannot be read or written.
    pub fn run(
        &self,
        kernels: &mut ToyKernels,
        images: &impl ImageSource,
        folder: Option<&KernelFolder>,
        interrupt: &AtomicBool,
        observe: &mut dyn FnMut(FitEvent<'_>),
    ) -> Result<Outcome, Error> {
        if images.is_empty() {
            return Err(Error::NoImages);
        }
        let (found, expected) = (images.size(), self.objective().size());
        if found != expected {
            let expected = "the size that the objective was made for";
            return Err(Error::Setting {
                setting: Setting::ImageSize,
                found: format!("{}×{}", found[0], found[1]),
                expected,
            });
        }
        Run::new(self, kernels, images, folder)?.go(interrupt, observe)
    }
}

/// A fit under way.
pub(crate) struct Run<'a, I> {
    fit: &'a Fit,
    kernels: &'a ToyKernels,
    images: &'a I,
    folder: Option<&'a KernelFolder>,
    sgd: Sgd,
    progress: Progress,
}

impl<'a, I: ImageSource> Run<'a, I> {
    /// A fit at its beginning, or where the folder's state left it.
    pub(crate) fn new(
        fit: &'a Fit,
        kernels: &'a ToyKernels,
        images: &'a I,
        folder: Option<&'a KernelFolder>,
    ) -> Result<Self, Error> {
        let settings = fit.settings();
        let sgd = Sgd::new(settings.momentum, settings.weight_decay);
        let mut run = Self { fit, kernels, images, folder, sgd, progress: Progress::default() };
        if let Some(path) = folder.map(KernelFolder::state_path).filter(|path| path.exists()) {
            run.progress = state::load(&path, &run.fixed(), kernels, &mut run.sgd)?;
            if let Some(found) = run.misfit() {
                return Err(state::damaged(&path, found).into());
            }
        } else {
            // From here on there is a state, whatever happens: a fit that breaks off can go on.
            run.save_state()?;
        }
        Ok(run)
    }

    /// What no fit of these images comes to.
    fn misfit(&self) -> Option<String> {
        let Progress { epoch, batch, tally, log } = &self.progress;
        let expected = batch.saturating_mul(self.fit.settings().batch_size).min(self.images.len());
        if tally.images != expected {
            return Some(format!("{} images in {batch} batches", tally.images));
        }
        (log.len() != *epoch).then(|| format!("epoch {epoch} after {} finished ones", log.len()))
    }

    pub(crate) fn go(
        mut self,
        interrupt: &AtomicBool,
        observe: &mut dyn FnMut(FitEvent<'_>),
    ) -> Result<Outcome, Error> {
        let epochs = self.fit.settings().epochs;
        while self.progress.epoch < epochs {
            let is_done = self.epoch(interrupt, observe)?;
            let is_last = self.progress.epoch == epochs;
            if !is_done || interrupt.load(Ordering::SeqCst) && !is_last {
                return Ok(Outcome::Interrupted { epoch: self.progress.epoch, batch: self.progress.batch });
            }
        }
        Ok(Outcome::Finished)
    }

    /// One epoch, or the rest of one; false if it was interrupted.
    fn epoch(
        &mut self,
        interrupt: &AtomicBool,
        observe: &mut dyn FnMut(FitEvent<'_>),
    ) -> Result<bool, Error> {
        let (epoch, size) = (self.progress.epoch, self.fit.settings().batch_size);
        let mut random = generator(self.fit.settings().seed, Purpose::Order, epoch as u64, 0);
        let order = permutation(self.images.len(), &mut random);
        for chosen in order.chunks(size).skip(self.progress.batch) {
            self.batch(chosen)?;
            let Tally { images, .. } = self.progress.tally;
            observe(FitEvent::Batch { epoch, images, losses: self.progress.tally.mean() });
            if interrupt.load(Ordering::SeqCst) && images < order.len() {
                self.save_state()?;
                return Ok(false);
            }
        }
        let losses = self.finish_epoch()?;
        observe(FitEvent::Epoch { losses: &losses, kernels: self.kernels });
        Ok(true)
    }

    /// A step on these images.
    fn batch(&mut self, chosen: &[usize]) -> Result<(), Error> {
        let objective = self.fit.objective();
        let dims = objective.dims(chosen.len());
        let images = self.noisy(chosen, dims)?;
        let (losses, gradients) = match &self.fit.on_device {
            Some(objective) => objective.gradients(self.kernels.parameters(), &images, dims)?,
            None => self.kernels.gradients_of(objective, &images, dims)?,
        };
        if !losses.total().is_finite() {
            return Err(self.diverged(losses));
        }
        self.sgd.step(self.kernels.parameters(), &gradients, self.rate())?;
        self.progress.tally.add(losses, chosen.len());
        self.progress.batch += 1;
        Ok(())
    }

    /// These images, with the noise of this epoch and batch.
    fn noisy(&self, chosen: &[usize], dims: Dims) -> Result<Vec<f32>, Error> {
        let mut images = vec![0.0; chosen.len() * dims.image()];
        let each = images.par_chunks_exact_mut(dims.image()).zip(chosen);
        each.for_each(|(pixels, &index)| self.images.write(index, pixels));
        check_finite(&images, dims, &format!("images {chosen:?}"))?;
        let Progress { epoch, batch, .. } = self.progress;
        let mut random = noise_generator(self.fit.settings().seed, epoch as u64, batch as u64);
        add_drawn(&mut images, &mut random);
        Ok(images)
    }

    fn finish_epoch(&mut self) -> Result<EpochLosses, Error> {
        let (epoch, lr, mean) = (self.progress.epoch, self.rate(), self.progress.tally.mean());
        // The last step's result was in no loss yet.
        if !self.kernels.are_finite()? {
            return Err(self.diverged(Losses { spectral: f64::NAN, image: f64::NAN }));
        }
        let losses = EpochLosses {
            epoch,
            loss: mean.total(),
            spectral_loss: mean.spectral,
            image_loss: mean.image,
            lr,
        };
        let mut log = std::mem::take(&mut self.progress.log);
        log.push(serde_json::json!(losses).to_string());
        if let Some(folder) = self.folder {
            folder.keep(epoch, self.kernels, &log)?;
        }
        self.progress = Progress { epoch: epoch + 1, log, ..Progress::default() };
        self.save_state()?;
        Ok(losses)
    }

    /// The epoch's learning rate.
    fn rate(&self) -> f64 {
        let settings = self.fit.settings();
        settings.schedule.learning_rate(settings.lr, self.progress.epoch, settings.epochs)
    }

    fn diverged(&self, losses: Losses) -> Error {
        let Progress { epoch, batch, .. } = self.progress;
        Error::Diverged { loss: losses.total(), epoch, batch, lr: self.rate() }
    }

    fn save_state(&self) -> Result<(), Error> {
        let Some(folder) = self.folder else { return Ok(()) };
        let path = folder.state_path();
        let file = state::file(&path, &self.fixed(), &self.progress, self.kernels, &self.sgd)?;
        folder.write(&path, file)
    }

    /// What must not change in the middle of a fit.
    fn fixed(&self) -> Fixed {
        let (settings, [height, width]) = (self.fit.settings(), self.images.size());
        // Other schedules do not depend on how many epochs there are: their fits can be prolonged.
        let depends = settings.schedule.depends_on_length();
        let mut fixed = vec![
            (Setting::Seed, settings.seed.to_string()),
            (Setting::BatchSize, settings.batch_size.to_string()),
            (Setting::Images, self.images.len().to_string()),
            (Setting::ImageSize, format!("{height}×{width}")),
            (Setting::LearningRate, settings.lr.to_string()),
            (Setting::Momentum, settings.momentum.to_string()),
            (Setting::WeightDecay, settings.weight_decay.to_string()),
            (Setting::Schedule, settings.schedule.to_string()),
            (Setting::ScheduleEpochs, if depends { settings.epochs } else { 0 }.to_string()),
            (Setting::Kernels, self.kernels.number().to_string()),
            (Setting::KernelSize, self.kernels.kernel_size().to_string()),
        ];
        let target = self.fit.objective().target().iter().map(f64::to_string).collect::<Vec<_>>();
        fixed.push((Setting::TargetDensity, target.join(" ")));
        fixed
    }
}
