//! Flags that name the checkpoints to measure.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use datasets::catalog::Name;
use pipeline::{DatasetProfile, MeasuredNetwork, OnnxNetwork};
use progress::Progress;
use runs::{RunConfig, Split, StoredCheckpoint, checkpoints_matching, checkpoints_of_run, folder_of_pattern};
use serde::Serialize;

use super::{DataFlags, NormaliserFlags, RunFlags};
use crate::cli::{UsageError, must_exist};

/// Why a run folder has no checkpoint to measure, or none of an epoch.
pub(crate) fn nothing_found(
    folder: &Path,
    epoch: Option<usize>,
    found: &[StoredCheckpoint],
) -> anyhow::Error {
    let folder = folder.display();
    let epochs: Vec<String> = found.iter().map(|checkpoint| checkpoint.epoch.to_string()).collect();
    let message = match epoch {
        Some(epoch) if !found.is_empty() => format!(
            "--epoch {epoch}: {folder} has no checkpoint of this epoch; it has those of {}",
            epochs.join(", ")
        ),
        _ => format!(
            "{folder}: no checkpoints in this folder; train a network first with the same flags of easy_train, or name a run with --run \
             or files with --checkpoints"
        ),
    };
    UsageError(message).into()
}

/// Which checkpoints are measured: those of a run, or files.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct CheckpointFlags {
    /// A run folder [default: the one that --dataset, --arch and --task name]
    #[arg(long = "run", value_name = "DIR", conflicts_with = "checkpoints")]
    #[serde(rename = "run")]
    pub(crate) run_folder: Option<PathBuf>,
    /// Checkpoint files, one or a pattern: PyTorch's or safetensors, whatever they are named [results go to the task {arch}_checkpoints]
    #[arg(long, value_name = "GLOB")]
    pub(crate) checkpoints: Option<String>,
    /// Which weights of a file that holds several networks: the key of their dictionary, as state_dict_ema, or what stands before their
    /// names [default: the usual one, and a note says which]
    #[arg(long, value_name = "KEY")]
    pub(crate) weights: Option<String>,
    /// A network as an ONNX file, whatever wrote it [results go to the task {file}_onnx]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run_folder", "checkpoints", "weights"])]
    pub(crate) onnx: Option<PathBuf>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) normaliser: NormaliserFlags,
}

impl CheckpointFlags {
    /// The run folder that the flags name.
    pub(crate) fn folder(&self, data: &DataFlags, run: &RunFlags) -> PathBuf {
        self.run_folder.clone().unwrap_or_else(|| run.folder(data))
    }

