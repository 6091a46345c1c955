//! Everything that an exact resume needs, in one file, so that it is there whole or not at all.

use std::{collections::BTreeMap, path::Path};

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::{
    EpochMetrics, Error, Schedule, Sgd, Tally, checkpoint,
    setting::{Part, Setting},
};

const KEY: &str = "freqbias-state";

/// Settings that must not change in the middle of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fixed {
    pub(crate) arch: String,
    pub(crate) dataset: String,
    /// The normaliser.
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
    /// A checksum of all images and labels.
    pub(crate) images: u32,
    pub(crate) seed: u64,
    pub(crate) batch_size: usize,
    pub(crate) training_images: usize,
    pub(crate) test_images: usize,
    pub(crate) lr: f64,
    pub(crate) momentum: f64,
    pub(crate) weight_decay: f64,
    pub(crate) schedule: Schedule,
    /// Matters to schedules that depend on it.
    pub(crate) epochs: usize,
    /// What else decides what is learned.
    #[serde(default)]
    #[serde(rename = "learner")]
    pub(crate) training_on: String,
}

impl Fixed {
    /// Refuses what differs from what a state was saved with, the first of them by name.
    fn check(&self, now: &Self, path: &Path) -> Result<(), Error> {
        let path = path.to_owned();
        let three = |values: &[f32; 3]| values.map(|value| value.to_string()).join(",");
        // Settings that name the images come before what the images then are, which nobody chooses.
        let named = [
            (Setting::Architecture, self.arch.clone(), now.arch.clone()),
            (Setting::Dataset, self.dataset.clone(), now.dataset.clone()),
            (Setting::Mean, three(&self.mean), three(&now.mean)),
            (Setting::StandardDeviation, three(&self.std), three(&now.std)),
            (Setting::Seed, self.seed.to_string(), now.seed.to_string()),
            (Setting::BatchSize, self.batch_size.to_string(), now.batch_size.to_string()),
        ];
        let counts = [
            (Part::Training, self.training_images, now.training_images),
            (Part::Test, self.test_images, now.test_images),
        ];
        let others = [
            (Setting::LearningRate, self.lr.to_string(), now.lr.to_string()),
            (Setting::Momentum, self.momentum.to_string(), now.momentum.to_string()),
            (Setting::WeightDecay, self.weight_decay.to_string(), now.weight_decay.to_string()),
            (Setting::Schedule, self.schedule.to_string(), now.schedule.to_string()),
            (Setting::TrainingOn, or_plain(&self.training_on), or_plain(&now.training_on)),
            (Setting::Epochs, self.scheduled_epochs().to_string(), now.scheduled_epochs().to_string()),
        ];
        if let Some((setting, before, now)) = named.into_iter().find(|(_, before, now)| before != now) {
            return Err(Error::SettingChanged { path, setting, before, now });
        }
        if let Some((part, before, now)) = counts.into_iter().find(|(_, before, now)| before != now) {
            return Err(Error::ImageCountChanged { path, part, before, now });
        }
        if self.images != now.images {
            return Err(Error::ImagesChanged { path });
        }
        match others.into_iter().find(|(_, before, now)| before != now) {
            Some((setting, before, now)) => Err(Error::SettingChanged { path, setting, before, now }),
            None => Ok(()),
        }
    }

    fn scheduled_epochs(&self) -> usize {
        if matches!(self.schedule, Schedule::Cyclic | Schedule::Cosine) { self.epochs } else { 0 }
    }
}

fn or_plain(training_on: &str) -> String {
    if training_on.is_empty() { "the images themselves".to_owned() } else { training_on.to_owned() }
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The epoch to go on with.
    pub(crate) epoch: usize,
    /// The batch to go on with in it.
    pub(crate) batch: usize,
    /// What the batches before it in this epoch gave.
    pub(crate) tally: Tally,
    /// Seconds that they took.
    pub(crate) seconds: f64,
    /// The finished epochs.
    pub(crate) history: Vec<EpochMetrics>,
}

impl Progress {
    /// Whether an epoch of this accuracy is the best so far.
    pub(crate) fn is_best(&self, nat_prec1: f64) -> bool {
        self.history.iter().all(|epoch| epoch.nat_prec1 < nat_prec1)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    fixed: Fixed,
    progress: Progress,
}

/// The network whose state is kept.
pub(crate) struct Network<'a> {
    pub(crate) parameters: &'a BTreeMap<String, Var>,
    pub(crate) buffers: &'a BTreeMap<String, Var>,
}

