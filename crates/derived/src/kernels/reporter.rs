//! What a fit reports while it goes on.

use std::time::Instant;

use cdes::{EpochLosses, FitEvent};
use progress::{Pass, Progress};

/// Reports a fit as it goes on: a pass an epoch, a line a finished epoch.
pub(super) struct Reporter<'a> {
    progress: &'a Progress,
    epochs: usize,
    images: usize,
    /// Names the kernels.
    label: &'a str,
    pass: Option<Pass<'a>>,
    started: Instant,
}

impl<'a> Reporter<'a> {
    /// Of a fit of so many epochs on so many images; `label` names its kernels.
    pub(super) fn new(progress: &'a Progress, epochs: usize, images: usize, label: &'a str) -> Self {
        Self { progress, epochs, images, label, pass: None, started: Instant::now() }
    }

    /// Reports what happened.
    pub(super) fn see(&mut self, event: &FitEvent<'_>) {
        match event {
            FitEvent::Batch { epoch, images, losses } => {
                let (progress, epochs, total) = (self.progress, self.epochs, self.images);
                let begin = || progress.pass(&format!("epoch {epoch}/{epochs}"), total);
                let pass = self.pass.get_or_insert_with(begin);
                pass.set_position(*images as u64);
                pass.set_status(&format!("{}, loss {:.4}", self.label, losses.total()));
            }
            FitEvent::Epoch { losses, .. } => {
                self.pass = None;
                let EpochLosses { epoch, spectral_loss, image_loss, lr, .. } = losses;
                let rate = self.images as f64 / self.started.elapsed().as_secs_f64();
                self.progress.line(&format!(
                    "{}  epoch {epoch:2}  lr {lr:<8.2e} density loss {spectral_loss:.5}, image loss {image_loss:.5}  {rate:.0} \
                     images/s",
                    self.label
                ));
                self.started = Instant::now();
            }
        }
    }
}
