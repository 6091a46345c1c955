//! Where a run is kept.

use std::path::{Path, PathBuf};

use files::FolderLock;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, checkpoint::Checkpoint};

/// One line of `metrics.jsonl`. Losses are means in nats, precisions percentages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// 0-based.
    pub epoch: usize,
    /// The learning rate of its first batch.
    pub lr: f64,
    /// Over the augmented training images, while the weights moved.
    pub train_loss: f64,
    /// Top-1, likewise.
    pub train_prec1: f64,
    /// Over the test images, after the epoch.
    pub nat_loss: f64,
    /// Top-1, likewise.
    pub nat_prec1: f64,
    /// Top-5, likewise.
    pub nat_prec5: f64,
    /// Over the test images as an adversary changed them, where that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adv_loss: Option<f64>,
    /// Top-1, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adv_prec1: Option<f64>,
    /// Over the test images, by the network with averaged weights, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_loss: Option<f64>,
    /// Top-1, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_prec1: Option<f64>,
    /// Seconds for training and evaluation.
    pub seconds: f64,
    /// Training images per second, evaluation left out.
    pub images_per_second: f64,
    /// What computed the epoch, where that is known: others round differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernels: Option<String>,
}

/// What happens to an earlier run in the same folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It is an error.
    Fresh,
    /// It is resumed.
    Resume,
    /// Its files are removed.
    Overwrite,
}

/// The folder of a run and the files in it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while this program writes.
    lock: Option<FolderLock>,
}

const CHECKPOINT: &str = "_checkpoint.safetensors";
const LATEST: &str = "checkpoint.latest.safetensors";
const BEST: &str = "checkpoint.best.safetensors";
const STATE: &str = "checkpoint.latest.state.safetensors";
const CONFIG: &str = "config.json";
const METRICS: &str = "metrics.jsonl";
const TENSORBOARD: &str = "tensorboard";

impl RunFolder {
    /// The folder of a run, to be read; it may be missing.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), lock: None }
    }

    /// Prepares a folder for a run, and locks it until this is dropped. What is to be overwritten is still there: see
    /// [`RunFolder::clear`].
    ///
    /// # Errors
    /// [`Error::RunExists`] if there is a run and `start` is fresh; [`Error::NothingToResume`] if there is none to resume;
    /// [`Error::StateMissing`] if there are checkpoints without a state; [`files::Error::InUse`] if another program writes to the
    /// folder; [`files::Error::File`] if the folder cannot be created.
    pub fn begin(path: impl Into<PathBuf>, start: Start) -> Result<Self, Error> {
        let mut run = Self::at(path);
        let (has_state, has_run) = (run.state_path().exists(), run.holds_a_run());
        match start {
            Start::Resume if !has_run => return Err(Error::NothingToResume { folder: run.path }),
            Start::Fresh | Start::Resume if has_run && !has_state => {
                return Err(Error::StateMissing { state: run.state_path() });
            }
            Start::Fresh if has_run => return Err(Error::RunExists { folder: run.path }),
            _ => {}
        }
        run.lock = Some(FolderLock::take(&run.path)?);
        Ok(run)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a run was started here.
    pub fn holds_a_run(&self) -> bool {
        self.state_path().exists() || self.checkpoints().is_ok_and(|found| !found.is_empty())
    }

    /// The file with everything that an exact resume needs.
    pub fn state_path(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// The checkpoint of an epoch.
    pub fn checkpoint_path(&self, epoch: usize) -> PathBuf {
        self.path.join(format!("{epoch}{CHECKPOINT}"))
    }

    /// Every epoch's checkpoint, in epoch order; empty if there is no such folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(usize, PathBuf)>, Error> {
        let mut found = Vec::new();
        for path in files::entries(&self.path)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(epoch) = name.strip_suffix(CHECKPOINT).and_then(|epoch| epoch.parse().ok()) {
                found.push((epoch, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Writes an epoch's checkpoint, and gives it the name `checkpoint.latest` too, and `checkpoint.best` if it is the best.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_checkpoint(
        &self,
        epoch: usize,
        checkpoint: &Checkpoint,
        is_best: bool,
    ) -> Result<PathBuf, Error> {
        self.check()?;
        let path = self.checkpoint_path(epoch);
        checkpoint.save(&path)?;
        files::link(&path, &self.path.join(LATEST))?;
        if is_best {
            files::link(&path, &self.path.join(BEST))?;
        }
        Ok(path)
    }

    /// Removes the checkpoint of an epoch, if it is there; `checkpoint.latest` and `checkpoint.best` stay.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn remove_checkpoint(&self, epoch: usize) -> Result<(), Error> {
        Ok(files::remove_file(&self.checkpoint_path(epoch))?)
    }

    /// Writes the resolved settings of the run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_config(&self, config: &impl Serialize) -> Result<(), Error> {
        let path = self.path.join(CONFIG);
        let mut text = serde_json::to_string_pretty(config).map_err(damaged(&path, "configuration"))?;
        text.push('\n');
        Ok(files::write_atomically(&path, text.as_bytes())?)
    }

    /// The resolved settings of the run, as [`RunFolder::save_config`] wrote them; absent if the folder has no such file.
    ///
    /// ```
    /// # let root = tempfile::tempdir()?;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Config {
    ///     epochs: usize,
    /// }
    /// let run = training::RunFolder::at(root.path());
    /// assert!(run.config::<Config>()?.is_none());
    /// run.save_config(&Config { epochs: 4 })?;
    /// assert_eq!(run.config::<Config>()?.map(|config| config.epochs), Some(4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`files::Error::File`] if the file cannot be read; [`Error::Damaged`] if it is not JSON that a `T` can be read from.
    pub fn config<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let path = self.path.join(CONFIG);
        let Some(bytes) = files::read_if_there(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(damaged(&path, "configuration"))
    }

    /// The epochs that are finished, in order; none if the folder has no `metrics.jsonl`.
    ///
    /// # Errors
    /// If the file cannot be read or a line is no epoch's metrics.
    pub fn metrics(&self) -> Result<Vec<EpochMetrics>, Error> {
        let path = self.path.join(METRICS);
        let bytes = files::read_if_there(&path)?.unwrap_or_default();
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(damaged(&path, "metrics file"))).collect()
    }

    /// Writes `metrics.jsonl`, a line an epoch.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_metrics(&self, epochs: &[EpochMetrics]) -> Result<(), Error> {
        let path = self.path.join(METRICS);
        let line = |epoch: &EpochMetrics| serde_json::to_string(epoch).map(|text| text + "\n");
        let text: Result<String, _> = epochs.iter().map(line).collect();
        Ok(files::write_atomically(&path, text.map_err(damaged(&path, "metrics file"))?.as_bytes())?)
    }

    /// The folder for TensorBoard's event files.
    pub(crate) fn tensorboard(&self) -> PathBuf {
        self.path.join(TENSORBOARD)
    }

    /// Removes the files of an earlier run, by their names, and nothing else. The state goes first: a run of which something is missing
    /// cannot go on.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn clear(&self) -> Result<(), Error> {
        let named = [STATE, METRICS, CONFIG, LATEST, BEST].map(|name| self.path.join(name));
        let events = files::entries(&self.tensorboard())?.into_iter();
        let events = events.filter(|path| path.to_string_lossy().contains("tfevents"));
        let checkpoints = self.checkpoints()?.into_iter().map(|(_, path)| path);
        let all = named.into_iter().chain(events).chain(checkpoints);
        Ok(all.filter(|path| path.is_file()).try_for_each(|path| files::remove_file(&path))?)
    }

    /// Checks that the folder is still the one that was taken.
    ///
    /// # Errors
    /// [`files::Error::Gone`] if it was removed, moved or replaced.
    pub(crate) fn check(&self) -> Result<(), Error> {
        Ok(self.lock.as_ref().map_or(Ok(()), FolderLock::check)?)
    }
}

