//! What is drawn for data sets and their batches.

use ::random::{ChaCha8Rng, Stream};

pub(crate) use ::random::permutation;

/// What a stream is for; streams of different purposes share no numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Order = 1,
    Augmentation = 2,
    SyntheticTrain = 3,
    SyntheticTest = 4,
    Pairing = 5,
    Framing = 6,
    Split = 7,
    RandAugment = 8,
    Erasing = 9,
    Mixing = 10,
}

/// The stream of `(seed, purpose, epoch, index)`, from its beginning.
pub(crate) fn stream(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> ChaCha8Rng {
    Stream { domain: [0; 4], seed, purpose: purpose as u64, epoch, index }.generator()
}
