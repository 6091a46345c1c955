//! Flags that say how a network learns, and what is kept of it.

use std::fmt::Display;

use analysis::Recording;
use clap::Args;
use datasets::{Mixing, RandAugment};
use pipeline::{Recipe, RecipeName};
use progress::Progress;
use serde::{Serialize, Serializer};
use serde_json::Value;
use training::{NoDecay, Optimiser, Schedule};

use super::values::{above_zero, at_least_one, below_one, not_negative, two_below_one, zero_to_one};

/// How a network learns. What is not given is the recipe's.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RecipeFlags {
    /// Defaults of the flags below, of --epochs and of --batch-size: `paper`, `fast` (one cycle of the rate, for small images) or `vit`
    /// (for transformers). What it sets is printed
    #[arg(long, value_name = "NAME", value_parser = recipe_name)]
    #[serde(serialize_with = "text_if_any")]
    recipe: Option<RecipeName>,
    /// Learning rate at the start, or the highest of a cycle [default: 0.1; 0.02 in runs of fewer than 50 epochs]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    lr: Option<f64>,
    /// `sgd` or `adamw` [default: sgd]
    #[arg(long, value_name = "NAME", value_parser = ["sgd", "adamw"])]
    optimizer: Option<String>,
    /// Momentum of SGD [default: 0.9]
    #[arg(long, value_name = "X", value_parser = below_one)]
    momentum: Option<f64>,
    /// How slowly AdamW's means of the gradient and of its square change [default: 0.9,0.999]
    #[arg(long, value_name = "X,X", value_parser = two_below_one)]
    #[serde(serialize_with = "pair_if_any")]
    betas: Option<[f64; 2]>,
    /// What AdamW adds to the root of the latter [default: 1e-8]
    #[arg(long, value_name = "X", value_parser = above_zero)]
    adam_epsilon: Option<f64>,
    /// Weight decay [default: 5e-4]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    weight_decay: Option<f64>,
    /// Which parameters do not decay: `none`, or some of `norms`, `biases` and `embeddings` (class tokens, positions, layer scale), with
    /// commas between [default: none]
    #[arg(long, value_name = "KINDS")]
    #[serde(serialize_with = "text_if_any")]
    no_decay: Option<NoDecay>,
    /// `step:50:0.1`, `60:0.1,120:0.01,180:0.001` (from an epoch on, a multiple of --lr), `cosine`, `one-cycle` (or `one-cycle:0.3`, the
    /// share of the steps in which the rate rises), `cyclic` or `constant` [default: step:50:0.1]
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<Schedule>,
    /// Epochs in which the rate rises from a hundredth, before the schedule begins [default: 0]
    #[arg(long, value_name = "N")]
    warmup_epochs: Option<usize>,
    /// Cut the gradient of all parameters together to this length; 0 for no such cut [default: 0]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    clip_norm: Option<f64>,
    /// Keep and evaluate a running average of the weights with this decay, as 0.999; 0 for none [default: 0]
    #[arg(long, value_name = "X", value_parser = below_one)]
    ema: Option<f64>,
    /// How much of each label is spread over all classes [default: 0]
    #[arg(long, value_name = "X", value_parser = below_one)]
    label_smoothing: Option<f64>,
    /// Mix images and labels within a batch, by shares of the distribution Beta(X, X); 0 for none [default: 0]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    mixup: Option<f64>,
    /// The same with rectangles of images; beside --mixup each batch is mixed by one of both [default: 0]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    cutmix: Option<f64>,
    /// So many of RandAugment's operations, of a magnitude from 0 to 30, as 2:9; or `none` [default: none]
    #[arg(long, value_name = "N:MAGNITUDE", value_parser = rand_augment)]
    #[serde(serialize_with = "rand_augment_if_any")]
    rand_augment: Option<MaybeRandAugment>,
    /// Erase a rectangle of this share of the training images [default: 0]
    #[arg(long, value_name = "X", value_parser = zero_to_one)]
    random_erasing: Option<f64>,
    /// How often training skips the last block of a network with stochastic depth; earlier ones in proportion [default: as usual for it]
    #[arg(long, value_name = "X", value_parser = below_one)]
    drop_path: Option<f64>,
}

impl RecipeFlags {
    /// The name of the recipe.
    pub(crate) fn name(&self) -> RecipeName {
        self.recipe.unwrap_or_default()
    }

