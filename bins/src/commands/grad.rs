//! `grad`: the gradient spectrum of every checkpoint of a run (Lin, Gao & Sang, IJCAI 2022).

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use clap::Parser;
use datasets::Dataset;
use serde::Serialize;
use spectral::{Convention, Profiler, Recipe, RunningBands, SpectrumRow, SpectrumTable};
use training::{FolderLock, RunFolder, Start};

use super::grad_report::{self, Report};
use crate::{
    checkpoints::{self, StoredCheckpoint},
    data,
    flags::{DataFlags, DatasetName, MachineFlags, RunFlags, at_least_one},
    interrupt::{self, Interrupted},
    measured, network,
    partial::Partial,
    terminal::Terminal,
    train::{Recipe as TrainingRecipe, TrainingRun},
};

/// Measures which image frequencies a network uses, checkpoint by checkpoint, and draws the heat map.
///
/// Without --run or --checkpoints it takes the run that the same --dataset, --arch and --task flags of `easy_train`
/// name; if that has no checkpoints yet, it trains a few epochs first.
#[derive(Debug, Parser, Serialize)]
#[command(name = "grad", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    pub(super) data: DataFlags,
    #[command(flatten)]
    #[serde(flatten)]
    pub(super) run: RunFlags,
    #[command(flatten)]
    #[serde(flatten)]
    pub(super) machine: MachineFlags,
    /// A run folder [default: the one that --dataset, --arch and --task name]
    #[arg(long = "run", value_name = "DIR", conflicts_with = "checkpoints")]
    #[serde(rename = "run")]
    run_folder: Option<PathBuf>,
    /// Checkpoint files, one or a pattern: .safetensors, .pt, .pth [results go to the task {arch}_checkpoints]
    #[arg(long, value_name = "GLOB")]
    checkpoints: Option<String>,
    /// If there are no checkpoints yet, how many epochs to train first [default: 6 on synthetic, else 10]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let terminal = flags.machine.prepare()?;
    let interrupt = interrupt::watch()?;
    let dataset = data::open(&flags.data)?;
    let checkpoints = flags.checkpoints(&dataset, terminal, &interrupt)?;
    let output = flags.output();
    std::fs::create_dir_all(&output).with_context(|| format!("cannot create folder {}", output.display()))?;
    let _lock = FolderLock::take(&output)?;
    let measurement = Measurement { flags: &flags, dataset: &dataset, terminal, interrupt };
    let (table, partial) = measurement.table(&checkpoints, &output)?;
    let report = Report { table: &table, checkpoints: &checkpoints, test: &dataset.test };
    let results = report.save(&output)?;
    partial.remove()?;
    data::tell_left_out(&dataset, terminal);
    report.print(&results, flags.machine.format)
}

struct Measurement<'a> {
    flags: &'a Flags,
    dataset: &'a Dataset,
    terminal: Terminal,
    interrupt: Arc<AtomicBool>,
}

impl Measurement<'_> {
    /// A row for each checkpoint. Rows are kept as they are finished, so that an interrupted run goes on with the next.
    fn table(
        &self,
        checkpoints: &[StoredCheckpoint],
        output: &Path,
    ) -> anyhow::Result<(SpectrumTable, Partial)> {
        let profiler = self.profiler()?;
        let (dataset, arch) = (self.flags.data.label(), self.flags.run.arch.name());
        let mut table =
            SpectrumTable::new(dataset.as_str(), arch, self.dataset.test.len(), profiler.radii().to_vec());
        let settings =
            format!("{dataset} {arch} {} images {:?}", self.dataset.test.len(), self.flags.data.data);
        let mut partial = Partial::open(output, settings);
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let digest = checkpoint.digest()?;
            let row = match partial.find(digest, checkpoint.epoch) {
                Some(row) => row,
                None => self.row(checkpoint, &profiler, (index, checkpoints.len()))?,
            };
            partial.keep(digest, &row)?;
            self.terminal.note(&grad_report::line(&row, &table.radii));
            table.push(row)?;
        }
        Ok((table, partial))
    }

    /// For each batch: input gradient → radial profiles → running statistics.
    fn row(
        &self,
        checkpoint: &StoredCheckpoint,
        profiler: &Profiler,
        place: (usize, usize),
    ) -> anyhow::Result<SpectrumRow> {
        let (data, arch) = (&self.flags.data, self.flags.run.arch);
        let network = network::open(&checkpoint.path, data, arch, self.dataset, self.terminal)?;
        let test = &self.dataset.test;
        let mut bands = RunningBands::new(profiler.radii().len());
        let (mut seen, mut correct, mut skipped) = (0, 0, 0);
        let label = format!("epoch {} ({}/{})", checkpoint.epoch, place.0 + 1, place.1);
        let bar = self.terminal.images_bar(test.len(), label);
        for batch in
            data::test_batches(test, data::gradient_batch_size(&self.flags.data), self.flags.data.workers)
        {
            let batch = batch?;
            let found = network.input_gradient(&network::pixels(&batch)?, &batch.labels)?;
            let profiles = profiler.profiles(&found.gradient.flatten_all()?.to_vec1::<f32>()?)?;
            profiles.rows().for_each(|row| bands.push(row));
            skipped += profiles.skipped();
            correct += network::tally(found.loss, &found.logits, &batch.labels)?.correct;
            seen += batch.len();
            bar.inc(batch.len() as u64);
            self.check_interrupt(&bar)?;
        }
        bar.finish_and_clear();
        if skipped == seen {
            return Err(without_gradients(checkpoint, skipped));
        }
        let nat_prec1 = 100.0 * correct as f64 / seen.max(1) as f64;
        Ok(SpectrumRow { epoch: checkpoint.epoch, mean: bands.mean(), std: bands.std(), nat_prec1, skipped })
    }

    fn profiler(&self) -> anyhow::Result<Profiler> {
        let shape = self.dataset.test.shape();
        Ok(Profiler::new(Recipe::Gradient, shape.channels, shape.height, shape.width, Convention::Reference)?)
    }

    fn check_interrupt(&self, bar: &indicatif::ProgressBar) -> anyhow::Result<()> {
        if !self.interrupt.load(Ordering::SeqCst) {
            return Ok(());
        }
        bar.finish_and_clear();
        Err(Interrupted(
            "stopped; finished epochs are kept; to go on with the next one, give the same command".to_owned(),
        )
        .into())
    }
}

