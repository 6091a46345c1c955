//! Everything that an exact resume needs, in one file, so that it is there whole or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::{
    EpochMetrics, Error, RunFolder, Schedule, Tally,
    average::Average,
    checkpoint,
    optimiser::RunningOptimiser,
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
    /// Further settings in words, where they are not [usual](Setting::usual).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) more: BTreeMap<Setting, String>,
}

impl Fixed {
    /// All of them in words, to be compared.
    pub(crate) fn to_words(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

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
        let others = self.changed(now).into_iter().chain(others);
        match others.into_iter().find(|(_, before, now)| before != now) {
            Some((setting, before, now)) => Err(Error::SettingChanged { path, setting, before, now }),
            None => Ok(()),
        }
    }

    /// The first of the further settings that differs: what it was, and what it is now.
    fn changed(&self, now: &Self) -> Option<(Setting, String, String)> {
        let of = |more: &BTreeMap<Setting, String>, setting: Setting| {
            more.get(&setting).cloned().unwrap_or_else(|| setting.usual().to_owned())
        };
        let both: BTreeSet<Setting> = self.more.keys().chain(now.more.keys()).copied().collect();
        let pairs =
            both.into_iter().map(|setting| (setting, of(&self.more, setting), of(&now.more, setting)));
        pairs.into_iter().find(|(_, before, now)| before != now)
    }