fn damaged(path: &Path, expected: &'static str) -> impl Fn(serde_json::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Damaged { path: path.clone(), expected, found: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn checkpoints_come_in_the_order_of_epochs() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for name in
            ["10_checkpoint.safetensors", "9_checkpoint.safetensors", "x_checkpoint.safetensors", LATEST]
        {
            fs::write(folder.path().join(name), b"")?;
        }
        let epochs: Vec<usize> =
            RunFolder::at(folder.path()).checkpoints()?.into_iter().map(|(epoch, _)| epoch).collect();
        assert_eq!(epochs, [9, 10]);
        Ok(())
    }

    #[test]
    fn clearing_leaves_other_files_alone() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["0_checkpoint.safetensors", METRICS, "notes.txt"] {
            fs::write(folder.path().join(name), b"")?;
        }
        RunFolder::at(folder.path()).clear()?;
        let left: Vec<_> = fs::read_dir(folder.path())?
            .map(|entry| entry.map(|e| e.file_name()))
            .collect::<Result<_, _>>()?;
        assert_eq!(left, ["notes.txt"]);
        Ok(())
    }

    #[test]
    fn metrics_are_read_back_and_a_damaged_line_is_told() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::at(folder.path());
        let line = |epoch| EpochMetrics {
            epoch,
            lr: 0.1,
            train_loss: 1.5,
            train_prec1: 1.0,
            nat_loss: 2.0,
            nat_prec1: 3.0,
            nat_prec5: 4.0,
            adv_loss: None,
            adv_prec1: None,
            ema_loss: None,
            ema_prec1: None,
            seconds: 5.0,
            images_per_second: 6.0,
            kernels: None,
        };
        assert_eq!(run.metrics()?, []);
        run.save_metrics(&[line(0), line(1)])?;
        assert_eq!(run.metrics()?, [line(0), line(1)]);
        fs::write(folder.path().join(METRICS), "{}\n")?;
        let error = run.metrics().expect_err("a damaged line").to_string();
        assert!(error.contains(METRICS) && error.contains("epoch"), "{error}");
        Ok(())
    }

    #[test]
    fn a_folder_has_one_writer() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let first = RunFolder::begin(folder.path(), Start::Fresh)?;
        let second = RunFolder::begin(folder.path(), Start::Overwrite);
        assert!(matches!(second, Err(Error::File(files::Error::InUse { .. }))), "{second:?}");
        drop(first);
        RunFolder::begin(folder.path(), Start::Overwrite)?;
        Ok(())
    }

    #[test]
    fn checkpoints_without_a_state_are_neither_resumed_nor_written_over() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("0_checkpoint.safetensors"), b"")?;
        for start in [Start::Fresh, Start::Resume] {
            let refused = RunFolder::begin(folder.path(), start);
            assert!(matches!(refused, Err(Error::StateMissing { .. })), "{refused:?}");
        }
        Ok(())
    }
}
