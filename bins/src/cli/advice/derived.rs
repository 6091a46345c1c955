//! What to do about errors of data sets that are made of data sets.

use derived::Error;

/// The advice to append to the error's own words.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::Radius { radius, .. } => format!("--r {radius} must be smaller"),
        Error::ImagesExist { .. } | Error::OtherLabels { .. } | Error::SetExists { .. } => {
            "replace them with --overwrite, or choose another --out-dir".to_owned()
        }
        Error::StaleHybrids { radius, .. } => {
            format!("make them again with generate_freq_dataset --r {radius} --overwrite and the same data flags")
        }
        Error::NoImages { .. } => {
            "raise --limit-train, or fit one kernel set for all classes with --exp_name WCR".to_owned()
        }
        Error::KernelForm { .. } => "choose others with --number and --kernel-size".to_owned(),
        Error::FitExists { .. } => {
            "go on with --resume, replace them with --overwrite, or choose another --out-dir".to_owned()
        }
        Error::NothingToResume { .. } => "leave --resume out to start one".to_owned(),
        Error::StateMissing { .. } => "replace it with --overwrite, or choose another --out-dir".to_owned(),
        Error::SettingChanged { .. } => {
            "resume with the same, or start anew with --overwrite or another --out-dir".to_owned()
        }
        Error::ImagesChanged { .. } => {
            "put back the files of --data as they were, give the same --labels, --image-size, --limit-train and --limit-test, \
             or start anew with --overwrite or another --out-dir"
                .to_owned()
        }
        Error::FitInterrupted { .. } => "to go on, give the same command with --resume added".to_owned(),
        Error::Interrupted(_) => {
            "nothing half-written is left; give the same command to start again".to_owned()
        }
        Error::NoKernels { experiment, .. } => {
            format!("fit them first: train_toy_models --exp_name {experiment}")
        }
        Error::KernelNumber { found, .. } => format!("give --number {found}, or leave it out"),
        Error::KernelSize { found, .. } => format!("give --kernel-size {found}, or leave it out"),
        Error::EpochsDiffer { .. } => {
            "finish the fit with train_toy_models --resume, or choose an --epoch that all have".to_owned()
        }
        Error::OtherDataset { fitted, .. } => format!("give --dataset {fitted}"),
        Error::SourceReplaced { .. } => "choose another --out-dir".to_owned(),
        _ => return None,
    })
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    match error {
        Error::Radius { .. }
        | Error::ImagesExist { .. }
        | Error::OtherLabels { .. }
        | Error::StaleHybrids { .. }
        | Error::NoImages { .. }
        | Error::KernelForm { .. }
        | Error::FitExists { .. }
        | Error::NothingToResume { .. }
        | Error::StateMissing { .. }
        | Error::SettingChanged { .. }
        | Error::ImagesChanged { .. }
        | Error::NoKernels { .. }
        | Error::KernelNumber { .. }
        | Error::KernelSize { .. }
        | Error::EpochsDiffer { .. }
        | Error::OtherDataset { .. }
        | Error::SetExists { .. }
        | Error::SourceReplaced { .. } => true,
        Error::Datasets(error) => matches!(error, datasets::Error::NoDonors { .. }),
        Error::Cdes(error) => matches!(error, cdes::Error::SettingChanged { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_flags_can_mend_has_advice() {
        let folder = || PathBuf::from("runs/WCR");
        let error = Error::FitExists { folder: folder() };
        assert!(is_of_flags(&error) && of(&error).is_some_and(|advice| advice.contains("--resume")));
        let error = Error::KernelSize { path: folder(), found: 3, expected: 7 };
        assert_eq!(of(&error).as_deref(), Some("give --kernel-size 3, or leave it out"));
        let error = Error::Damaged { path: folder(), expected: "log", found: "nothing".into() };
        assert!(!is_of_flags(&error) && of(&error).is_none());
    }
}
