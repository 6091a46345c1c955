//! The checkpoints that `--run`, `--checkpoints`, or the flags of a run name, in epoch order.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use training::RunFolder;

use crate::{
    epochs,
    flags::{DataFlags, DatasetName, RunFlags},
    launch::{UnusableFlags, must_exist},
    stored,
};

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

/// The checkpoints of the run that `--run` names, in epoch order.
///
/// # Errors
/// If there are none, or the flags name another network or other images than the run says it is of.
pub(crate) fn of_named_run(
    folder: &Path,
    data: &DataFlags,
    run: &RunFlags,
) -> anyhow::Result<Vec<StoredCheckpoint>> {
    must_exist("--run", folder)?;
    if !folder.is_dir() {
        return Err(UnusableFlags(format!(
            "--run {}: this is a file, expected the folder of a run; --checkpoints measures files",
            folder.display()
        ))
        .into());
    }
    let config = RunFolder::at(folder).config()?.unwrap_or_default();
    for (flag, given) in [("dataset", data.dataset.as_str()), ("arch", run.arch.name())] {
        if let Some(own) = config["settings"][flag].as_str().filter(|own| *own != given) {
            return Err(UnusableFlags(format!(
                "--run {}: this run is of --{flag} {own}, but --{flag} is {given}; give --{flag} {own}",
                folder.display()
            ))
            .into());
        }
    }
    let found = of_run(folder)?;
    if found.is_empty() {
        return Err(UnusableFlags(format!(
            "--run {}: no checkpoints in this folder; expected files like 0_checkpoint.safetensors",
            folder.display()
        ))
        .into());
    }
    Ok(found)
}

/// What to give in place of a folder where a checkpoint was expected.
pub(crate) fn in_folder(folder: &Path) -> String {
    let last = RunFolder::at(folder).checkpoints().ok().and_then(|found| found.last().cloned());
    let any = || {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries.filter(|path| is_checkpoint(path)).min()
    };
    match last.map(|(_, path)| path).or_else(any) {
        Some(file) => format!("name a file in it, such as {}", file.display()),
        None => "no .safetensors, .pt or .pth file is in it; name a file".to_owned(),
    }
}

/// Takes family and size of images from the configuration beside the checkpoints that are measured, where flags do not say them and
/// the run is of the same data set and network.
///
/// # Errors
/// If there is a configuration that cannot be read, or it is of other labels.
pub(crate) fn adopt(folder: &Path, data: &mut DataFlags, run: &mut RunFlags) -> anyhow::Result<()> {
    // A file in its place is refused by whoever asks for checkpoints.
    if !folder.is_dir() {
        return Ok(());
    }
    let config = RunFolder::at(folder).config()?.unwrap_or_default();
    let own = &config["settings"];
    if own["dataset"] != data.dataset.as_str() || own["arch"] != run.arch.name() {
        return Ok(());
    }
    let labels = data.images.labels.as_str();
    if let Some(of_run) = own["labels"].as_str().filter(|of_run| *of_run != labels)
        && data.dataset == DatasetName::Cifar100
    {
        return Err(UnusableFlags(format!(
            "--labels {labels}: the network in {} was trained with --labels {of_run}; give --labels {of_run}",
            folder.display()
        ))
        .into());
    }
    if run.arch_family.is_none() {
        run.arch_family = own["arch_family"].as_str().map(str::parse).transpose()?;
    }
    if data.images.image_size.is_none() {
        data.images.image_size = own["image_size"].as_u64().map(|size| size as usize);
    }
    Ok(())
}

/// The folder of the files that a pattern names, where it names one.
pub(crate) fn folder_of(pattern: &str) -> &Path {
    Path::new(pattern).parent().unwrap_or(Path::new(""))
}

