//! What to do about other ranks.

use ranks::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error, command: &str) -> Option<String> {
    let added = if command == "easy_train" { " with --resume added" } else { "" };
    Some(match error {
        Error::Silent { .. } => format!(
            "give the command again{added} to go on; if parts of the work take so long, with a longer --rank-timeout"
        ),
        Error::Gone { .. } => format!("give the command again{added} to go on"),
        Error::Stopped { .. } => format!("to go on, give the same command{added}"),
        _ => return None,
    })
}
