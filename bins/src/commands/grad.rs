//! `grad`: the gradient spectrum of every checkpoint of a run (Lin, Gao & Sang, IJCAI 2022).

use std::path::{Path, PathBuf};

use clap::Parser;
use datasets::{Dataset, ImageSet};
use models::Architecture;
use serde::Serialize;
use serde_json::Value;
use spectral::{RunningBands, SpectrumRow, SpectrumTable};
use training::{FolderLock, RunFolder, Start};

use super::grad_report::{self, Report};
use crate::{
    backend::{explained, kernels},
    checkpoints::{self, StoredCheckpoint},
    data,
    feed::Feed,
    flags::{DataFlags, DatasetName, MachineFlags, RunFlags, at_least_one},
    gradient_profiles::GradientProfiler,
    interrupt::Interrupted,
    launch::UnusableFlags,
    live::Recording,
    measured, network,
    partial::Partial,
    session::Session,
    terminal::{Terminal, counted},
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
pub fn run(mut flags: Flags) -> anyhow::Result<()> {
    let session = Session::start(&flags.machine)?;
    checkpoints::adopt(&flags.measured(), &mut flags.data, &mut flags.run)?;
    let dataset = data::open(&flags.data)?;
    let checkpoints = flags.checkpoints(&dataset, &session)?;
    let images = grad_report::image_density(&dataset.test)?;
    let output = flags.output();
    let _lock = FolderLock::take(&output)?;
    let shape = dataset.test.shape();
    let architecture = flags.run.architecture([shape.height, shape.width])?;
    let measurement = Measurement::new(&flags.data, architecture, &dataset.test, &session)?;
    let (table, partial) = measurement.table(&checkpoints, &output)?;
    let report = Report { table: &table, checkpoints: &checkpoints, images: &images };
    let results = report.save(&output)?;
    partial.remove()?;
    data::tell_left_out(&dataset, session.terminal);
    report.print(&results, flags.machine.format)
}

/// Measures gradient spectra of a network's checkpoints on the same images.
pub(crate) struct Measurement<'a> {
    data: &'a DataFlags,
    arch: Architecture,
    test: &'a ImageSet,
    session: &'a Session,
    profiler: GradientProfiler,
    feed: Feed,
}

impl<'a> Measurement<'a> {
    /// A measurement on these images.
    ///
    /// # Errors
    /// If they are too small to have bands.
    pub(crate) fn new(
        data: &'a DataFlags,
        arch: Architecture,
        test: &'a ImageSet,
        session: &'a Session,
    ) -> anyhow::Result<Self> {
        let profiler = GradientProfiler::new(test.shape(), &session.backend)?;
        Ok(Self { data, arch, test, session, profiler, feed: Feed::to(&session.backend) })
    }

    /// A table without rows.
    pub(crate) fn empty_table(&self) -> SpectrumTable {
        let radii = self.profiler.radii().to_vec();
        SpectrumTable::new(self.data.label(), self.arch.name(), self.test.len(), radii)
    }

    /// A row for each checkpoint. Rows are kept as they are finished, so that an interrupted run goes on with the next.
    fn table(
        &self,
        checkpoints: &[StoredCheckpoint],
        output: &Path,
    ) -> anyhow::Result<(SpectrumTable, Partial)> {
        let mut table = self.empty_table();
        let (dataset, arch) = (&table.dataset, &table.arch);
        let kernels = kernels(&self.session.backend);
        let settings =
            format!("{dataset} {arch} {} images {:?} {kernels}", self.test.len(), self.data.images.data);
        let mut partial = Partial::open(output, settings);
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let digest = checkpoint.digest()?;
            let place = format!("epoch {} ({}/{})", checkpoint.epoch, index + 1, checkpoints.len());
            let row = match partial.find(digest, checkpoint.epoch) {
                Some(row) => row,
                None => {
                    self.row(checkpoint, place).map_err(|error| stopped(error, !table.rows.is_empty()))?
                }
            };
            partial.keep(digest, &row)?;
            self.session.terminal.note(&grad_report::line(&row, &table.radii));
            table.push(row)?;
        }
        Ok((table, partial))
    }

    /// For each batch: input gradient → radial profiles → running statistics.
    ///
    /// # Errors
    /// If the checkpoint cannot be read or gives no gradients, or Ctrl-C was pressed.
    pub(crate) fn row(&self, checkpoint: &StoredCheckpoint, place: String) -> anyhow::Result<SpectrumRow> {
        let (data, test, terminal) = (self.data, self.test, self.session.terminal);
        let network = network::open(&checkpoint.path, data, self.arch, test.classes().len(), self.session)?;
        let mut bands = RunningBands::new(self.profiler.radii().len());
        let (mut seen, mut correct, mut skipped) = (0, 0, 0);
        let bar = terminal.images_bar(test.len(), place);
        let batches = data::test_batches(test, data::gradient_batch_size(data), data.workers);
        for batch in self.feed.batches(batches.map(|batch| anyhow::Ok(batch?)))? {
            let batch = batch?;
            let found = network.input_gradient(&batch.images, &batch.labels);
            let found = found.map_err(|error| explained(error, batch.len()))?;
            let profiles = self.profiler.profiles(&found.gradient)?;
            profiles.rows().for_each(|row| bands.push(row));
            skipped += profiles.skipped();
            correct += network::tally(found.loss, &found.logits, &batch.labels)?.correct;
            seen += batch.len();
            bar.inc(batch.len() as u64);
            self.session.check(&bar, STOPPED)?;
        }
        bar.finish_and_clear();
        if skipped == seen {
            return Err(without_gradients(checkpoint, skipped));
        }
        let nat_prec1 = 100.0 * correct as f64 / seen.max(1) as f64;
        Ok(SpectrumRow { epoch: checkpoint.epoch, mean: bands.mean(), std: bands.std(), nat_prec1, skipped })
    }
}