/// The files that a pattern names, in epoch order: the epoch that each says it is of, or else its name. Where names say no epoch either
/// they are numbered in the order of names, and `note` is told so.
///
/// # Errors
/// If the pattern is malformed or names no file.
pub(crate) fn of_pattern(pattern: &str, note: impl FnOnce(&str)) -> anyhow::Result<Vec<StoredCheckpoint>> {
    let unusable = |problem: String| UnusableFlags(format!("--checkpoints {pattern}: {problem}"));
    let mut paths = Vec::new();
    if Path::new(pattern).is_file() {
        // A name may hold what would mean something in a pattern.
        paths.push(PathBuf::from(pattern));
    } else {
        let entries = glob::glob(pattern).map_err(|error| unusable(format!("no pattern: {error}")))?;
        for entry in entries {
            paths.push(entry.with_context(|| format!("--checkpoints {pattern}"))?);
        }
    }
    let others = paths.clone();
    paths.retain(|path| is_checkpoint(path));
    if paths.iter().any(|path| !is_another_name(path)) {
        paths.retain(|path| !is_another_name(path));
    }
    if paths.is_empty() {
        let problem = match others.as_slice() {
            [] => "no .safetensors, .pt or .pth file goes by this name".to_owned(),
            [folder] if folder.is_dir() => {
                format!(
                    "this is a folder, not a checkpoint; {}; --run measures all of a run",
                    in_folder(folder)
                )
            }
            [other, ..] => {
                format!("{} is not named .safetensors, .pt or .pth, as checkpoints are", other.display())
            }
        };
        return Err(unusable(problem).into());
    }
    let names: Vec<_> = paths.iter().map(|path| stem(path)).collect();
    let epochs = of_files(&paths).or_else(|| epochs::of_names(&names)).unwrap_or_else(|| {
        if paths.len() > 1 {
            note("note: these files do not say an epoch each, nor do their names; they are numbered 0, 1, … in the order of names");
        }
        // Files of one name are told apart by their folders.
        epochs::by_name(&paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>())
    });
    let mut found: Vec<_> =
        epochs.into_iter().zip(paths).map(|(epoch, path)| StoredCheckpoint { epoch, path }).collect();
    found.sort_by_key(|checkpoint| checkpoint.epoch);
    Ok(found)
}

/// The epochs that all files say they are of, if each is of another one.
fn of_files(paths: &[PathBuf]) -> Option<Vec<usize>> {
    let epochs: Vec<usize> = paths.iter().map(|path| stored::epoch(path)).collect::<Option<_>>()?;
    let distinct: BTreeSet<&usize> = epochs.iter().collect();
    (distinct.len() == paths.len()).then_some(epochs)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_checkpoint(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_state = path.to_string_lossy().ends_with(".state.safetensors");
    path.is_file() && !is_state && matches!(extension, Some("safetensors" | "pt" | "pth"))
}

/// `checkpoint.latest` and `checkpoint.best` are further names of checkpoints that have a number.
fn is_another_name(path: &Path) -> bool {
    let stem = stem(path);
    let last = stem.rsplit(['.', '_', '-']).next();
    stem.starts_with("checkpoint") && matches!(last, Some("latest" | "best"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_epoch_order_without_further_names() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let names = ["10_checkpoint.safetensors", "2_checkpoint.safetensors", "notes.txt"];
        let others = ["checkpoint.latest.safetensors", "checkpoint.latest.state.safetensors"];
        for name in names.iter().chain(&others) {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let found = of_pattern(&format!("{}/*", folder.path().display()), |note| panic!("{note}"))?;
        assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [2, 10]);
        Ok(())
    }

    #[test]
    fn a_file_is_found_whatever_its_name_means_in_a_pattern() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["run[1].pt", "run1.pt", "[z-a].pt"] {
            std::fs::write(folder.path().join(name), b"")?;
            let path = folder.path().join(name);
            let found = of_pattern(&path.display().to_string(), |note| panic!("{note}"))?;
            assert_eq!(found.iter().map(|checkpoint| &checkpoint.path).collect::<Vec<_>>(), [&path]);
        }
        Ok(())
    }

    #[test]
    fn invented_epochs_are_told() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["resnet18_a.pt", "resnet18_b.pt"] {
            std::fs::write(folder.path().join(name), b"")?;
        }
        let mut said = String::new();
        let found = of_pattern(&format!("{}/*.pt", folder.path().display()), |note| said = note.to_owned())?;
        assert_eq!(found.iter().map(|checkpoint| checkpoint.epoch).collect::<Vec<_>>(), [0, 1]);
        assert!(found[0].path.ends_with("resnet18_a.pt") && said.contains("order of names"), "{said}");
        Ok(())
    }

    #[test]
    fn a_pattern_without_files_is_an_error_that_names_it() {
        let error = of_pattern("/nowhere/*.pt", |_| ()).expect_err("no such files");
        assert!(error.to_string().contains("/nowhere/*.pt"));
    }
}