pub(crate) fn save(
    path: &Path,
    fixed: &Fixed,
    progress: &Progress,
    network: &Network<'_>,
    sgd: &Sgd,
) -> Result<(), Error> {
    let variables = network.parameters.iter().chain(network.buffers);
    let variables =
        variables.map(|(name, variable)| (format!("network.{name}"), variable.as_detached_tensor()));
    let momentum = sgd.buffers().iter().map(|(name, buffer)| (format!("momentum.{name}"), buffer.clone()));
    let tensors: BTreeMap<String, Tensor> = variables.chain(momentum).collect();
    let content = Content { fixed: fixed.clone(), progress: progress.clone() };
    checkpoint::save(path, &tensors, KEY, &serde_json::json!(content))
}

/// Restores network and optimiser, and says where to go on.
pub(crate) fn load(
    path: &Path,
    fixed: &Fixed,
    network: &Network<'_>,
    sgd: &mut Sgd,
) -> Result<Progress, Error> {
    let (mut tensors, content) = checkpoint::load(path, KEY)?;
    let damaged = |found: String| Error::Damaged { path: path.to_owned(), expected: "training state", found };
    let content = content.ok_or_else(|| damaged(format!("no metadata `{KEY}`")))?;
    let content: Content = serde_json::from_str(&content).map_err(|error| damaged(error.to_string()))?;
    content.fixed.check(fixed, path)?;
    for (name, variable) in network.parameters.iter().chain(network.buffers) {
        let tensor =
            tensors.remove(&format!("network.{name}")).ok_or_else(|| damaged(format!("no `{name}`")))?;
        if tensor.shape() != variable.shape() {
            return Err(damaged(format!(
                "`{name}` is {:?}, expected {:?}",
                tensor.shape(),
                variable.shape()
            )));
        }
        variable.set(&tensor.to_device(variable.device())?)?;
    }
    let momentum = tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("momentum.")?.to_owned(), tensor)));
    sgd.set_buffers(momentum.collect());
    Ok(content.progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed() -> Fixed {
        Fixed {
            arch: "resnet20".to_owned(),
            dataset: "cifar10".to_owned(),
            mean: [0.5; 3],
            std: [0.25; 3],
            images: 7,
            seed: 0,
            batch_size: 128,
            training_images: 50_000,
            test_images: 10_000,
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            schedule: Schedule::Constant,
            epochs: 10,
            training_on: String::new(),
        }
    }

    fn changed(now: Fixed) -> Error {
        fixed().check(&now, Path::new("state")).expect_err("something else")
    }

    #[test]
    fn states_of_earlier_versions_are_read() -> Result<(), serde_json::Error> {
        let mut json = serde_json::json!(Fixed { training_on: "noise".to_owned(), ..fixed() });
        assert_eq!(json["learner"], "noise");
        json.as_object_mut().expect("an object").remove("learner");
        assert_eq!(serde_json::from_value::<Fixed>(json)?, fixed());
        Ok(())
    }

    #[test]
    fn the_first_changed_setting_is_named() {
        let error = changed(Fixed { lr: 0.2, seed: 1, images: 8, ..fixed() });
        assert!(matches!(error, Error::SettingChanged { setting: Setting::Seed, .. }), "{error}");
        assert_eq!(error.to_string(), "state: the run was started with seed 0, but now it is 1");
        let error = changed(Fixed { test_images: 5, images: 8, lr: 0.2, ..fixed() });
        assert!(
            matches!(error, Error::ImageCountChanged { part: Part::Test, before: 10_000, now: 5, .. }),
            "{error}"
        );
        assert!(matches!(changed(Fixed { images: 8, lr: 0.2, ..fixed() }), Error::ImagesChanged { .. }));
        let error = changed(Fixed { training_on: "noise".to_owned(), ..fixed() });
        assert_eq!(
            error.to_string(),
            "state: the run was started with training on the images themselves, but now it is noise"
        );
    }

    #[test]
    fn a_run_may_get_longer_where_the_schedule_allows_it() {
        assert!(fixed().check(&Fixed { epochs: 20, ..fixed() }, Path::new("state")).is_ok());
        let cosine = |epochs| Fixed { schedule: Schedule::Cosine, epochs, ..fixed() };
        let error = cosine(10).check(&cosine(20), Path::new("state")).expect_err("another schedule");
        assert!(matches!(error, Error::SettingChanged { setting: Setting::Epochs, .. }), "{error}");
    }
}
