//! The checkpoints that `--run`, `--checkpoints`, or the flags of a run name, in epoch order.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use training::RunFolder;

use crate::launch::UnusableFlags;

/// A checkpoint file and the epoch that it is of (0-based).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCheckpoint {
    /// The epoch.
    pub epoch: usize,
    /// The file.
    pub path: PathBuf,
}

impl StoredCheckpoint {
    /// A checksum of the file: rows measured earlier hold for the same file only.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn digest(&self) -> anyhow::Result<u32> {
        let mut file = File::open(&self.path).with_context(|| self.path.display().to_string())?;
        let (mut digest, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer).with_context(|| self.path.display().to_string())? {
                0 => return Ok(digest),
                count => digest = crc32c::crc32c_append(digest, &buffer[..count]),
            }
        }
    }
}

/// The checkpoints of a run folder, in epoch order; empty if there is no such folder yet.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn of_run(folder: &Path) -> anyhow::Result<Vec<StoredCheckpoint>> {
    let found = RunFolder::at(folder).checkpoints()?;
    Ok(found.into_iter().map(|(epoch, path)| StoredCheckpoint { epoch, path }).collect())
}

/// The files that a pattern names, in epoch order: by the numbers in their names where each has one of its own, else
/// in the order of names.
///
/// # Errors
/// If the pattern is malformed or names no file.
pub(crate) fn of_pattern(pattern: &str) -> anyhow::Result<Vec<StoredCheckpoint>> {
    let unusable = |problem: String| UnusableFlags(format!("--checkpoints {pattern}: {problem}"));
    let entries = glob::glob(pattern).map_err(|error| unusable(format!("no pattern: {error}")))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(|| format!("--checkpoints {pattern}"))?);
    }
    paths.retain(|path| is_checkpoint(path));
    if paths.len() > 1 {
        paths.retain(|path| !is_another_name(path));
    }
    if paths.is_empty() {
        return Err(unusable("no such file; expected .safetensors, .pt or .pth files".to_owned()).into());
    }
    paths.sort();
    let numbers: Vec<Option<usize>> = paths.iter().map(|path| epoch_in_name(path)).collect();
    let numbered = numbers.iter().flatten().collect::<BTreeSet<_>>().len() == paths.len();
    let epochs = (0..).zip(&numbers).map(|(index, number)| number.filter(|_| numbered).unwrap_or(index));
    let mut found: Vec<_> = epochs.zip(paths).map(|(epoch, path)| StoredCheckpoint { epoch, path }).collect();
    found.sort_by_key(|checkpoint| checkpoint.epoch);
    Ok(found)
}

fn is_checkpoint(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_state = path.to_string_lossy().ends_with(".state.safetensors");
    path.is_file() && !is_state && matches!(extension, Some("safetensors" | "pt" | "pth"))
}

/// `checkpoint.latest` and `checkpoint.best` are further names of checkpoints that have a number.
fn is_another_name(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let last = stem.rsplit(['.', '_', '-']).next();
    stem.starts_with("checkpoint") && matches!(last, Some("latest" | "best"))
}

/// The one number that stands alone in a file's name, after `epoch` at most: 12 of `12_checkpoint.pt` and of
/// `model-epoch12.safetensors`, none of `resnet18.pt`.
fn epoch_in_name(path: &Path) -> Option<usize> {
    let name = path.file_stem()?.to_str()?.to_lowercase();
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let mut numbers = parts.filter_map(|part| part.strip_prefix("epoch").unwrap_or(part).parse().ok());
    numbers.next().filter(|_| numbers.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_ordered_as_numbers() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let names = ["10_checkpoint.pt", "epoch2.pt", "run-0.safetensors", "notes.txt"];
        let others =
            ["checkpoint.latest.safetensors", "checkpoint.pt.best", "checkpoint.latest.state.safetensors"];
        for name in names.iter().chain(&others) {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = of_pattern(&format!("{}/*", folder.path().display()))?;
        assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [0, 2, 10]);
        Ok(())
    }

    #[test]
    fn a_number_that_is_part_of_a_word_is_no_epoch() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["resnet18_a.pt", "resnet18_b.pt"] {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = of_pattern(&format!("{}/*.pt", folder.path().display()))?;
        assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [0, 1]);
        assert!(found[0].path.ends_with("resnet18_a.pt"));
        Ok(())
    }

    #[test]
    fn a_pattern_without_files_is_an_error_that_names_it() {
        let error = of_pattern("/nowhere/*.pt").expect_err("no such files");
        assert!(error.to_string().contains("/nowhere/*.pt"));
    }
}
