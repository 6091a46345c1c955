//! Training a network and keeping what it learns, without knowing what it is.
//!
//! A [`Trainer`] moves a [`TrainableModel`] through the batches of a [`Source`], epoch by epoch, with an [`Optimiser`] and a
//! [`Schedule`], and keeps a [`Checkpoint`] of every epoch in a [`RunFolder`]. A run that is interrupted resumes bit
//! for bit. Learning rates follow the epoch (0-based); losses are in nats; precisions are percentages.
//!
//! ```
//! let schedule: training::Schedule = "step:50:0.1".parse()?;
//! assert!((schedule.learning_rate(0.1, 120, 200) - 0.001).abs() < 1e-15);
//! # Ok::<(), training::Error>(())
//! ```

mod adamw;
mod average;
mod bounds;
mod checkpoint;
mod clipping;
mod decay;
mod error;
mod evaluation;
mod initialise;
mod learning_rate;
mod model;
mod optimiser;
mod run_folder;
mod schedule;
mod setting;
mod sgd;
mod state;
mod tally;
mod tensorboard;
mod trainer;

// The loop
pub use trainer::{Event, Observer, Outcome, Trainer};

// What it trains, on what
pub use model::{BoxError, DeferredMetrics, Source, StepOutput, TrainableModel};
pub use tally::Tally;

// What it is made of
pub use initialise::initialise;
pub use learning_rate::LearningRate;
pub use schedule::Schedule;

// What moves the weights, and what follows them
pub use adamw::AdamW;
pub use average::Average;
pub use clipping::clip;
pub use decay::{Decay, NoDecay, ParameterKind};
pub use optimiser::Optimiser;
pub use sgd::Sgd;

// What it leaves
pub use checkpoint::{
    Checkpoint, CheckpointInfo, file as tensor_file, load as load_tensors, save as save_tensors,
    stored_tensors,
};
pub use run_folder::{EpochMetrics, RunFolder, Start};
pub use tensorboard::{EventFile, Histogram, Png, Summary};

// What can go wrong
pub use bounds::Bounds;
pub use error::Error;
pub use setting::{Part, Setting};
