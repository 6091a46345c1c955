//! How a network learns, and recipes that people know by a name.

use std::{collections::BTreeMap, fmt, str::FromStr};

use datasets::{Distortions, Erasing, Mixing, RandAugment};
use models::Normaliser;
use serde_json::Value;
use training::{Bounds, NoDecay, Optimiser, Schedule, Setting};

use crate::{Adversary, Error};

/// A recipe by its name.
///
/// ```
/// use pipeline::RecipeName;
/// let vit = "vit".parse::<RecipeName>()?.recipe(100);
/// assert_eq!((vit.optimiser.name(), vit.warmup_epochs, vit.ema), ("adamw", 10, Some(0.999)));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecipeName {
    /// The paper's: SGD, the rate a tenth every 50 epochs, plain labels.
    #[default]
    Paper,
    /// A short run for small images and networks with batch-norm: SGD, large batches, one cycle of the rate (Smith & Topin 2019; Page 2018),
    /// smoothed labels, no decay of norms and biases (He et al. 2019).
    Fast,
    /// For transformers and networks like them on small sets: AdamW with the rates of Lee, Lee & Song (2021), mixed batches, RandAugment.
    Vit,
}

impl RecipeName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Fast, Self::Vit];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Fast => "fast",
            Self::Vit => "vit",
        }
    }

    /// Epochs in all; absent where the data set says how many are usual.
    pub fn epochs(self) -> Option<usize> {
        match self {
            Self::Paper => None,
            Self::Fast => Some(30),
            Self::Vit => Some(100),
        }
    }

    /// Images per batch; absent where the data set says how many are usual.
    pub fn batch_size(self) -> Option<usize> {
        match self {
            Self::Paper => None,
            Self::Fast => Some(512),
            Self::Vit => Some(128),
        }
    }

    /// The base learning rate of a run of so many epochs.
    pub fn learning_rate(self, epochs: usize) -> f64 {
        match self {
            Self::Paper if epochs < LONG_RUN => 0.02,
            Self::Paper => 0.1,
            Self::Fast => 0.4,
            Self::Vit => 1e-3,
        }
    }

    /// Its settings for a run of so many epochs.
    pub fn recipe(self, epochs: usize) -> Recipe {
        let paper = Recipe {
            name: self,
            lr: None,
            optimiser: Optimiser::default(),
            weight_decay: 5e-4,
            no_decay: NoDecay::default(),
            schedule: Schedule::Step { epochs: 50, factor: 0.1 },
            warmup_epochs: 0,
            clip_norm: None,
            ema: None,
            label_smoothing: 0.0,
            mixing: Mixing::default(),
            rand_augment: None,
            random_erasing: 0.0,
            drop_path: None,
        };
        match self {
            Self::Paper => paper,
            Self::Fast => Recipe {
                no_decay: NoDecay::of_norms_and_biases(),
                schedule: Schedule::ONE_CYCLE,
                label_smoothing: 0.1,
                ..paper
            },
            Self::Vit => Recipe {
                optimiser: Optimiser::ADAMW,
                weight_decay: 0.05,
                no_decay: NoDecay::all(),
                schedule: Schedule::Cosine,
                // A tenth of the run, whatever its length.
                warmup_epochs: epochs.div_ceil(10).min(epochs.saturating_sub(1)),
                clip_norm: Some(1.0),
                ema: Some(0.999),
                label_smoothing: 0.1,
                mixing: Mixing { mixup: 0.8, cutmix: 1.0 },
                rand_augment: Some(RandAugment { operations: 2, magnitude: 9 }),
                ..paper
            },
        }
    }
}

/// Epochs from which on a run can afford the usual rate: a shorter one would spend much of its time on finding its feet.
const LONG_RUN: usize = 50;

impl fmt::Display for RecipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecipeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| "expected paper, fast or vit".to_owned())
    }
}

/// How a network learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The recipe that it began as.
    pub name: RecipeName,
    /// The base learning rate. Absent: that of the run that is resumed, or else [the recipe's](RecipeName::learning_rate).
    pub lr: Option<f64>,
    /// What moves the weights.
    pub optimiser: Optimiser,
    /// Weight decay.
    pub weight_decay: f64,
    /// Which parameters do not decay.
    pub no_decay: NoDecay,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Epochs in which the rate rises before that.
    pub warmup_epochs: usize,
    /// The Euclidean length that the gradient of all parameters together is cut to.
    pub clip_norm: Option<f64>,
    /// The decay of a running average of the weights, which is evaluated and kept beside them.
    pub ema: Option<f64>,
    /// How much of each label is spread over all classes, 0 to 1.
    pub label_smoothing: f64,
    /// How batches are mixed with themselves.
    pub mixing: Mixing,
    /// RandAugment after crop and flip.
    pub rand_augment: Option<RandAugment>,
    /// The share of images of which a part is erased.
    pub random_erasing: f64,
    /// How often training skips the last block of a network with stochastic depth. Absent: as often as is usual for the network.
    pub drop_path: Option<f64>,
}

impl Default for Recipe {
    /// The paper's.
    fn default() -> Self {
        RecipeName::Paper.recipe(0)
    }
}

