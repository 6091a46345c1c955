//! `easy_train`: trains a classifier, keeping a checkpoint of every epoch.

use clap::Parser;
use serde::Serialize;
use training::Start;

use crate::{
    data,
    flags::{DataFlags, DatasetName, MachineFlags, RunFlags, at_least_one},
    interrupt,
    train::{Recipe, TrainingRun},
};

/// Trains an image classifier and keeps a checkpoint of every epoch, for `grad` to look at.
#[derive(Debug, Parser, Serialize)]
#[command(name = "easy_train", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: DataFlags,
    #[command(flatten)]
    #[serde(flatten)]
    run: RunFlags,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    /// Epochs in all [default: 10 on synthetic, else 200]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    #[command(flatten)]
    #[serde(flatten)]
    recipe: Recipe,
    /// Go on where the run stopped
    #[arg(long, conflicts_with = "overwrite")]
    #[serde(skip)]
    resume: bool,
    /// Remove an earlier run of the same name first
    #[arg(long)]
    #[serde(skip)]
    overwrite: bool,
}

impl Flags {
    fn epochs(&self) -> usize {
        let default = if self.data.dataset == DatasetName::Synthetic { 10 } else { 200 };
        self.epochs.unwrap_or(default)
    }

    fn start(&self) -> Start {
        match (self.resume, self.overwrite) {
            (true, _) => Start::Resume,
            (_, true) => Start::Overwrite,
            _ => Start::Fresh,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, the run folder cannot be used, or training fails.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let terminal = flags.machine.prepare()?;
    let interrupt = interrupt::watch()?;
    let dataset = data::open(&flags.data)?;
    let training = TrainingRun {
        command: "easy_train",
        settings: serde_json::to_value(&flags)?,
        data: &flags.data,
        run: &flags.run,
        recipe: &flags.recipe,
        epochs: flags.epochs(),
        start: flags.start(),
    };
    training.train(&dataset, terminal, &interrupt)?.print(flags.machine.format)
}