const STOPPED: &str = "stopped; nothing was written; give the same command to start again";
const STOPPED_LATER: &str =
    "stopped; finished epochs are kept; to go on with the next one, give the same command";

/// Whoever stops after a finished epoch need not start again.
fn stopped(error: anyhow::Error, has_finished: bool) -> anyhow::Error {
    if has_finished && error.is::<Interrupted>() {
        Interrupted(STOPPED_LATER.to_owned()).into()
    } else {
        error
    }
}

impl Flags {
    /// The run folder that the flags name.
    fn folder(&self) -> PathBuf {
        self.run_folder.clone().unwrap_or_else(|| self.run.folder(&self.data))
    }

    /// The folder of the checkpoints that are measured.
    fn measured(&self) -> PathBuf {
        let of_files = self.checkpoints.as_deref().map(|pattern| checkpoints::folder_of(pattern).to_owned());
        of_files.unwrap_or_else(|| self.folder())
    }

    /// Results go into the run they are of; those of loose files never into a run that they may not belong to.
    fn output(&self) -> PathBuf {
        if self.checkpoints.is_some() && self.run.task.is_none() {
            let task = format!("{}_checkpoints", self.run.arch.name());
            return measured::folder(&self.run.out_dir.join(self.data.dataset.as_str()).join(task));
        }
        measured::folder(&self.folder())
    }

    fn checkpoints(&self, dataset: &Dataset, session: &Session) -> anyhow::Result<Vec<StoredCheckpoint>> {
        let terminal = session.terminal;
        if let Some(pattern) = &self.checkpoints {
            return checkpoints::of_pattern(pattern, |note| terminal.note(note));
        }
        if let Some(folder) = &self.run_folder {
            let found = checkpoints::of_named_run(folder, &self.data, &self.run)?;
            tell_unfinished(folder, &found, terminal)?;
            return Ok(found);
        }
        if self.wants_training()? {
            self.train(dataset, session)?;
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

    fn train(&self, dataset: &Dataset, session: &Session) -> anyhow::Result<()> {
        let few = if self.data.dataset == DatasetName::Synthetic { 6 } else { 10 };
        let folder = self.folder();
        let resumes = RunFolder::at(&folder).state_path().exists();
        let own = if resumes { RunFolder::at(&folder).config()?.unwrap_or_default() } else { Value::Null };
        if resumes && own["command"] != "grad" {
            return Err(UnusableFlags(format!(
                "{}: this run was stopped before its first checkpoint; give easy_train its flags again with --resume, or give another --task here",
                folder.display()
            ))
            .into());
        }
        let of_run = own["epochs"].as_u64().map(|epochs| epochs as usize);
        let epochs = self.epochs.or(of_run).unwrap_or(few);
        let verb = if resumes { "going on with" } else { "training" };
        session.terminal.note(&format!(
            "no finished run in {}: {verb} {} for {} on {} first",
            folder.display(),
            self.run.arch.name(),
            counted(epochs, "epoch"),
            counted(dataset.train.len(), &format!("{} image", self.data.dataset.as_str()))
        ));
        let recipe = TrainingRecipe::usual();
        let training = TrainingRun {
            command: "grad",
            settings: serde_json::to_value(self)?,
            data: &self.data,
            run: &self.run,
            recipe: &recipe,
            adversary: network::Adversary::default(),
            recording: &Recording::default(),
            epochs,
            start: if resumes { Start::Resume } else { Start::Fresh },
        };
        training.train(dataset, session)?;
        Ok(())
    }
}

/// Says so where a run has not all of its epochs.
fn tell_unfinished(folder: &Path, found: &[StoredCheckpoint], terminal: Terminal) -> anyhow::Result<()> {
    let config = RunFolder::at(folder).config()?.unwrap_or_default();
    if let Some(epochs) = config["epochs"].as_u64().filter(|&epochs| epochs != found.len() as u64) {
        let (found, folder) = (found.len(), folder.display());
        terminal.note(&format!(
            "note: {folder} has checkpoints of {found} of its {}",
            counted(epochs as usize, "epoch")
        ));
    }
    Ok(())
}

/// A row of nothing would be drawn as one that looks at no frequency.
fn without_gradients(checkpoint: &StoredCheckpoint, images: usize) -> anyhow::Error {
    anyhow::anyhow!(
        "{}: none of the {} has an input gradient with a profile (all are zero, constant or not finite): the network has diverged \
         or its output is the same for all images; train it anew with a smaller --lr, or leave this file out, for example with \
         --checkpoints",
        checkpoint.path.display(),
        counted(images, "image")
    )
}