impl Flags {
    /// The run folder that the flags name.
    fn folder(&self) -> PathBuf {
        self.run_folder.clone().unwrap_or_else(|| self.run.folder(&self.data))
    }

    /// Results go into the run they are of; those of loose files never into a run that they may not belong to.
    fn output(&self) -> PathBuf {
        if self.checkpoints.is_some() && self.run.task.is_none() {
            let task = format!("{}_checkpoints", self.run.arch.name());
            return measured::folder(&self.run.out_dir.join(self.data.dataset.as_str()).join(task));
        }
        measured::folder(&self.folder())
    }

    fn checkpoints(
        &self,
        dataset: &Dataset,
        terminal: Terminal,
        interrupt: &AtomicBool,
    ) -> anyhow::Result<Vec<StoredCheckpoint>> {
        if let Some(pattern) = &self.checkpoints {
            return checkpoints::of_pattern(pattern, |note| terminal.note(note));
        }
        if let Some(folder) = &self.run_folder {
            let found = checkpoints::of_named_run(folder, &self.data, &self.run)?;
            tell_unfinished(folder, &found, terminal)?;
            return Ok(found);
        }
        if self.wants_training()? {
            self.train(dataset, terminal, interrupt)?;
        }
        let found = checkpoints::of_run(&self.folder())?;
        tell_unfinished(&self.folder(), &found, terminal)?;
        Ok(found)
    }

    /// Whether the run is yet to be trained: there are no checkpoints, or `grad` itself was stopped while training.
    fn wants_training(&self) -> anyhow::Result<bool> {
        let found = checkpoints::of_run(&self.folder())?.len();
        if found == 0 {
            return Ok(true);
        }
        let config = RunFolder::at(self.folder()).config()?.unwrap_or_default();
        let own = config["command"] == "grad" && self.epochs.is_none_or(|epochs| config["epochs"] == epochs);
        Ok(own && config["epochs"].as_u64().is_some_and(|epochs| (found as u64) < epochs))
    }

    fn train(&self, dataset: &Dataset, terminal: Terminal, interrupt: &AtomicBool) -> anyhow::Result<()> {
        let few = if self.data.dataset == DatasetName::Synthetic { 6 } else { 10 };
        let epochs = self.epochs.unwrap_or(few);
        let folder = self.folder();
        let resumes = RunFolder::at(&folder).state_path().exists();
        let verb = if resumes { "going on with" } else { "training" };
        terminal.note(&format!(
            "no finished run in {}: {verb} {} for {epochs} epochs on {} {} images first",
            folder.display(),
            self.run.arch.name(),
            dataset.train.len(),
            self.data.dataset.as_str()
        ));
        let recipe = TrainingRecipe::usual();
        let training = TrainingRun {
            command: "grad",
            settings: serde_json::to_value(self)?,
            data: &self.data,
            run: &self.run,
            recipe: &recipe,
            epochs,
            start: if resumes { Start::Resume } else { Start::Fresh },
        };
        training.train(dataset, terminal, interrupt)?;
        Ok(())
    }
}

/// Says so where a run has not all of its epochs.
fn tell_unfinished(folder: &Path, found: &[StoredCheckpoint], terminal: Terminal) -> anyhow::Result<()> {
    let config = RunFolder::at(folder).config()?.unwrap_or_default();
    if let Some(epochs) = config["epochs"].as_u64().filter(|&epochs| epochs != found.len() as u64) {
        let (found, folder) = (found.len(), folder.display());
        terminal.note(&format!("note: {folder} has checkpoints of {found} of its {epochs} epochs"));
    }
    Ok(())
}

/// A row of nothing would be drawn as one that looks at no frequency.
fn without_gradients(checkpoint: &StoredCheckpoint, images: usize) -> anyhow::Error {
    anyhow::anyhow!(
        "{}: none of the {images} images has an input gradient with a profile (all are zero, constant or not finite): the \
         network has diverged or its output is the same for all images; leave the file out, for example with --checkpoints",
        checkpoint.path.display()
    )
}
