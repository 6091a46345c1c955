//! Which files are checkpoints.

use std::path::{Path, PathBuf};

use checkpoints::CheckpointFile;
use training::RunFolder;

/// A checkpoint in a folder, to suggest in its place: the last epoch's, or any.
pub(crate) fn suggestion(folder: &Path) -> Option<PathBuf> {
    let last = RunFolder::at(folder).checkpoints().ok().and_then(|found| found.last().cloned());
    let any = || {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries.filter(|path| is_checkpoint(path)).min()
    };
    last.map(|(_, path)| path).or_else(any)
}

/// The name of a file without its ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file is named as checkpoints are, or holds what they hold, whatever it is named.
pub(crate) fn is_checkpoint(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_state = path.to_string_lossy().ends_with(".state.safetensors");
    let is_named = || matches!(extension, Some("safetensors" | "pt" | "pth"));
    let is_one = || CheckpointFile::open(path).is_ok();
    !is_state && ((path.is_file() && is_named()) || is_one())
}

/// `checkpoint.latest` and `checkpoint.best` are further names of checkpoints that have a number.
pub(crate) fn is_another_name(path: &Path) -> bool {
    let stem = stem(path);
    let last = stem.rsplit(['.', '_', '-']).next();
    stem.starts_with("checkpoint") && matches!(last, Some("latest" | "best"))
}
