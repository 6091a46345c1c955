//! Checkpoint files in epoch order.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use checkpoints::CheckpointFile;
use files::{Action, failed};
use training::RunFolder;

use crate::{
    Error, epochs,
    names::{is_another_name, is_checkpoint, stem, suggestion},
    weights,
};

/// A checkpoint file and the epoch that it is of (0-based).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The epoch.
    pub epoch: usize,
    /// The file.
    pub path: PathBuf,
    /// The key of its weights, where it holds several networks.
    pub weights: Option<String>,
    /// The folder of the run that it was found as a checkpoint of: what that run was trained on is asked of it. A file that is
    /// named by itself has none.
    pub run: Option<PathBuf>,
}

impl StoredCheckpoint {
    /// A checkpoint file, of the epoch that it says it is of, or else of epoch 0.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(stated_epoch(&path).unwrap_or(0), path)
    }

    /// The checkpoint of an epoch.
    pub fn new(epoch: usize, path: PathBuf) -> Self {
        Self { epoch, path, weights: None, run: None }
    }

    /// The checkpoint of an epoch of the run in a folder.
    pub fn of_run(run: &Path, epoch: usize, path: PathBuf) -> Self {
        Self { run: Some(run.to_owned()), ..Self::new(epoch, path) }
    }

    /// A checksum of the file (CRC-32C) and of the key of its weights: rows measured earlier hold for the same weights only.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn checksum(&self) -> Result<u32, Error> {
        let mut checksum = crc32c::crc32c(self.weights.as_deref().unwrap_or_default().as_bytes());
        let mut buffer = vec![0; 1 << 20];
        for path in weights::open(&self.path)?.files() {
            let mut file = File::open(path).map_err(failed(Action::Read, path))?;
            loop {
                match file.read(&mut buffer).map_err(failed(Action::Read, path))? {
                    0 => break,
                    count => checksum = crc32c::crc32c_append(checksum, &buffer[..count]),
                }
            }
        }
        Ok(checksum)
    }
}

/// The checkpoints of a run folder, in epoch order; empty if there is no such folder yet.
///
/// # Errors
/// If the folder cannot be read.
pub fn checkpoints_of_run(folder: &Path) -> Result<Vec<StoredCheckpoint>, Error> {
    let found = RunFolder::at(folder).checkpoints()?;
    Ok(found.into_iter().map(|(epoch, path)| StoredCheckpoint::of_run(folder, epoch, path)).collect())
}

/// The folder of the files that a pattern names, where it names one.
pub fn folder_of_pattern(pattern: &str) -> &Path {
    Path::new(pattern).parent().unwrap_or(Path::new(""))
}

/// Checkpoint files that a pattern names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// In epoch order.
    pub checkpoints: Vec<StoredCheckpoint>,
    /// Whether several files are numbered 0, 1, … in the order of their names, because neither they nor their names say an epoch each.
    pub is_numbered: bool,
}

/// The files that a pattern (`*`, `?`, `[…]`, `**`) or a path names, in epoch order: the epoch that each says it is of, or else its name.
///
/// # Errors
/// If the pattern is malformed or names no checkpoint.
pub fn checkpoints_matching(pattern: &str) -> Result<Matches, Error> {
    let mut paths = Vec::new();
    // A name may hold what would mean something in a pattern.
    let own = Path::new(pattern);
    if own.symlink_metadata().is_ok() {
        match CheckpointFile::open(own) {
            Err(checkpoints::Error::NoFile { is_folder: true, .. }) => {}
            // What else is wrong with a file, whoever opens it says.
            Err(error) if !own.is_file() => return Err(error.into()),
            _ => return Ok(in_order(vec![PathBuf::from(pattern)])),
        }
    }
    let malformed = |problem: String| Error::NoPattern { pattern: pattern.to_owned(), problem };
    for entry in glob::glob(pattern).map_err(|error| malformed(error.to_string()))? {
        paths.push(entry.map_err(|error| {
            let path = error.path().to_owned();
            failed(Action::Read, &path)(error.into())
        })?);
    }
    let others = paths.clone();
    paths.retain(|path| is_checkpoint(path));
    if paths.iter().any(|path| !is_another_name(path)) {
        paths.retain(|path| !is_another_name(path));
    }
    if paths.is_empty() {
        return Err(no_checkpoint(pattern, &others));
    }
    Ok(in_order(paths))
}

/// Why nothing of what a pattern names is a checkpoint.
fn no_checkpoint(pattern: &str, found: &[PathBuf]) -> Error {
    match found {
        [] => Error::NoFile { pattern: pattern.to_owned() },
        [folder] if folder.is_dir() => Error::Folder { path: folder.clone(), suggestion: suggestion(folder) },
        [other, ..] => Error::NoCheckpoint { path: other.clone() },
    }
}

