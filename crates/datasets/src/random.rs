//! One independent random stream for every thing that is drawn.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is for; streams of different purposes share no numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Order = 1,
    Augmentation = 2,
    SyntheticTrain = 3,
    SyntheticTest = 4,
    Pairing = 5,
    Framing = 6,
}

/// The stream of `(seed, purpose, epoch, index)`.
///
/// The first three are the key and the last is ChaCha's stream number, so distinct arguments never collide and a
/// stream can be had without drawing those before it.
pub(crate) fn stream(seed: u64, purpose: Purpose, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&epoch.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(index);
    rng
}

/// A permutation of 0..n, every one equally likely (Fisher–Yates).
pub(crate) fn permutation(n: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        // u64, because usize would draw differently on machines with 32-bit words
        let chosen = rng.random_range(0..=last as u64);
        order.swap(last, chosen as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_each_argument() {
        let first = |seed, purpose, epoch, index| stream(seed, purpose, epoch, index).random::<u64>();
        let all = [
            first(0, Purpose::Order, 0, 0),
            first(1, Purpose::Order, 0, 0),
            first(0, Purpose::Augmentation, 0, 0),
            first(0, Purpose::Order, 1, 0),
            first(0, Purpose::Order, 0, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert_eq!(all.iter().filter(|b| a == *b).count(), 1, "stream {i}");
        }
    }

    #[test]
    fn a_permutation_has_every_number_once() {
        let mut order = permutation(1000, &mut stream(5, Purpose::Order, 2, 0));
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().copied().eq(0..1000));
    }

    #[test]
    fn every_permutation_of_three_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6000 {
            let order = permutation(3, &mut stream(0, Purpose::Order, epoch, 0));
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 expected with a standard deviation of 29
        assert!(counts.values().all(|count| (880..1120).contains(count)), "{counts:?}");
    }
}
