//! Flags that say how a network learns, and what is kept of it.

use analysis::Recording;
use clap::Args;
use pipeline::Recipe;
use serde::Serialize;
use training::Schedule;

use super::values::{at_least_one, below_one, not_negative};

/// How a network learns.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RecipeFlags {
    /// Learning rate at the start [default: 0.1; 0.02 in runs of fewer than 50 epochs]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    lr: Option<f64>,
    /// Momentum of SGD
    #[arg(long, default_value_t = 0.9, value_name = "X", value_parser = below_one)]
    momentum: f64,
    /// Weight decay, of all parameters
    #[arg(long, default_value_t = 5e-4, value_name = "X", value_parser = not_negative)]
    weight_decay: f64,
    /// `step:50:0.1`, `60:0.1,120:0.01,180:0.001` (from an epoch on, a multiple of --lr), `cosine`, `cyclic` or `constant`
    #[arg(long, value_name = "SCHEDULE", default_value = "step:50:0.1")]
    schedule: Schedule,
}

impl RecipeFlags {
    /// The recipe itself.
    pub(crate) fn recipe(&self) -> Recipe {
        let Self { lr, momentum, weight_decay, ref schedule, .. } = *self;
        Recipe { lr, momentum, weight_decay, schedule: schedule.clone() }
    }
}

/// What is kept of a run as it goes on.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RecordingFlags {
    /// Measure the gradient spectrum during training, after every N-th epoch and the last; what `grad` writes is then in the
    /// run's folder `spectrum`, and grows with each of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    spectrum_every: Option<usize>,
    /// How many test images it is measured on, the first ones [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    spectrum_images: Option<usize>,
    /// Keep the checkpoint of every N-th epoch and the last [default: 1]; `checkpoint.latest` and `checkpoint.best` stay anyway
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    checkpoint_every: Option<usize>,
}

impl From<&RecordingFlags> for Recording {
    fn from(flags: &RecordingFlags) -> Self {
        let RecordingFlags { spectrum_every, spectrum_images, checkpoint_every } = *flags;
        Self { spectrum_every, spectrum_images, checkpoint_every }
    }
}
