//! What to do about errors of run folders and checkpoint files.

use runs::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotARunFolder { .. } => "--run takes folders; --checkpoints measures files".to_owned(),
        Error::OtherRun { setting, own, .. } => format!("give --{setting} {own}"),
        Error::OtherSplit { .. } => {
            "leave --val-fraction and --val-seed away: those of the run are used then".to_owned()
        }
        Error::NoCheckpoints { .. } => {
            "name another folder with --run, or files with --checkpoints".to_owned()
        }
        Error::NoPattern { .. } | Error::NoFile { .. } | Error::NoCheckpoint { .. } => {
            "--checkpoints takes a file or a pattern in quotes, as 'weights/*.pt'".to_owned()
        }
        Error::Folder { .. } => "--run measures all of a run".to_owned(),
        Error::Config { .. } => {
            "remove that file if it is of something else, or start anew with --overwrite".to_owned()
        }
        Error::UnknownNetwork { .. } => "leave --style out, which keeps the file's names".to_owned(),
        _ => return None,
    })
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::NotARunFolder { .. }
            | Error::OtherRun { .. }
            | Error::OtherSplit { .. }
            | Error::NoCheckpoints { .. }
            | Error::NoPattern { .. }
            | Error::NoFile { .. }
            | Error::NoCheckpoint { .. }
            | Error::Folder { .. }
            | Error::UnknownNetwork { .. }
    )
}
