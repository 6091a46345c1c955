//! Permutations.

use rand::Rng;

/// A permutation of 0..n, every one equally likely (Fisher–Yates).
pub fn permutation(n: usize, generator: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        // u64, because usize would draw differently on machines with 32-bit words
        let chosen = generator.random_range(0..=last as u64);
        order.swap(last, chosen as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named_generator;

    #[test]
    fn a_permutation_has_every_number_once() {
        let mut order = permutation(1000, &mut named_generator(5, "order"));
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().copied().eq(0..1000));
    }

    #[test]
    fn every_permutation_of_three_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            *counts.entry(permutation(3, &mut named_generator(seed, "order"))).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 expected with a standard deviation of 29
        assert!(counts.values().all(|count| (880..1120).contains(count)), "{counts:?}");
    }
}
