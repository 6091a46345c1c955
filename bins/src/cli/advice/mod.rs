//! What to do about an error, in the words of the command line. Libraries report facts; advice is added here, and nowhere else.

mod analysis;
mod cdes;
mod checkpoints;
mod datasets;
mod derived;
mod models;
mod onnx;
mod pipeline;
mod ranks;
mod reproduction;
mod runs;
mod training;

use std::{
    io,
    path::{Path, PathBuf},
};

use ::datasets::Note;
use progress::Interrupted;

use super::usage::UsageError;

/// The folders that a command line names for what is written.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    /// `--out-dir`, given or not.
    pub(crate) out_dir: Option<PathBuf>,
    /// `--run`.
    pub(crate) run: Option<PathBuf>,
}

/// Words to add after the facts of an error, where flags can help.
pub(crate) fn of(error: &anyhow::Error, command: &clap::Command, folders: &Folders) -> Option<String> {
    let has = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
    if let Some(advice) = closed_folder(error).and_then(|path| elsewhere(path, folders)) {
        return Some(advice.to_owned());
    }
    if is_of_full_disk(error) {
        let how = if has("resume") { " (a run that was begun is resumed with --resume)" } else { "" };
        return Some(format!("free some room and give the command again{how}"));
    }
    if let Some(advice) = bad_name(error) {
        return Some(advice.to_owned());
    }
    let name = command.get_name();
    error.chain().find_map(|cause| of_library(cause, name))
}

/// The advice of the library that an error is of.
fn of_library(cause: &(dyn std::error::Error + 'static), command: &str) -> Option<String> {
    if let Some(error) = cause.downcast_ref() {
        return analysis::of(error, command);
    }
    if let Some(error) = cause.downcast_ref() {
        return pipeline::of(error, command);
    }
    if let Some(error) = cause.downcast_ref() {
        return reproduction::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return derived::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return runs::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return training::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return cdes::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return checkpoints::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return models::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return onnx::of(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return ranks::of(error, command);
    }
    cause.downcast_ref().and_then(datasets::of)
}

/// Whether a command cannot do what its flags say: exit code 2.
pub(crate) fn is_of_flags(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<UsageError>()
            || cause.downcast_ref().is_some_and(analysis::is_of_flags)
            || cause.downcast_ref().is_some_and(pipeline::is_of_flags)
            || cause.downcast_ref().is_some_and(reproduction::is_of_flags)
            || cause.downcast_ref().is_some_and(derived::is_of_flags)
            || cause.downcast_ref().is_some_and(runs::is_of_flags)
            || cause.downcast_ref().is_some_and(training::is_of_flags)
            || cause.downcast_ref().is_some_and(cdes::is_of_flags)
            || cause.downcast_ref().is_some_and(checkpoints::is_of_flags)
            || cause.downcast_ref().is_some_and(models::is_of_flags)
            || cause.downcast_ref().is_some_and(onnx::is_of_flags)
            || cause.downcast_ref().is_some_and(datasets::is_of_flags)
    })
}

/// Whether the work was stopped by Ctrl-C.
pub(crate) fn is_interrupted(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Interrupted>()
            || cause.downcast_ref().is_some_and(::analysis::Error::is_interrupted)
            || matches!(cause.downcast_ref(), Some(::pipeline::Error::TrainingInterrupted { .. }))
            || matches!(cause.downcast_ref(), Some(::derived::Error::FitInterrupted { .. }))
    })
}

/// What to say after a note on how a data set was read.
pub(crate) fn of_note(note: &Note) -> Option<&'static str> {
    datasets::of_note(note)
}

fn is_of_full_disk(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

/// Where no file can have the name that one should have.
fn bad_name(error: &anyhow::Error) -> Option<&'static str> {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.find_map(|cause| match cause.kind() {
        io::ErrorKind::IsADirectory => {
            Some("a folder is in the place of this file: move it away, and give the command again")
        }
        io::ErrorKind::InvalidFilename => Some("choose shorter names for folders and files"),
        _ => None,
    })
}

/// Where something cannot be written, because nothing may be written there.
fn closed_folder(error: &anyhow::Error) -> Option<&Path> {
    use files::Action::{Create, CreateFolder, Write};
    let is_closed =
        |kind| matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied);
    error.chain().filter_map(|cause| cause.downcast_ref()).find_map(|cause| match cause {
        files::Error::File { action: Create | CreateFolder | Write, path, source } => {
            is_closed(source.kind()).then_some(path.as_path())
        }
        _ => None,
    })
}

/// How to write elsewhere than there: by the flag that names the folder.
fn elsewhere(path: &Path, folders: &Folders) -> Option<&'static str> {
    let is_in = |folder: &Option<PathBuf>| folder.as_ref().is_some_and(|folder| path.starts_with(folder));
    if is_in(&folders.run) {
        return Some(
            "results of a run are written into its folder: name a copy of it with --run, where you may write",
        );
    }
    is_in(&folders.out_dir).then_some("choose another --out-dir")
}
