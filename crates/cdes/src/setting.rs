//! What can be chosen for a fit, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A setting of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Setting {
    /// The seed of the images' order and of their noise.
    Seed,
    /// Images of a batch.
    BatchSize,
    /// How many images there are.
    Images,
    /// Their height and width.
    ImageSize,
    /// The base learning rate.
    LearningRate,
    /// SGD's momentum.
    Momentum,
    /// SGD's weight decay.
    WeightDecay,
    /// How the learning rate changes.
    Schedule,
    /// Epochs in all, where the schedule depends on them.
    ScheduleEpochs,
    /// Kernels of the first convolution.
    Kernels,
    /// Side of a kernel.
    KernelSize,
    /// The density that images are to get.
    TargetDensity,
}

/// Every setting, with its name in messages and in the state of a fit: names must not change.
const NAMES: [(Setting, &str); 12] = [
    (Setting::Seed, "seed"),
    (Setting::BatchSize, "batch size"),
    (Setting::Images, "number of images"),
    (Setting::ImageSize, "image size"),
    (Setting::LearningRate, "learning rate"),
    (Setting::Momentum, "momentum"),
    (Setting::WeightDecay, "weight decay"),
    (Setting::Schedule, "schedule"),
    (Setting::ScheduleEpochs, "epochs of the schedule"),
    (Setting::Kernels, "number of kernels"),
    (Setting::KernelSize, "kernel size"),
    (Setting::TargetDensity, "target density"),
];

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(setting, _)| setting == self);
        f.write_str(named.map_or("setting", |(_, name)| name))
    }
}

impl From<Setting> for String {
    fn from(setting: Setting) -> Self {
        setting.to_string()
    }
}

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let named = NAMES.iter().find(|(_, other)| *other == name);
        named.map(|(setting, _)| *setting).ok_or_else(|| format!("`{name}` is no setting of a fit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_and_read_by_name() -> Result<(), serde_json::Error> {
        for (setting, name) in NAMES {
            assert_eq!(serde_json::to_string(&setting)?, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Setting>(&format!("\"{name}\""))?, setting);
        }
        let error = serde_json::from_str::<Setting>("\"colour\"").expect_err("no setting");
        assert!(error.to_string().contains("`colour` is no setting of a fit"), "{error}");
        Ok(())
    }
}
