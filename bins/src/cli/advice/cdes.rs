//! Flags that help where a fit of kernels cannot go on.

use ::cdes::{Error, Setting};

/// What may be done about an error with flags of `train_toy_models`.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::SettingChanged { setting, .. } => Some(format!(
            "resume with the same {}, or start anew with --overwrite or another --out-dir",
            flags(*setting)
        )),
        _ => None,
    }
}

/// Whether the flags do not suit the fit that is.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(error, Error::SettingChanged { .. })
}

fn flags(setting: Setting) -> &'static str {
    match setting {
        Setting::Seed => "--seed",
        Setting::BatchSize => "--batch-size",
        Setting::Images => "--data, --fit-on, --limit-train and --limit-test",
        Setting::ImageSize => "--data and --image-size",
        Setting::LearningRate => "--lr",
        Setting::Momentum => "--momentum",
        Setting::WeightDecay => "--weight-decay",
        Setting::Schedule => "--step-lr and --step-lr-gamma",
        Setting::ScheduleEpochs => "--epochs",
        Setting::Kernels => "--number",
        Setting::KernelSize => "--kernel-size",
        Setting::TargetDensity => "--rho",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_setting_is_given_again_by_its_flag() {
        let (before, now) = ("0.01".to_owned(), "0.02".to_owned());
        let error = Error::SettingChanged { path: "fit".into(), setting: Setting::LearningRate, before, now };
        let advice = of(&error).expect("flags help");
        assert_eq!(advice, "resume with the same --lr, or start anew with --overwrite or another --out-dir");
        assert_eq!(of(&Error::NoImages), None);
    }
}