    fn scheduled_epochs(&self) -> usize {
        if self.schedule.depends_on_length() { self.epochs } else { 0 }
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

    /// Refuses what no run comes to whose epochs have so many batches and images.
    pub(crate) fn check(&self, batches: usize, images: usize, path: &Path) -> Result<(), Error> {
        let Self { epoch, batch, tally, seconds, history } = self;
        let Tally { examples, loss_sum, correct, correct5 } = *tally;
        let misfit = if history.len() != *epoch || history.iter().zip(0..).any(|(of, at)| of.epoch != at) {
            format!("epoch {epoch} after {} finished ones", history.len())
        } else if *batch > batches {
            format!("{batch} batches of an epoch that has {batches}")
        } else if examples > images || (*batch == 0) != (examples == 0) {
            format!("{examples} of {images} images in {batch} batches")
        } else if correct > correct5 || correct5 > examples {
            format!("{correct} and {correct5} of {examples} images right")
        } else if !(loss_sum.is_finite() && seconds.is_finite() && *seconds >= 0.0) {
            format!("a loss of {loss_sum} after {seconds} seconds")
        } else {
            return Ok(());
        };
        Err(damaged(path, misfit))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    fixed: Fixed,
    progress: Progress,
}

/// What moves in a run: the network, what moves it, and the average that follows it.
pub(crate) struct Moving<'a> {
    pub(crate) parameters: &'a BTreeMap<String, Var>,
    pub(crate) buffers: &'a BTreeMap<String, Var>,
    pub(crate) optimiser: &'a mut RunningOptimiser,
    pub(crate) average: Option<&'a mut Average>,
}

/// What stands before the names of tensors in a file.
const NETWORK: &str = "network.";
const AVERAGE: &str = "average.";

pub(crate) fn save(
    path: &Path,
    fixed: &Fixed,
    progress: &Progress,
    moving: &Moving<'_>,
) -> Result<(), Error> {
    let variables = moving.parameters.iter().chain(moving.buffers);
    let variables =
        variables.map(|(name, variable)| (format!("{NETWORK}{name}"), variable.as_detached_tensor()));
    let averages = moving.average.iter().flat_map(|average| average.values());
    let averages = averages.map(|(name, average)| (format!("{AVERAGE}{name}"), average.clone()));
    let tensors = variables.chain(averages).chain(moving.optimiser.tensors()).collect();
    let content = Content { fixed: fixed.clone(), progress: progress.clone() };
    checkpoint::save(path, &tensors, KEY, &serde_json::json!(content))
}

impl RunFolder {
    /// How many epochs the run has finished, by its state: files of one more may be there already. Nothing where there is no state, or
    /// it cannot be read.
    pub fn finished_epochs(&self) -> Option<usize> {
        let content = checkpoint::header_entry(&self.state_path(), KEY)?;
        Some(serde_json::from_str::<Content>(&content).ok()?.progress.epoch)
    }
}

/// Restores network, average and optimiser, and says where to go on.
pub(crate) fn load(path: &Path, fixed: &Fixed, moving: &mut Moving<'_>) -> Result<Progress, Error> {
    let (mut tensors, content) = checkpoint::load(path, KEY).map_err(|error| error.of_state(EXPECTED))?;
    let content = content.ok_or_else(|| damaged(path, format!("no metadata `{KEY}`")))?;
    let content: Content =
        serde_json::from_str(&content).map_err(|error| damaged(path, error.to_string()))?;
    content.fixed.check(fixed, path)?;
    for (name, variable) in moving.parameters.iter().chain(moving.buffers) {
        let tensor = take(&mut tensors, NETWORK, name, variable, path)?;
        variable.set(&tensor.to_device(variable.device())?)?;
    }
    if let Some(average) = &mut moving.average {
        let restored = |(name, like): (&String, &Tensor)| {
            let tensor = take(&mut tensors, AVERAGE, name, like, path)?;
            Ok((name.clone(), tensor.to_device(like.device())?))
        };
        let restored = average.values().iter().map(restored).collect::<Result<_, Error>>()?;
        average.set_values(restored);
    }
    let restored = moving.optimiser.restore(tensors, moving.parameters);
    restored.map_err(|problem| damaged(path, problem))?;
    let is_under_way = content.progress.epoch > 0 || content.progress.batch > 0;
    if is_under_way && moving.optimiser.tensors().is_empty() {
        return Err(damaged(path, "nothing of the optimiser, in a run that has made steps".to_owned()));
    }
    Ok(content.progress)
}

/// A tensor of a file, in the shape of the one that it replaces.
fn take(
    tensors: &mut BTreeMap<String, Tensor>,
    start: &str,
    name: &str,
    like: &Tensor,
    path: &Path,
) -> Result<Tensor, Error> {
    let tensor = tensors
        .remove(&format!("{start}{name}"))
        .ok_or_else(|| damaged(path, format!("no `{start}{name}`")))?;
    if tensor.shape() != like.shape() {
        let (found, expected) = (tensor.shape(), like.shape());
        return Err(damaged(path, format!("`{start}{name}` is {found:?}, expected {expected:?}")));
    }
    Ok(tensor)
}

/// What the file is expected to be.
const EXPECTED: &str = "training state";

fn damaged(path: &Path, found: String) -> Error {
    Error::StateDamaged { state: path.to_owned(), expected: EXPECTED, found }
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
            more: BTreeMap::new(),
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
    fn settings_that_were_not_there_yet_are_the_usual_ones() -> Result<(), serde_json::Error> {
        assert!(
            !serde_json::json!(fixed()).to_string().contains("more"),
            "states of before are written as they were"
        );
        let with =
            |setting, text: &str| Fixed { more: BTreeMap::from([(setting, text.to_owned())]), ..fixed() };
        let averaged = with(Setting::Ema, "0.99");
        assert_eq!(serde_json::from_value::<Fixed>(serde_json::json!(averaged))?, averaged);
        for (before, now) in [(fixed(), averaged.clone()), (averaged, Fixed { lr: 0.2, ..fixed() })] {
            let error = before.check(&now, Path::new("state")).expect_err("another average");
            assert!(matches!(error, Error::SettingChanged { setting: Setting::Ema, .. }), "{error}");
        }
        assert!(fixed().check(&with(Setting::Ema, "0"), Path::new("state")).is_ok());
        Ok(())
    }

    #[test]
    fn what_no_run_comes_to_is_refused() {
        type Change = fn(&mut Progress);
        let tally = Tally { examples: 64, loss_sum: 100.0, correct: 10, correct5: 40 };
        let sound = Progress { batch: 2, tally, seconds: 1.0, ..Progress::default() };
        let check = |progress: &Progress| progress.check(3, 96, Path::new("state"));
        assert!(check(&sound).is_ok() && check(&Progress::default()).is_ok());
        let with = |change: Change| {
            let mut progress = sound.clone();
            change(&mut progress);
            check(&progress).expect_err("a misfit").to_string()
        };
        let cases: [(Change, &str); 6] = [
            (|progress| progress.epoch = 1, "epoch 1 after 0 finished ones"),
            (|progress| progress.batch = 4, "4 batches of an epoch that has 3"),
            (|progress| progress.batch = 0, "64 of 96 images in 0 batches"),
            (|progress| progress.tally.examples = 97, "97 of 96 images"),
            (|progress| progress.tally.correct = 41, "41 and 40 of 64 images right"),
            (|progress| progress.tally.loss_sum = f64::NAN, "a loss of NaN"),
        ];
        for (change, expected) in cases {
            let said = with(change);
            assert!(said.starts_with("state: not a training state: ") && said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_run_may_get_longer_where_the_schedule_allows_it() {
        assert!(fixed().check(&Fixed { epochs: 20, ..fixed() }, Path::new("state")).is_ok());
        let cosine = |epochs| Fixed { schedule: Schedule::Cosine, epochs, ..fixed() };
        let error = cosine(10).check(&cosine(20), Path::new("state")).expect_err("another schedule");
        assert!(matches!(error, Error::SettingChanged { setting: Setting::Epochs, .. }), "{error}");
    }
}
