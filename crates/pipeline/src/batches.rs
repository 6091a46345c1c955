//! The batches that training and measurements take.

use datasets::{Augmentation, BatchOptions, Batches, Distortions, ImageSet, Order};

use ranks::Ranks;

use crate::DatasetProfile;

/// How the training images of an epoch are cut into batches: shuffled, augmented and distorted, from batch `start` on.
pub fn training_options(
    profile: &DatasetProfile,
    order: Order,
    distortions: Distortions,
    start: usize,
) -> BatchOptions {
    BatchOptions {
        batch_size: profile.batch_size,
        order,
        augmentation: Some(Augmentation::default()),
        distortions,
        start_batch: start,
        workers: profile.workers,
        ..BatchOptions::default()
    }
}

/// All images in the set's own order.
pub fn test_batches(set: &ImageSet, batch_size: usize, workers: usize) -> Batches {
    set.batches(BatchOptions { batch_size, workers, ..BatchOptions::default() })
}

/// The batches of [`test_batches`] from one on that fall to this rank: where n ranks share them, those whose number modulo n is the rank's.
pub fn rank_batches(
    set: &ImageSet,
    batch_size: usize,
    workers: usize,
    from: usize,
    ranks: &Ranks,
) -> Batches {
    let (rank, size) = (ranks.rank(), ranks.size());
    let first = from + (rank + size - from % size) % size;
    some_batches(set, batch_size, workers, [first, size])
}

/// The batches of [`test_batches`] from one on, every so-manieth.
pub(crate) fn some_batches(
    set: &ImageSet,
    batch_size: usize,
    workers: usize,
    [start_batch, every]: [usize; 2],
) -> Batches {
    set.batches(BatchOptions { batch_size, workers, start_batch, every, ..BatchOptions::default() })
}

/// The same images as [`test_batches`], in batches without their pixels.
pub fn test_indices(set: &ImageSet, batch_size: usize) -> Batches {
    set.batches(BatchOptions { batch_size, pixels: false, ..BatchOptions::default() })
}