fn in_order(paths: Vec<PathBuf>) -> Matches {
    let names: Vec<_> = paths.iter().map(|path| stem(path)).collect();
    let known = stated_epochs(&paths).or_else(|| epochs::of_names(&names));
    let is_numbered = known.is_none() && paths.len() > 1;
    // Files of one name are told apart by their folders.
    let by_name =
        || epochs::by_name(&paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
    let epochs = known.unwrap_or_else(by_name);
    let mut checkpoints: Vec<_> =
        epochs.into_iter().zip(paths).map(|(epoch, path)| StoredCheckpoint::new(epoch, path)).collect();
    checkpoints.sort_by_key(|checkpoint| checkpoint.epoch);
    Matches { checkpoints, is_numbered }
}

/// The epochs that all files say they are of, if each is of another one.
fn stated_epochs(paths: &[PathBuf]) -> Option<Vec<usize>> {
    let epochs: Vec<usize> = paths.iter().map(|path| stated_epoch(path)).collect::<Option<_>>()?;
    let distinct: BTreeSet<&usize> = epochs.iter().collect();
    (distinct.len() == paths.len()).then_some(epochs)
}

/// The epoch that a file says it is of.
fn stated_epoch(path: &Path) -> Option<usize> {
    weights::info(&weights::open(path).ok()?).ok()?.epoch
}

/// What to call files: their names without extension, with as many of their folders as make them differ.
pub fn labels(paths: &[&Path]) -> Vec<String> {
    let name = |path: &Path, folders: usize| {
        let stem = path.with_extension("");
        let parts: Vec<_> = stem.iter().map(|part| part.to_string_lossy()).collect();
        parts[parts.len().saturating_sub(folders + 1)..].join("/")
    };
    let deepest = paths.iter().map(|path| path.iter().count()).max().unwrap_or(0);
    let names = |folders: usize| -> Vec<String> { paths.iter().map(|path| name(path, folders)).collect() };
    let distinct = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (0..deepest).map(names).find(distinct).unwrap_or_else(|| names(deepest))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Checked = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn files_come_in_epoch_order_without_further_names() -> Checked {
        let folder = tempfile::tempdir()?;
        let names = ["10_checkpoint.safetensors", "2_checkpoint.safetensors", "notes.txt"];
        let others = ["checkpoint.latest.safetensors", "checkpoint.latest.state.safetensors"];
        for name in names.iter().chain(&others) {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = checkpoints_matching(&format!("{}/*", folder.path().display()))?;
        assert_eq!(found.checkpoints.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [2, 10]);
        assert!(!found.is_numbered);
        Ok(())
    }

    #[test]
    fn a_file_is_found_whatever_its_name_means_in_a_pattern() -> Checked {
        let folder = tempfile::tempdir()?;
        for name in ["run[1].pt", "run1.pt", "[z-a].pt"] {
            std::fs::write(folder.path().join(name), b"")?;
            let path = folder.path().join(name);
            let found = checkpoints_matching(&path.display().to_string())?.checkpoints;
            assert_eq!(found.iter().map(|checkpoint| &checkpoint.path).collect::<Vec<_>>(), [&path]);
        }
        Ok(())
    }

    #[test]
    fn invented_epochs_are_reported() -> Checked {
        let folder = tempfile::tempdir()?;
        for name in ["resnet18_a.pt", "resnet18_b.pt"] {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = checkpoints_matching(&format!("{}/*.pt", folder.path().display()))?;
        assert_eq!(found.checkpoints.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [0, 1]);
        assert!(found.checkpoints[0].path.ends_with("resnet18_a.pt") && found.is_numbered);
        Ok(())
    }

    #[test]
    fn what_is_no_checkpoint_is_an_error_that_names_it() -> Checked {
        let error = checkpoints_matching("/nowhere/*.pt").expect_err("no such files");
        assert!(error.to_string().contains("/nowhere/*.pt"));
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("3_checkpoint.safetensors"), b"")?;
        let said =
            checkpoints_matching(&folder.path().display().to_string()).expect_err("a folder").to_string();
        assert!(said.contains("this is a folder") && said.contains("3_checkpoint"), "{said}");
        Ok(())
    }

    #[test]
    fn files_are_called_by_what_tells_them_apart() {
        let names = |paths: &[&str]| labels(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(names(&["runs/a/9_checkpoint.safetensors"]), ["9_checkpoint"]);
        assert_eq!(names(&["runs/a/8.pt", "runs/a/9.pt"]), ["8", "9"]);
        assert_eq!(names(&["runs/a/9.pt", "runs/b/9.pt"]), ["a/9", "b/9"]);
        assert_eq!(names(&["x/a.pt", "x/a.pth"]), ["x/a", "x/a"]);
    }
}
