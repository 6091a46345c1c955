//! Where fitted kernels are kept.

use std::path::{Path, PathBuf};

use files::write_atomically;
use training::Start;

use crate::{Error, ToyKernels};

/// The folder of a fit: `Epoch{e}.safetensors` (e from 0), `latest.safetensors`, `log.jsonl` (an
/// [`EpochLosses`](crate::EpochLosses) a line) and `latest.state.safetensors`, all that an exact resume needs. Each file
/// appears whole or not at all.
///
/// ```
/// let folder = cdes::KernelFolder::at("runs/SCR/class3");
/// assert!(folder.checkpoint_path(19).ends_with("class3/Epoch19.safetensors"));
/// assert!(folder.checkpoints()?.is_empty());
/// # Ok::<(), cdes::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct KernelFolder {
    path: PathBuf,
}

const PREFIX: &str = "Epoch";
const SUFFIX: &str = ".safetensors";
const LATEST: &str = "latest.safetensors";
const STATE: &str = "latest.state.safetensors";
const LOG: &str = "log.jsonl";

impl KernelFolder {
    /// A folder as it is; it need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Prepares a folder for a fit.
    ///
    /// # Errors
    /// If there is a fit and `start` is fresh, if there is none and it is to be resumed, or if the folder cannot be
    /// created or cleared.
    pub fn begin(path: impl Into<PathBuf>, start: Start) -> Result<Self, Error> {
        let folder = Self::at(path);
        match start {
            Start::Fresh if folder.holds_a_fit()? => return Err(Error::FitExists { folder: folder.path }),
            Start::Resume if !folder.state_path().exists() => {
                return Err(Error::NothingToResume { folder: folder.path });
            }
            Start::Overwrite => folder.clear()?,
            Start::Fresh | Start::Resume => {}
        }
        files::create_folders(&folder.path)?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kernels after an epoch (0-based).
    pub fn checkpoint_path(&self, epoch: usize) -> PathBuf {
        self.path.join(format!("{PREFIX}{epoch}{SUFFIX}"))
    }

    /// The kernels after the last epoch so far.
    pub fn latest_path(&self) -> PathBuf {
        self.path.join(LATEST)
    }

    /// The file with everything that an exact resume needs.
    pub fn state_path(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// The losses, a line an epoch.
    pub fn log_path(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// Every epoch's kernels, in epoch order; empty if there is no such folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(usize, PathBuf)>, Error> {
        let mut found = Vec::new();
        for path in files::entries(&self.path)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let epoch = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) {
                found.push((epoch, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes the files of an earlier fit, by their names, and nothing else. The state goes first: a fit of which something is missing
    /// cannot go on.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn clear(&self) -> Result<(), Error> {
        let named = [self.state_path(), self.log_path(), self.latest_path()];
        let checkpoints = self.checkpoints()?.into_iter().map(|(_, path)| path);
        let all = named.into_iter().chain(checkpoints).filter(|path| path.is_file());
        Ok(all.into_iter().try_for_each(|path| files::remove_file(&path))?)
    }

    fn holds_a_fit(&self) -> Result<bool, Error> {
        Ok(self.state_path().exists() || !self.checkpoints()?.is_empty())
    }

    /// Keeps an epoch's kernels and the log up to it.
    pub(crate) fn keep(&self, epoch: usize, kernels: &ToyKernels, log: &[String]) -> Result<(), Error> {
        kernels.save(&self.checkpoint_path(epoch))?;
        kernels.save(&self.latest_path())?;
        let text: String = log.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        Ok(write_atomically(&self.log_path(), text.as_bytes())?)
    }
}