    /// The recipe itself, for a run of so many epochs.
    pub(crate) fn recipe(&self, epochs: usize) -> Recipe {
        let usual = self.name().recipe(epochs);
        let or_none =
            |given: Option<f64>, usual| given.map_or(usual, |value| Some(value).filter(|value| *value > 0.0));
        let Mixing { mixup, cutmix } = usual.mixing;
        let schedule = self.schedule.clone().unwrap_or(usual.schedule);
        // A schedule that begins low needs no warm-up of the recipe's.
        let warmup = if schedule.warms_up() { 0 } else { usual.warmup_epochs };
        Recipe {
            lr: self.lr,
            optimiser: self.optimiser(usual.optimiser),
            weight_decay: self.weight_decay.unwrap_or(usual.weight_decay),
            no_decay: self.no_decay.clone().unwrap_or(usual.no_decay),
            schedule,
            warmup_epochs: self.warmup_epochs.unwrap_or(warmup),
            clip_norm: or_none(self.clip_norm, usual.clip_norm),
            ema: or_none(self.ema, usual.ema),
            label_smoothing: self.label_smoothing.unwrap_or(usual.label_smoothing),
            mixing: Mixing { mixup: self.mixup.unwrap_or(mixup), cutmix: self.cutmix.unwrap_or(cutmix) },
            rand_augment: self.rand_augment.map_or(usual.rand_augment, |MaybeRandAugment(given)| given),
            random_erasing: self.random_erasing.unwrap_or(usual.random_erasing),
            drop_path: self.drop_path.or(usual.drop_path),
            name: usual.name,
        }
    }

    fn optimiser(&self, usual: Optimiser) -> Optimiser {
        let named = match self.optimizer.as_deref() {
            Some("adamw") => Optimiser::ADAMW,
            Some(_) => Optimiser::default(),
            None => usual,
        };
        match named {
            Optimiser::Sgd { momentum } => Optimiser::Sgd { momentum: self.momentum.unwrap_or(momentum) },
            Optimiser::AdamW { betas, epsilon } => Optimiser::AdamW {
                betas: self.betas.unwrap_or(betas),
                epsilon: self.adam_epsilon.unwrap_or(epsilon),
            },
        }
    }

    /// Says what the recipe sets, if one is named, and which flags are of another optimiser.
    pub(crate) fn note(&self, recipe: &Recipe, epochs: usize, progress: &Progress) {
        if let Some(name) = self.recipe {
            let flags = words(name, epochs);
            progress.line(&format!("--recipe {name}, where flags do not say otherwise: {}", flags.join(" ")));
        }
        let (sgd, adamw) = (self.momentum.is_some(), self.betas.is_some() || self.adam_epsilon.is_some());
        match recipe.optimiser {
            Optimiser::Sgd { .. } if adamw => {
                progress.note("--betas and --adam-epsilon have no effect: they are of --optimizer adamw");
            }
            Optimiser::AdamW { .. } if sgd => {
                progress.note("--momentum has no effect: it is of --optimizer sgd");
            }
            _ => {}
        }
    }
}

/// What a recipe sets, as flags: what is not as in the paper's, or all of the paper's.
fn words(name: RecipeName, epochs: usize) -> Vec<String> {
    let paper = RecipeName::Paper.recipe(epochs).settings();
    let own = name.recipe(epochs).settings().into_iter().skip(1);
    let own = own.filter(|setting| name == RecipeName::Paper || !paper.contains(setting));
    let sizes = [
        ("lr", name.learning_rate(epochs).into()),
        ("epochs", name.epochs().map_or(Value::Null, Value::from)),
        ("batch_size", name.batch_size().map_or(Value::Null, Value::from)),
    ];
    let word = |(key, value): (&str, Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("--{} {}", key.replace('_', "-"), text.strip_suffix(".0").unwrap_or(&text))
    };
    own.chain(sizes).filter(|(_, value)| !value.is_null()).map(word).collect()
}

/// RandAugment, or none where the recipe has it.
#[derive(Debug, Clone, Copy)]
struct MaybeRandAugment(Option<RandAugment>);

fn rand_augment(text: &str) -> Result<MaybeRandAugment, String> {
    if text == "none" {
        return Ok(MaybeRandAugment(None));
    }
    text.parse().map(Some).map(MaybeRandAugment).map_err(|expected: String| format!("{expected}, or none"))
}

fn recipe_name(text: &str) -> Result<RecipeName, String> {
    text.parse()
}

fn text_if_any<S: Serializer>(value: &Option<impl Display>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(to)
}

fn rand_augment_if_any<S: Serializer>(value: &Option<MaybeRandAugment>, to: S) -> Result<S::Ok, S::Error> {
    let text = |MaybeRandAugment(given)| given.map_or_else(|| "none".to_owned(), |given| given.to_string());
    value.map(text).serialize(to)
}

fn pair_if_any<S: Serializer>(value: &Option<[f64; 2]>, to: S) -> Result<S::Ok, S::Error> {
    value.map(|[first, second]| format!("{first},{second}")).serialize(to)
}

/// What is kept of a run as it goes on.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RecordingFlags {
    /// Measure the gradient spectrum during training, after every N-th epoch and the last; what `grad` writes is then in the
    /// run's folder `spectrum`, and grows with each of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    spectrum_every: Option<usize>,
    /// How many test images it is measured on, the first ones [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    spectrum_images: Option<usize>,
    /// Keep the checkpoint of every N-th epoch and the last [default: 1]; `checkpoint.latest` and `checkpoint.best` stay anyway
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    checkpoint_every: Option<usize>,
}

impl From<&RecordingFlags> for Recording {
    fn from(flags: &RecordingFlags) -> Self {
        let RecordingFlags { spectrum_every, spectrum_images, checkpoint_every } = *flags;
        Self { spectrum_every, spectrum_images, checkpoint_every }
    }
}