    /// The run whose folder takes the results: those of loose files never go into a run that they may not belong to.
    pub(crate) fn results_run(&self, data: &DataFlags, run: &RunFlags) -> PathBuf {
        if let (Some(file), None) = (&self.onnx, &run.task) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return run.of_task(data, &format!("{stem}_onnx"));
        }
        if self.checkpoints.is_some() && run.task.is_none() {
            return run.of_task(data, &format!("{}_checkpoints", run.arch.name()));
        }
        self.folder(data, run)
    }

    /// Takes family, size and split of images from the configuration beside the checkpoints that are measured, where flags do not say them
    /// and the run is of the same data set and network.
    ///
    /// # Errors
    /// If the configuration cannot be read, or it is of other labels or of another split.
    pub(crate) fn adopt_settings(&self, data: &mut DataFlags, run: &mut RunFlags) -> anyhow::Result<()> {
        if let Some(file) = &self.onnx {
            must_exist("--onnx", file)?;
            // Photographs come in the size that the graph takes.
            if let ([Some(height), Some(width)], true) =
                (onnx::Model::open(file)?.image_size(), data.dataset.is_resized())
                && height == width
            {
                data.images.image_size = data.images.image_size.or(Some(height));
            }
            return Ok(());
        }
        let beside = self.checkpoints.as_deref().map(|pattern| folder_of_pattern(pattern).to_owned());
        let folder = beside.unwrap_or_else(|| self.folder(data, run));
        // A file in its place is refused by whoever asks for checkpoints.
        if !folder.is_dir() {
            return Ok(());
        }
        let Some(config) = RunConfig::beside(&folder)? else { return Ok(()) };
        let settings = &config.settings;
        if settings.dataset.as_deref() != Some(data.dataset.as_str())
            || settings.arch.as_deref() != Some(run.arch.name())
        {
            return Ok(());
        }
        let labels = data.images.labels.as_str();
        if let Some(own) = settings.labels.as_deref().filter(|own| *own != labels)
            && data.dataset == Name::Cifar100
        {
            return Err(UsageError(format!(
                "--labels {labels}: the network in {} was trained with --labels {own}; give --labels {own}",
                folder.display()
            ))
            .into());
        }
        if run.arch_family.is_none() {
            run.arch_family = settings.arch_family.as_deref().map(str::parse).transpose()?;
        }
        // Of files that are named by themselves, only on the images that they were trained on.
        let layout = &mut data.images.layout;
        if self.checkpoints.is_none() || settings.data == data.images.data {
            layout.val_labels = layout.val_labels.take().or_else(|| settings.val_labels.clone());
            if let Some(Split { fraction, seed }) =
                config.split(&folder, layout.val_fraction, layout.val_seed)?
            {
                (layout.val_fraction, layout.val_seed) = (Some(fraction), Some(seed));
            }
        }
        data.images.image_size = data.images.image_size.or(settings.image_size);
        let (resize, interpolation) = (settings.resize.as_deref(), settings.interpolation.as_deref());
        let damaged = |problem: String| UsageError(format!("{}: config.json: {problem}", folder.display()));
        let resize = resize.map(str::parse).transpose().map_err(damaged)?;
        let interpolation = interpolation.map(str::parse).transpose().map_err(damaged)?;
        data.images.resize = data.images.resize.or(resize);
        data.images.interpolation = data.images.interpolation.or(interpolation);
        Ok(())
    }

    /// The files that `--checkpoints` names, in epoch order; absent without the flag.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn files(&self, progress: &Progress) -> anyhow::Result<Option<Vec<StoredCheckpoint>>> {
        if let Some(file) = &self.onnx {
            return Ok(Some(vec![StoredCheckpoint::new(0, file.clone())]));
        }
        let Some(pattern) = &self.checkpoints else { return Ok(None) };
        let found = checkpoints_matching(pattern)?;
        if found.is_numbered {
            progress.note(
                "these files do not say an epoch each, nor do their names; they are numbered 0, 1, … in the order of names",
            );
        }
        Ok(Some(self.of_weights(found.checkpoints)))
    }

    /// The checkpoints of a run, named by `--run` or by data set, network and task: those of some epochs, or of all where none is given.
    ///
    /// # Errors
    /// If there are none, or none of an epoch.
    pub(crate) fn of_epochs(
        &self,
        data: &DataFlags,
        run: &RunFlags,
        epochs: &[usize],
    ) -> anyhow::Result<Vec<StoredCheckpoint>> {
        let folder = self.folder(data, run);
        let found = match self.of_named_run(data, run)? {
            Some(found) => found,
            None => self.of_weights(checkpoints_of_run(&folder)?),
        };
        let is_there = |epoch: &usize| found.iter().any(|checkpoint| checkpoint.epoch == *epoch);
        if let Some(&missing) = epochs.iter().find(|epoch| !is_there(epoch)) {
            return Err(nothing_found(&folder, Some(missing), &found));
        }
        let is_asked =
            |checkpoint: &&StoredCheckpoint| epochs.is_empty() || epochs.contains(&checkpoint.epoch);
        let asked: Vec<StoredCheckpoint> = found.iter().filter(is_asked).cloned().collect();
        if asked.is_empty() { Err(nothing_found(&folder, None, &found)) } else { Ok(asked) }
    }

    /// The checkpoints of the run that `--run` names, in epoch order; absent without the flag.
    ///
    /// # Errors
    /// If there are none, or the flags name another network or other images than the run says it is of.
    pub(crate) fn of_named_run(
        &self,
        data: &DataFlags,
        run: &RunFlags,
    ) -> anyhow::Result<Option<Vec<StoredCheckpoint>>> {
        let Some(folder) = &self.run_folder else { return Ok(None) };
        must_exist("--run", folder)?;
        if !folder.is_dir() {
            return Err(runs::Error::NotARunFolder { path: folder.clone() }.into());
        }
        let settings = RunConfig::beside(folder)?.unwrap_or_default().settings;
        for (setting, own, given) in
            [("dataset", &settings.dataset, data.dataset.as_str()), ("arch", &settings.arch, run.arch.name())]
        {
            if let Some(own) = own.clone().filter(|own| own != given) {
                let (folder, given) = (folder.clone(), given.to_owned());
                return Err(runs::Error::OtherRun { folder, setting, own, given }.into());
            }
        }
        let found = checkpoints_of_run(folder)?;
        if found.is_empty() {
            return Err(runs::Error::NoCheckpoints { folder: folder.clone() }.into());
        }
        Ok(Some(self.of_weights(found)))
    }

    /// The checkpoints with the key of their weights.
    fn of_weights(&self, found: Vec<StoredCheckpoint>) -> Vec<StoredCheckpoint> {
        let weights = &self.weights;
        found
            .into_iter()
            .map(|checkpoint| StoredCheckpoint { weights: weights.clone(), ..checkpoint })
            .collect()
    }

    /// Which network is measured on images of this many rows and columns: an architecture's, or an ONNX file's.
    ///
    /// # Errors
    /// If the architecture's family has none of its name, or the file cannot be used.
    pub(crate) fn network(&self, run: &RunFlags, size: [usize; 2]) -> anyhow::Result<MeasuredNetwork> {
        Ok(match &self.onnx {
            Some(file) => MeasuredNetwork::Onnx(Arc::new(OnnxNetwork::open(file, size)?)),
            None => run.architecture(size)?.into(),
        })
    }

    /// How the images of a data set are used, with the normaliser that is given.
    ///
    /// # Errors
    /// If that is none.
    pub(crate) fn profile(&self, data: &DataFlags) -> anyhow::Result<DatasetProfile> {
        Ok(DatasetProfile { given_normaliser: self.normaliser.given()?, ..data.profile() })
    }
}