impl Recipe {
    /// Checks what the trainer does not know of: that numbers are such as can be, and that its parts suit the adversary.
    ///
    /// # Errors
    /// [`training::Error::OutOfRange`] or [`Error::MixedAdversary`].
    pub(crate) fn check(&self, adversary: &Adversary) -> Result<(), Error> {
        let Mixing { mixup, cutmix } = self.mixing;
        Bounds::BelowOne.check(Setting::LabelSmoothing, self.label_smoothing)?;
        Bounds::NotNegative.check(Setting::Mixup, mixup)?;
        Bounds::NotNegative.check(Setting::Cutmix, cutmix)?;
        Bounds::UpToOne.check(Setting::RandomErasing, self.random_erasing)?;
        Bounds::BelowOne.check(Setting::DropPath, self.drop_path.unwrap_or(0.0))?;
        if adversary.training.is_some() && !self.mixing.is_none() {
            return Err(Error::MixedAdversary { mixup, cutmix });
        }
        Ok(())
    }

    /// What is done to the pixels of training images after crop and flip.
    pub(crate) fn distortions(&self, normaliser: Normaliser) -> Distortions {
        // Zero behind the normaliser.
        let erasing = Erasing { probability: self.random_erasing, value: normaliser.mean() };
        Distortions {
            rand_augment: self.rand_augment,
            erasing: (self.random_erasing > 0.0).then_some(erasing),
        }
    }

    /// What a run must not change that the trainer does not know of.
    pub(crate) fn fixed(&self) -> BTreeMap<Setting, String> {
        let Mixing { mixup, cutmix } = self.mixing;
        BTreeMap::from([
            (Setting::Recipe, self.name.to_string()),
            (Setting::LabelSmoothing, self.label_smoothing.to_string()),
            (Setting::Mixup, mixup.to_string()),
            (Setting::Cutmix, cutmix.to_string()),
            (Setting::RandAugment, or(self.rand_augment, "none")),
            (Setting::RandomErasing, self.random_erasing.to_string()),
            (Setting::DropPath, or(self.drop_path, "usual")),
        ])
    }

    /// All its settings but the learning rate by the names that `config.json` has for them. Those of an optimiser that it does not use
    /// are null.
    pub fn settings(&self) -> Vec<(&'static str, Value)> {
        let (momentum, betas, epsilon) = match self.optimiser {
            Optimiser::Sgd { momentum } => (momentum.into(), Value::Null, Value::Null),
            Optimiser::AdamW { betas: [first, second], epsilon } => {
                (Value::Null, format!("{first},{second}").into(), epsilon.into())
            }
        };
        vec![
            ("recipe", self.name.as_str().into()),
            ("optimizer", self.optimiser.name().into()),
            ("momentum", momentum),
            ("betas", betas),
            ("adam_epsilon", epsilon),
            ("weight_decay", self.weight_decay.into()),
            ("no_decay", self.no_decay.to_string().into()),
            ("schedule", self.schedule.to_string().into()),
            ("warmup_epochs", self.warmup_epochs.into()),
            ("clip_norm", self.clip_norm.unwrap_or(0.0).into()),
            ("ema", self.ema.unwrap_or(0.0).into()),
            ("label_smoothing", self.label_smoothing.into()),
            ("mixup", self.mixing.mixup.into()),
            ("cutmix", self.mixing.cutmix.into()),
            ("rand_augment", or(self.rand_augment, "none").into()),
            ("random_erasing", self.random_erasing.into()),
            ("drop_path", self.drop_path.map_or(Value::Null, Value::from)),
        ]
    }
}

fn or(value: Option<impl fmt::Display>, absent: &str) -> String {
    value.map_or_else(|| absent.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_recipe_has_the_usual_settings() {
        for (setting, text) in Recipe::default().fixed() {
            assert_eq!(text, setting.usual(), "{setting}");
        }
        assert_eq!(RecipeName::Paper.recipe(200), Recipe::default());
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let refused =
            |recipe: Recipe| recipe.check(&Adversary::default()).expect_err("a wrong number").to_string();
        let said = refused(Recipe { label_smoothing: 1.0, ..Recipe::default() });
        assert_eq!(said, "label smoothing 1: expected a number from 0 to below 1");
        let mixing = Mixing { mixup: f64::NAN, cutmix: 0.0 };
        assert!(refused(Recipe { mixing, ..Recipe::default() }).starts_with("mixup NaN"));
        for name in RecipeName::ALL {
            assert!(name.recipe(10).check(&Adversary::default()).is_ok());
        }
    }

    #[test]
    fn the_warm_up_of_vit_is_a_tenth_of_any_run() {
        let warmup = |epochs| RecipeName::Vit.recipe(epochs).warmup_epochs;
        assert_eq!([1, 2, 5, 100, 300].map(warmup), [0, 1, 1, 10, 30]);
    }

    #[test]
    fn names_are_read_and_written() {
        for name in RecipeName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert!("slow".parse::<RecipeName>().is_err_and(|said| said.contains("fast")));
    }
}
