//! Normal numbers of keyed streams.

use std::f64::consts::TAU;

use rand::Rng;
use random::Stream;

/// So many independent normal numbers of mean 0 and variance 1, by Box & Muller (1958): pairs √(−2 ln a)·(cos 2πb, sin 2πb) of numbers a in
/// (0, 1] and b in [0, 1).
pub(crate) fn gaussian(stream: &Stream, count: usize) -> Vec<f64> {
    let mut random = stream.generator();
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let (length, turn) = (1.0 - random.random::<f64>(), random.random::<f64>());
        let (radius, (sine, cosine)) = ((-2.0 * length.ln()).sqrt(), (TAU * turn).sin_cos());
        values.extend([radius * cosine, radius * sine]);
    }
    values.truncate(count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_normal_law() {
        let stream = Stream { domain: *b"test", seed: 1, purpose: 0, epoch: 0, index: 0 };
        let values = gaussian(&stream, 100_001);
        assert_eq!(values.len(), 100_001);
        let mean = |power: i32| values.iter().map(|value| value.powi(power)).sum::<f64>() / 100_001.0;
        // Within four standard deviations: √(1, 2, 15, 96 / n).
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let far = (mean(power) - expected).abs();
            assert!(far < 4.0 * (variance / 100_001f64).sqrt(), "{power}: {far}");
        }
    }
}
