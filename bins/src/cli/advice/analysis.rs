//! What to do about errors of measurements.

use analysis::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error, command: &str) -> Option<String> {
    Some(match error {
        Error::NoGradients { .. } => {
            "train it anew with a smaller --lr, or leave this file out, for example with --checkpoints"
                .to_owned()
        }
        Error::NoDensity { .. } => "look at them with inspect --dataset".to_owned(),
        Error::OtherImageCount { before, .. } => {
            format!("give --spectrum-images {before}, or remove that file")
        }
        Error::OtherBands { .. } => "give the --image-size of before, or remove that file".to_owned(),
        Error::NothingShared { .. } => "measure the same of both with `measure`".to_owned(),
        Error::MeasureInterrupted { .. } => "to go on, give the same command".to_owned(),
        Error::Setting { what, .. } => format!("choose another --{}", what.replace(' ', "-")),
        Error::LiveSpectrumInterrupted { .. } => "add --resume to measure it".to_owned(),
        Error::CutOff { radius, .. } => {
            format!("choose another than --r {radius}, or --freq low, which takes any")
        }
        Error::Band { inner, outer, .. } => format!("choose another than --band {inner}-{outer}"),
        Error::OneClass { .. } => "raise --limit-test, or leave --features out".to_owned(),
        Error::Interrupted(_) if command == "inspect" => "nothing was written".to_owned(),
        Error::Interrupted(_) => "nothing was written; give the same command to start again".to_owned(),
        _ => return None,
    })
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::OtherImageCount { .. }
            | Error::OtherBands { .. }
            | Error::CutOff { .. }
            | Error::Band { .. }
            | Error::OneClass { .. }
            | Error::Setting { .. }
            | Error::Results { .. }
            | Error::NoMeasure { .. }
            | Error::NoEpoch { .. }
            | Error::NothingShared { .. }
    )
}
