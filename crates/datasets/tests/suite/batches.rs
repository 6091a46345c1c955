//! Batches: order, augmentation, resuming, threads.

use datasets::{Augmentation, Batch, BatchOptions, ImageSet, ImageShape, Order};
use proptest::prelude::*;

/// `n` small images; the first pixel of each says which it is.
fn set(n: usize) -> ImageSet {
    let shape = ImageShape { channels: 2, height: 3, width: 4 };
    let pixels: Vec<u8> =
        (0..n * shape.len()).map(|i| ((i / shape.len()) + 31 * (i % shape.len())) as u8).collect();
    let labels = (0..n).map(|i| (i % 3) as u32).collect();
    ImageSet::new(pixels, labels, ["a", "b", "c"].map(String::from).into(), shape).unwrap()
}

fn shuffled(epoch: u64) -> BatchOptions {
    BatchOptions { batch_size: 8, order: Order::Shuffled { seed: 3, epoch }, ..Default::default() }
}

fn indices(set: &ImageSet, options: BatchOptions) -> Vec<usize> {
    set.batches(options).flat_map(|batch| batch.unwrap().indices).collect()
}

#[test]
fn the_sequential_order_gives_every_image_as_it_is() {
    let set = set(10);
    let batches: Vec<Batch> =
        set.batches(BatchOptions { batch_size: 4, ..Default::default() }).map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert_eq!(batches[1].indices, [4, 5, 6, 7]);
    assert_eq!(batches[1].labels, [1, 2, 0, 1]);
    let expected: Vec<f32> = set.bytes(5).unwrap().iter().map(|&x| f32::from(x) / 255.0).collect();
    assert_eq!(batches[1].images[24..48], expected);
}

#[test]
fn labels_and_pixels_follow_their_image_when_shuffled() {
    let set = set(30);
    for batch in set.batches(shuffled(0)).map(Result::unwrap) {
        for (at, &index) in batch.indices.iter().enumerate() {
            assert_eq!(batch.labels[at], set.labels()[index]);
            assert_eq!(batch.images[at * 24], index as f32 / 255.0);
        }
    }
}

#[test]
fn epochs_and_seeds_have_orders_of_their_own() {
    let set = set(100);
    let first = indices(&set, shuffled(0));
    assert_eq!(first, indices(&set, shuffled(0)));
    assert_ne!(first, indices(&set, shuffled(1)));
    let seed = BatchOptions { order: Order::Shuffled { seed: 4, epoch: 0 }, ..shuffled(0) };
    assert_ne!(first, indices(&set, seed));
}

#[test]
fn augmentation_changes_with_the_epoch_but_not_with_the_batch_size() {
    let set = set(40);
    let images = |epoch, batch_size| {
        let augmentation = Some(Augmentation { pad: 2, flip: true });
        let options = BatchOptions { batch_size, augmentation, ..shuffled(epoch) };
        let mut all: Vec<(usize, Vec<f32>)> = set
            .batches(options)
            .map(Result::unwrap)
            .flat_map(|b| {
                b.indices.into_iter().zip(b.images.chunks(24).map(<[f32]>::to_vec).collect::<Vec<_>>())
            })
            .collect();
        all.sort_by_key(|(index, _)| *index);
        all
    };
    assert_eq!(images(0, 8), images(0, 7));
    let changed = images(0, 8).iter().zip(&images(1, 8)).filter(|(a, b)| a.1 != b.1).count();
    assert!(changed > 30, "{changed} of 40 differ");
}

#[test]
fn empty_sets_and_extreme_options_end_at_once() {
    let mut set = set(5);
    let huge = BatchOptions { batch_size: usize::MAX, workers: 100, ..Default::default() };
    assert_eq!(set.batches(huge).map(|b| b.unwrap().len()).collect::<Vec<_>>(), [5]);
    let none = BatchOptions { batch_size: 0, ..Default::default() };
    assert_eq!(set.batches(none).len(), 5);
    let beyond = BatchOptions { start_batch: usize::MAX, workers: 2, ..Default::default() };
    assert!(set.batches(beyond).next().is_none());
    set.limit(0);
    assert!(set.batches(huge).next().is_none());
}

#[test]
fn dropping_the_iterator_early_does_not_hang() {
    let set = set(200);
    for taken in 0..4 {
        let mut batches = set.batches(BatchOptions { batch_size: 1, workers: 3, ..Default::default() });
        assert_eq!(batches.by_ref().take(taken).count(), taken);
        assert_eq!(batches.len(), 200 - taken);
    }
}

proptest! {
    /// The same batches whatever the number of threads, and a late start gives the tail of the whole.
    #[test]
    fn threads_and_a_late_start_change_nothing(
        n in 0_usize..60,
        batch_size in 1_usize..12,
        start_batch in 0_usize..10,
        drop_last: bool,
        shuffle: bool,
        augment: bool,
    ) {
        let set = set(n);
        let order = if shuffle { Order::Shuffled { seed: 1, epoch: 2 } } else { Order::Sequential };
        let augmentation = augment.then_some(Augmentation { pad: 1, flip: true });
        let plain = BatchOptions { batch_size, order, augmentation, drop_last, ..BatchOptions::default() };
        let whole: Vec<Batch> = set.batches(plain).map(Result::unwrap).collect();
        prop_assert_eq!(whole.len(), if drop_last { n / batch_size } else { n.div_ceil(batch_size) });
        for workers in 0..4 {
            let batches = set.batches(BatchOptions { start_batch, workers, ..plain });
            let tail = &whole[start_batch.min(whole.len())..];
            prop_assert_eq!(batches.len(), tail.len());
            prop_assert_eq!(&batches.map(Result::unwrap).collect::<Vec<_>>(), tail);
        }
    }
}

#[test]
fn batches_dealt_to_several_are_all_batches() {
    let set = set(53);
    for workers in [0, 3] {
        let options = BatchOptions { batch_size: 4, workers, start_batch: 2, ..BatchOptions::default() };
        let all: Vec<Batch> = set.batches(options).map(|batch| batch.expect("in memory")).collect();
        assert_eq!(all.len(), 12);
        for every in [1, 2, 3, 5, 20] {
            for first in 0..every {
                let own = BatchOptions { start_batch: 2 + first, every, ..options };
                let (batches, expected) = (set.batches(own), all.iter().skip(first).step_by(every));
                assert_eq!(batches.len(), expected.clone().count());
                assert!(
                    batches.map(|batch| batch.expect("in memory")).eq(expected.cloned()),
                    "{first} {every}"
                );
            }
        }
    }
}
