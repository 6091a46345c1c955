//! What to do about other ranks.

use ranks::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::Silent { .. } => {
            "give the command again to go on; if parts of the work take so long, with a longer --rank-timeout"
                .to_owned()
        }
        Error::Gone { .. } => "give the command again to go on".to_owned(),
        Error::Stopped { .. } => "to go on, give the same command".to_owned(),
        _ => return None,
    })
}
