//! What can go wrong with files of runs, by cause.

use std::path::{Path, PathBuf};

use crate::Split;

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A folder of a run was expected.
    #[error("{}: this is a file, expected the folder of a run", path.display())]
    NotARunFolder { path: PathBuf },
    /// The run is of another network or of other images.
    #[error("{}: this run is of the {setting} {own}, but {given} was asked for", folder.display())]
    OtherRun { folder: PathBuf, setting: &'static str, own: String, given: String },
    /// Test images that the run was trained on.
    #[error(
        "{}: the test images of this run are {own}, but {given} was asked for; the network was trained on some of these",
        folder.display()
    )]
    OtherSplit { folder: PathBuf, own: Split, given: Split },
    /// Nothing to measure in a folder.
    #[error("{}: no checkpoints in this folder; expected files like 0_checkpoint.safetensors", folder.display())]
    NoCheckpoints { folder: PathBuf },
    /// A pattern of file names that is none.
    #[error("{pattern}: no pattern: {problem}")]
    NoPattern { pattern: String, problem: String },
    /// A pattern that no file matches.
    #[error("{pattern}: no file goes by this name")]
    NoFile { pattern: String },
    /// Files none of which is a checkpoint.
    #[error("{} is not a checkpoint: neither PyTorch's nor safetensors", path.display())]
    NoCheckpoint { path: PathBuf },
    /// A folder in the place of a checkpoint.
    #[error("{}: this is a folder, not a checkpoint; {}", path.display(), offer(suggestion.as_deref()))]
    Folder { path: PathBuf, suggestion: Option<PathBuf> },
    /// Metadata of a file of ours that is none.
    #[error("{}: damaged: metadata {problem}", path.display())]
    Metadata { path: PathBuf, problem: String },
    /// A configuration that is none.
    #[error("{}: not the configuration of a run: {problem}", path.display())]
    Config { path: PathBuf, problem: String },
    /// A file or folder cannot be used, or another program writes to the folder.
    #[error("{0}")]
    File(#[from] files::Error),
    /// A file whose network cannot be used.
    #[error("{}: {source}", path.display())]
    Network { path: PathBuf, source: models::Error },
    /// Names of a program are wanted for weights of a network that has none here.
    #[error(
        "{}: the weights are those of no network that is known here, and what {program} calls them is not known",
        path.display()
    )]
    UnknownNetwork { path: PathBuf, program: models::Program },
    /// A file of weights that cannot be read, or of other weights.
    #[error("{0}")]
    Checkpoint(#[from] checkpoints::Error),
    /// A run folder or a checkpoint of ours that cannot be read.
    #[error("{0}")]
    Training(#[from] training::Error),
}

fn offer(file: Option<&Path>) -> String {
    match file {
        Some(file) => format!("name a file in it, such as {}", file.display()),
        None => "no checkpoint is in it; name a file".to_owned(),
    }
}
