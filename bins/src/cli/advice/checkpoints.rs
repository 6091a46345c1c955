//! Advice on files of weights: the flags that say which network and which weights are meant.

use checkpoints::Error;

/// What to do about an error, if a flag can.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::DoesNotFit { source, .. } => super::models::of(source),
        Error::SeveralNetworks { .. } => Some("name one with --weights KEY".to_owned()),
        Error::NoSuchWeights { .. } => Some("give --weights one of these, or leave it out".to_owned()),
        Error::NoNormaliser => {
            Some("name it with --mean and --std, or the data set that it is of".to_owned())
        }
        Error::Configuration { .. } => {
            Some("mend it, or name the normaliser with --mean and --std".to_owned())
        }
        Error::Normaliser { .. } | Error::SeveralNormalisers { .. } => {
            Some("name the right one with --mean and --std".to_owned())
        }
        _ => None,
    }
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::SeveralNetworks { .. }
            | Error::SeveralNormalisers { .. }
            | Error::NoSuchWeights { .. }
            | Error::NoFile { .. }
    )
}
