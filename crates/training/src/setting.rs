//! What must not change in the middle of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A setting that decides what is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The network's architecture.
    Architecture,
    /// The name of the data set.
    Dataset,
    /// What the normaliser subtracts from each channel.
    Mean,
    /// What the normaliser divides each channel by.
    StandardDeviation,
    /// The seed of everything random.
    Seed,
    /// Images per training batch.
    BatchSize,
    /// The base learning rate.
    LearningRate,
    /// SGD's momentum.
    Momentum,
    /// SGD's weight decay.
    WeightDecay,
    /// How the learning rate changes.
    Schedule,
    /// What the network is trained on: [`Trainer::training_on`](crate::Trainer::training_on).
    TrainingOn,
    /// Epochs in all, of a schedule that depends on them.
    Epochs,
    /// The name of the recipe that the settings are of.
    Recipe,
    /// Which optimiser.
    Optimiser,
    /// AdamW's β₁ and β₂.
    Betas,
    /// AdamW's ε.
    AdamEpsilon,
    /// Which parameters do not decay.
    NoDecay,
    /// Epochs of warm-up.
    WarmupEpochs,
    /// The length that gradients are cut to; 0 for none.
    ClipNorm,
    /// The decay of the running average of the weights; 0 for none.
    Ema,
    /// How much of a label is spread over all classes.
    LabelSmoothing,
    /// The parameter of mixup's distribution; 0 for none.
    Mixup,
    /// The parameter of CutMix's distribution; 0 for none.
    Cutmix,
    /// Operations and magnitude of RandAugment.
    RandAugment,
    /// The share of images of which a part is erased.
    RandomErasing,
    /// How often training skips the last block.
    DropPath,
    /// Whose statistics batch-norm takes, where ranks share batches.
    Statistics,
}

impl Setting {
    /// What it is in runs that do not say: what was there before there was a choice.
    pub fn usual(self) -> &'static str {
        match self {
            Self::Recipe => "paper",
            Self::Optimiser => "sgd",
            Self::Betas => "0.9,0.999",
            Self::AdamEpsilon => "0.00000001",
            Self::NoDecay | Self::RandAugment => "none",
            Self::DropPath => "usual",
            Self::Statistics => "those of whole batches",
            Self::WarmupEpochs
            | Self::ClipNorm
            | Self::Ema
            | Self::LabelSmoothing
            | Self::Mixup
            | Self::Cutmix
            | Self::RandomErasing => "0",
            _ => "",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Architecture => "architecture",
            Self::Dataset => "data set",
            Self::Mean => "mean",
            Self::StandardDeviation => "standard deviation",
            Self::Seed => "seed",
            Self::BatchSize => "batch size",
            Self::LearningRate => "learning rate",
            Self::Momentum => "momentum",
            Self::WeightDecay => "weight decay",
            Self::Schedule => "schedule",
            Self::TrainingOn => "training on",
            Self::Epochs => "number of epochs",
            Self::Recipe => "recipe",
            Self::Optimiser => "optimiser",
            Self::Betas => "betas",
            Self::AdamEpsilon => "epsilon of AdamW",
            Self::NoDecay => "parameters without decay",
            Self::WarmupEpochs => "epochs of warm-up",
            Self::ClipNorm => "longest gradient",
            Self::Ema => "decay of the average",
            Self::LabelSmoothing => "label smoothing",
            Self::Mixup => "mixup",
            Self::Cutmix => "CutMix",
            Self::RandAugment => "RandAugment",
            Self::RandomErasing => "random erasing",
            Self::DropPath => "stochastic depth",
            Self::Statistics => "statistics of batch-norm",
        })
    }
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The images that are learned from.
    Training,
    /// The images that accuracy is measured on.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "training",
            Self::Test => "test",
        })
    }
}
