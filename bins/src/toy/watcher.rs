//! What a fit shows while it goes on.

use std::time::Instant;

use cdes::{EpochLosses, FitEvent};
use indicatif::ProgressBar;

use crate::terminal::Terminal;

/// Shows a fit as it goes on: a bar an epoch, a line a finished epoch.
pub(crate) struct FitWatcher {
    terminal: Terminal,
    epochs: usize,
    images: usize,
    label: String,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl FitWatcher {
    /// Of a fit of so many epochs on so many images; `label` names its kernels.
    pub(crate) fn new(terminal: Terminal, epochs: usize, images: usize, label: String) -> Self {
        Self { terminal, epochs, images, label, bar: None, started: Instant::now() }
    }

    /// Shows what happened.
    pub(crate) fn see(&mut self, event: &FitEvent<'_>) {
        match event {
            FitEvent::Batch { epoch, images, losses } => {
                let (terminal, epochs, total) = (self.terminal, self.epochs, self.images);
                let bar = || terminal.images_bar(total, format!("epoch {epoch}/{epochs}"));
                let bar = self.bar.get_or_insert_with(bar);
                bar.set_position(*images as u64);
                bar.set_message(format!("{}, loss {:.4}", self.label, losses.total()));
            }
            FitEvent::Epoch { losses, .. } => {
                self.clear();
                let EpochLosses { epoch, spectral_loss, image_loss, lr, .. } = losses;
                let rate = self.images as f64 / self.started.elapsed().as_secs_f64();
                self.terminal.note(&format!(
                    "{}  epoch {epoch:2}  lr {lr:<8.2e} density loss {spectral_loss:.5}, image loss {image_loss:.5}  {rate:.0} \
                     images/s",
                    self.label
                ));
                self.started = Instant::now();
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
