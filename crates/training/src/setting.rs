//! What must not change in the middle of a run.

use std::fmt;

/// A setting that decides what is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
