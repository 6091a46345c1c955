//! The checkpoints that `--run`, `--checkpoints`, or the flags of a run name, in epoch order.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use training::RunFolder;

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

/// The files that a pattern names, in epoch order: by the number in the name, else in the order of names.
///
/// # Errors
/// If the pattern is malformed, names no file, or two files are of one epoch.
pub(crate) fn of_pattern(pattern: &str) -> anyhow::Result<Vec<StoredCheckpoint>> {
    let mut paths = Vec::new();
    for entry in glob::glob(pattern).with_context(|| format!("--checkpoints {pattern}"))? {
        let path = entry.with_context(|| format!("--checkpoints {pattern}"))?;
        if is_checkpoint(&path) {
            paths.push(path);
        }
    }
    ensure!(
        !paths.is_empty(),
        "--checkpoints {pattern}: no such file; expected .safetensors, .pt or .pth files"
    );
    paths.sort();
    let numbers: Vec<Option<usize>> = paths.iter().map(|path| epoch_in_name(path)).collect();
    let numbered = numbers.iter().flatten().collect::<BTreeSet<_>>().len() == paths.len();
    let epoch = |index: usize| numbers[index].filter(|_| numbered).unwrap_or(index);
    let mut found: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(i, path)| StoredCheckpoint { epoch: epoch(i), path: path.clone() })
        .collect();
    found.sort_by_key(|checkpoint| checkpoint.epoch);
    Ok(found)
}

fn is_checkpoint(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.is_file() && matches!(extension, Some("safetensors" | "pt" | "pth"))
}

/// The first number in a file's name: 12 of `12_checkpoint.pt` and of `epoch-12.safetensors`.
fn epoch_in_name(path: &Path) -> Option<usize> {
    let name = path.file_stem()?.to_str()?;
    let digits = name.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_ordered_as_numbers() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["10_checkpoint.pt", "2_checkpoint.pt", "0_checkpoint.safetensors", "notes.txt"] {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = of_pattern(&format!("{}/*", folder.path().display()))?;
        assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [0, 2, 10]);
        Ok(())
    }

    #[test]
    fn files_without_distinct_numbers_keep_their_order() -> anyhow::Result<()> {
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
