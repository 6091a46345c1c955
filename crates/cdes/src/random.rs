//! What is drawn while kernels are fitted.

use ::random::{ChaCha8Rng, Stream};

/// What a stream is for; streams of different purposes share no numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Order = 1,
    Noise = 2,
}

/// The generator of what is drawn for a batch of an epoch.
pub(crate) fn generator(seed: u64, purpose: Purpose, epoch: u64, batch: u64) -> ChaCha8Rng {
    Stream { domain: *b"cdes", seed, purpose: purpose as u64, epoch, index: batch }.generator()
}
