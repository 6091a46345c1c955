//! Training a classifier into a run folder: the part that `easy_train` and a first `grad` share.

use std::sync::atomic::AtomicBool;

use anyhow::Context;
use candle_core::Device;
use clap::Args;
use datasets::Dataset;
use serde::Serialize;
use training::{Event, RunFolder, Schedule, Sgd, Trainer};

use crate::{
    data,
    flags::{DataFlags, Format, MachineFlags, RunFlags},
    interrupt::Interrupted,
    network::{self, ClassifierLearner},
    terminal::{self, Terminal},
};

/// How a network learns.
#[derive(Debug, Clone, Args, Serialize)]
pub struct Recipe {
    /// Learning rate at the start
    #[arg(long, default_value_t = 0.1, value_name = "X")]
    pub lr: f64,
    /// Momentum of SGD
    #[arg(long, default_value_t = 0.9, value_name = "X")]
    pub momentum: f64,
    /// Weight decay, of all parameters
    #[arg(long, default_value_t = 5e-4, value_name = "X")]
    pub weight_decay: f64,
    /// `step:50:0.1`, `60:0.1,120:0.01,180:0.001` (multiples of --lr), `cyclic` or `constant`
    #[arg(long, default_value = "step:50:0.1", value_name = "SCHEDULE")]
    pub schedule: Schedule,
}
