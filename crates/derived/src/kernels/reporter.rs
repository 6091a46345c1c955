//! What a fit reports while it goes on.

use std::time::Instant;

use cdes::{EpochLosses, FitEvent};
use progress::{Pass, Progress};

/// Reports a fit as it goes on: a pass an epoch, a line a finished epoch.
pub(super) struct Reporter<'a> {
    progress: &'a Progress,
    epochs: usize,
    lines: Lines,
    pass: Option<Pass<'a>>,
}

impl<'a> Reporter<'a> {
    /// Of a fit of so many epochs.
    pub(super) fn new(progress: &'a Progress, epochs: usize, lines: Lines) -> Self {
        Self { progress, epochs, lines, pass: None }
    }

    /// Reports what happened.
    pub(super) fn see(&mut self, event: &FitEvent<'_>) {
        match event {
            FitEvent::Batch { epoch, images, losses } => {
                let (progress, epochs, total) = (self.progress, self.epochs, self.lines.images);
                let begin = || progress.pass(&format!("epoch {epoch}/{epochs}"), total);
                let pass = self.pass.get_or_insert_with(begin);
                pass.set_position(*images as u64);
                pass.set_status(&format!("{}, loss {:.4}", self.lines.label, losses.total()));
            }
            FitEvent::Epoch { losses, .. } => {
                self.pass = None;
                self.progress.line(&self.lines.next(losses));
            }
        }
    }
}

/// The lines of finished epochs.
pub(super) struct Lines {
    /// Names the kernels.
    label: String,
    images: usize,
    started: Instant,
}

impl Lines {
    /// Of kernels that are fitted on so many images.
    pub(super) fn new(label: &str, images: usize) -> Self {
        Self { label: label.to_owned(), images, started: Instant::now() }
    }

    /// The line of the epoch that is finished now.
    pub(super) fn next(&mut self, losses: &EpochLosses) -> String {
        let EpochLosses { epoch, spectral_loss, image_loss, lr, .. } = losses;
        let rate = self.images as f64 / self.started.elapsed().as_secs_f64();
        self.started = Instant::now();
        format!(
            "{}  epoch {epoch:2}  lr {lr:<8.2e} density loss {spectral_loss:.5}, image loss {image_loss:.5}  {rate:.0} images/s",
            self.label
        )
    }
}
