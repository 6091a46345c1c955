//! Where fitted kernels are kept.

use std::{
    error, fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

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
#[derive(Clone)]
pub struct KernelFolder {
    path: PathBuf,
    /// Who writes its files, if not this process.
    writer: Option<Arc<Writer>>,
}

/// Takes the path and the bytes of a file.
type Writer = dyn Fn(&Path, Vec<u8>) -> Result<(), Box<dyn error::Error + Send + Sync>> + Send + Sync;

const PREFIX: &str = "Epoch";
const SUFFIX: &str = ".safetensors";
const LATEST: &str = "latest.safetensors";
const STATE: &str = "latest.state.safetensors";
const LOG: &str = "log.jsonl";

impl KernelFolder {
    /// A folder as it is; it need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), writer: None }
    }

    /// The same folder, whose files somebody else writes: a fit hands their paths and bytes over, and creates and writes nothing.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex, atomic::AtomicBool};
    /// use cdes::{ByteImages, FitSettings, KernelFolder, Objective, ToyKernels};
    /// let written = Arc::new(Mutex::new(Vec::new()));
    /// let names = Arc::clone(&written);
    /// let folder = KernelFolder::at("nowhere").written_by(move |path, bytes| {
    ///     names.lock().unwrap().push((path.display().to_string(), bytes.len() > 0));
    ///     Ok(())
    /// });
    /// let fit = FitSettings { epochs: 1, ..FitSettings::default() }.check(Objective::new(8, 8, vec![1.0, 0.0, 0.5])?)?;
    /// let images = [7; 2 * 192];
    /// let mut kernels = ToyKernels::new(2, 3, 0)?;
    /// fit.run(&mut kernels, &ByteImages::new(&images, [8, 8])?, Some(&folder), &AtomicBool::new(false), &mut |_| ())?;
    /// let written = written.lock().unwrap();
    /// // The state at the beginning, what an epoch leaves, and the state after it.
    /// assert_eq!(written.len(), 5);
    /// assert_eq!(written[1], ("nowhere/Epoch0.safetensors".to_owned(), true));
    /// assert!(!std::path::Path::new("nowhere").exists());
    /// # Ok::<(), cdes::Error>(())
    /// ```
    pub fn written_by(
        self,
        writer: impl Fn(&Path, Vec<u8>) -> Result<(), Box<dyn error::Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        Self { writer: Some(Arc::new(writer)), ..self }
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
        for path in [self.checkpoint_path(epoch), self.latest_path()] {
            let bytes = kernels.file(&path)?;
            self.write(&path, bytes)?;
        }
        let text: String = log.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        self.write(&self.log_path(), text.into_bytes())
    }

    /// Writes one of its files, or has it written.
    pub(crate) fn write(&self, path: &Path, bytes: Vec<u8>) -> Result<(), Error> {
        match &self.writer {
            None => Ok(write_atomically(path, &bytes)?),
            Some(writer) => writer(path, bytes).map_err(Error::Writer),
        }
    }
}

impl fmt::Debug for KernelFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelFolder").field("path", &self.path).finish_non_exhaustive()
    }
}
