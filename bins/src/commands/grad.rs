//! `grad`: the gradient spectrum of every checkpoint of a run (Lin, Gao & Sang, IJCAI 2022).

use std::{path::PathBuf, sync::atomic::AtomicBool};

use candle_core::Device;
use clap::Parser;
use datasets::{Dataset, ImageSet};
use models::Classifier;
use serde::Serialize;
use spectral::{Convention, GradientProfiler, RunningBands, SpectrumRow, SpectrumTable};

use crate::{
    checkpoints::{self, StoredCheckpoint},
    commands::{grad_report, train},
    data,
    flags::{DataFlags, MachineFlags, RunFlags},
    interrupt::{self, Interrupted},
    network::{self, tally},
    partial::Partial,
    terminal::Terminal,
};

/// Measures which image frequencies a network uses, checkpoint by checkpoint, and draws the heat map.
///
/// Without --run or --checkpoints it takes the run that the same --dataset, --arch and --task flags of `easy_train`
/// name; if that has no checkpoints yet, it trains a few epochs first.
#[derive(Debug, Parser, Serialize)]
#[command(name = "grad", version, args_override_self = true)]
pub struct Flags {
    /// Which images
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataFlags,
    /// Which run
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunFlags,
    /// How to run
    #[command(flatten)]
    #[serde(flatten)]
    pub machine: MachineFlags,
    /// A run folder [default: the one that --dataset, --arch and --task name]
    #[arg(long = "run", value_name = "DIR", conflicts_with = "checkpoints")]
    #[serde(rename = "run")]
    pub run_folder: Option<PathBuf>,
    /// Checkpoint files, one or a pattern: .safetensors, .pt, .pth
    #[arg(long, value_name = "GLOB")]
    pub checkpoints: Option<String>,
    /// If there are no checkpoints yet: how many epochs to train first [default: 6 on synthetic, else 10]
    #[arg(long, alias = "epoch", value_name = "N")]
    pub epochs: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let (device, terminal) = flags.machine.prepare()?;
    let interrupt = interrupt::watch()?;
    let dataset = data::open(&flags.data)?;
    let source = checkpoints::find(&flags, || train::for_grad(&flags, &dataset, &interrupt, terminal))?;
    let measure = Measurement { flags: &flags, dataset: &dataset, device: &device, terminal, interrupt: &interrupt };
    let table = measure.table(&source.checkpoints, &source.output)?;
    grad_report::write(&flags, &dataset, &table, &source.output, terminal)
}

struct Measurement<'a> {
    flags: &'a Flags,
    dataset: &'a Dataset,
    device: &'a Device,
    terminal: Terminal,
    interrupt: &'a AtomicBool,
}

impl Measurement<'_> {
    /// For each checkpoint, for each batch: input gradient → radial profiles → running statistics; then the
    /// epoch's row.
    fn table(&self, checkpoints: &[StoredCheckpoint], output: &std::path::Path) -> anyhow::Result<SpectrumTable> {
        let images = &self.dataset.test;
        let shape = images.shape();
        let profiler = GradientProfiler::new(shape.channels, shape.height, shape.width, Convention::Reference)?;
        let radii = profiler.radii().to_vec();
        let arch = self.flags.run.arch.name();
        let mut table = SpectrumTable::new(self.flags.data.dataset.as_str(), arch, images.len(), radii);
        let mut partial = Partial::open(output, self.flags, images.len())?;
        for checkpoint in checkpoints {
            let row = match partial.take(checkpoint)? {
                Some(row) => row,
                None => self.row(checkpoint, &profiler)?,
            };
            partial.keep(checkpoint, &row)?;
            table.push(row)?;
        }
        partial.finish()?;
        Ok(table)
    }

    fn row(&self, checkpoint: &StoredCheckpoint, profiler: &GradientProfiler) -> anyhow::Result<SpectrumRow> {
        let network = checkpoint.open(self.flags, self.dataset.train.classes().len(), self.device)?;
        let mut bands = RunningBands::new(profiler.radii().len());
        let (mut correct, mut skipped) = (0, 0);
        let bar = self.terminal.images_bar(self.dataset.test.len(), format!("epoch {}", checkpoint.epoch));
        for batch in self.batches(&self.dataset.test) {
            self.check_interrupt()?;
            let pixels = network::pixels(&batch, self.device)?;
            let found = network.input_gradient(&pixels, &batch.labels)?;
            let profiles = profiler.profiles(&found.gradient.flatten_all()?.to_vec1::<f32>()?)?;
            profiles.rows().for_each(|row| bands.push(row));
            skipped += profiles.skipped();
            correct += tally(found.loss, &found.logits, &batch.labels)?.correct;
            bar.inc(batch.labels.len() as u64);
        }
        bar.finish_and_clear();
        let nat_prec1 = 100.0 * correct as f64 / self.dataset.test.len() as f64;
        Ok(SpectrumRow { epoch: checkpoint.epoch, mean: bands.mean(), std: bands.std(), nat_prec1, skipped })
    }
}
