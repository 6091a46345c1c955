//! Flags that help where a run cannot begin or go on.

use ::training::{Error, Setting};

/// What may be done about an error with flags of `easy_train`.
pub(super) fn of(error: &Error) -> Option<String> {
    let advice = match error {
        Error::RunExists { .. } => {
            "continue it with --resume, replace it with --overwrite, or choose another --task".to_owned()
        }
        Error::NothingToResume { .. } => "leave --resume out to start one".to_owned(),
        Error::StateMissing { .. } => {
            "measure the checkpoints as they are, replace the run with --overwrite, or choose another --task"
                .to_owned()
        }
        // Of fits, too.
        Error::StateDamaged { .. } => {
            "use the checkpoints that are there as they are, or start anew with --overwrite".to_owned()
        }
        Error::SettingChanged { setting: Setting::DropPath, before, .. }
            if before == Setting::DropPath.usual() =>
        {
            or_anew("leave --drop-path out")
        }
        Error::SettingChanged { setting: Setting::Statistics, before, .. } => {
            or_anew(if before == Setting::Statistics.usual() {
                "resume with --sync-bn on"
            } else {
                "resume with --sync-bn off on as many ranks"
            })
        }
        Error::SettingChanged { setting, before, .. } => or_anew(&match flag(*setting) {
            Some(flag) => format!("resume with {flag} {before}"),
            None => "resume with the same value".to_owned(),
        }),
        Error::ImageCountChanged { .. } => {
            or_anew("put back the files of --data as they were, give the same --limit-train and --limit-test")
        }
        Error::ImagesChanged { .. } => {
            or_anew("put back the files of --data as they were, give the same --labels and --image-size")
        }
        Error::LongWarmup { .. } => "give fewer --warmup-epochs or more --epochs".to_owned(),
        Error::SecondWarmup { .. } => "give --warmup-epochs 0, or choose another --schedule".to_owned(),
        Error::Diverged { .. } | Error::DivergedAfter { .. } => {
            "try a smaller --lr, with --overwrite".to_owned()
        }
        _ => return None,
    };
    Some(advice)
}

/// Whether the flags do not suit the run that is.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(
        error,
        Error::NothingToResume { .. }
            | Error::RunExists { .. }
            | Error::SettingChanged { .. }
            | Error::ImageCountChanged { .. }
            | Error::ImagesChanged { .. }
            | Error::StateMissing { .. }
            | Error::LongWarmup { .. }
            | Error::SecondWarmup { .. }
    )
}

fn or_anew(advice: &str) -> String {
    format!("{advice}, or start anew with --overwrite or another --task")
}

fn flag(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::Architecture => Some("--arch"),
        Setting::Dataset => Some("--dataset"),
        Setting::Mean => Some("--mean"),
        Setting::StandardDeviation => Some("--std"),
        Setting::Seed => Some("--seed"),
        Setting::BatchSize => Some("--batch-size"),
        Setting::LearningRate => Some("--lr"),
        Setting::Momentum => Some("--momentum"),
        Setting::WeightDecay => Some("--weight-decay"),
        Setting::Schedule => Some("--schedule"),
        Setting::Epochs => Some("--epochs"),
        Setting::TrainingOn => None,
        Setting::Recipe => Some("--recipe"),
        Setting::Optimiser => Some("--optimizer"),
        Setting::Betas => Some("--betas"),
        Setting::AdamEpsilon => Some("--adam-epsilon"),
        Setting::NoDecay => Some("--no-decay"),
        Setting::WarmupEpochs => Some("--warmup-epochs"),
        Setting::ClipNorm => Some("--clip-norm"),
        Setting::Ema => Some("--ema"),
        Setting::LabelSmoothing => Some("--label-smoothing"),
        Setting::Mixup => Some("--mixup"),
        Setting::Cutmix => Some("--cutmix"),
        Setting::RandAugment => Some("--rand-augment"),
        Setting::RandomErasing => Some("--random-erasing"),
        Setting::DropPath => Some("--drop-path"),
        Setting::Statistics => Some("--sync-bn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_setting_is_given_again_by_its_flag() {
        let changed = |setting| {
            let (before, now) = ("0.1".to_owned(), "0.2".to_owned());
            of(&Error::SettingChanged { path: "run".into(), setting, before, now })
        };
        let anew = ", or start anew with --overwrite or another --task";
        assert_eq!(changed(Setting::LearningRate), Some(format!("resume with --lr 0.1{anew}")));
        assert_eq!(changed(Setting::TrainingOn), Some(format!("resume with the same value{anew}")));
        assert_eq!(of(&Error::NoBatches), None);
    }
}
