//! Intervals of any number that is made of sums over images, without keeping the images.

use rand::Rng;
use random::Stream;
use serde::{Deserialize, Serialize};

/// How often images are drawn again.
const REPLICATES: usize = 400;

/// P(n ≤ 0), P(n ≤ 1), … of a Poisson number of mean 1, in units of 2⁻⁶⁴: what is left above the last is 10⁻¹⁰.
const CUMULATIVE: [f64; 12] = {
    let mut sums = [0.0; 12];
    let (mut term, mut sum, mut at) = (0.367_879_441_171_442_33, 0.0, 0);
    while at < sums.len() {
        sum += term;
        sums[at] = sum;
        at += 1;
        term /= at as f64;
    }
    sums
};

/// Sums over images as other draws of the images would give them: the Poisson bootstrap.
///
/// In each replicate an image counts n times, n a Poisson number of mean 1 that follows from the seed, the replicate and the image's place:
/// neither batches nor threads change it, and memory does not grow with the number of images.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resampled {
    seed: u64,
    /// By replicate and number.
    sums: Vec<f64>,
    numbers: usize,
}

impl Resampled {
    /// Sums of so many numbers each.
    pub(crate) fn new(numbers: usize, seed: u64) -> Self {
        Self { seed, sums: vec![0.0; REPLICATES * numbers], numbers }
    }

    /// Adds an image's numbers to the sums.
    pub(crate) fn push(&mut self, image: usize, numbers: &[f64]) {
        let stream = Stream { domain: *b"boot", seed: self.seed, purpose: 1, epoch: 0, index: image as u64 };
        let mut random = stream.generator();
        for sums in self.sums.chunks_exact_mut(self.numbers.max(1)) {
            let times = f64::from(times(random.random::<f64>()));
            if times > 0.0 {
                sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += times * number);
            }
        }
    }

    /// The 95 % interval of what `of` makes of sums: from the 2.5th to the 97.5th percentile of the replicates. Absent where more than one
    /// replicate in twenty gives nothing.
    pub(crate) fn interval(&self, of: impl Fn(&[f64]) -> Option<f64>) -> Option<[f64; 2]> {
        let [ends] = &self.intervals(|sums| [of(sums)])[..] else { return None };
        *ends
    }

    /// The same of several numbers at once.
    pub(crate) fn intervals<const N: usize>(
        &self,
        of: impl Fn(&[f64]) -> [Option<f64>; N],
    ) -> [Option<[f64; 2]>; N] {
        let found: Vec<[Option<f64>; N]> = self.sums.chunks_exact(self.numbers.max(1)).map(of).collect();
        std::array::from_fn(|which| {
            let mut values: Vec<f64> =
                found.iter().filter_map(|all| all[which]).filter(|value| value.is_finite()).collect();
            if found.is_empty() || 20 * values.len() < 19 * found.len() {
                return None;
            }
            values.sort_unstable_by(f64::total_cmp);
            Some([0.025, 0.975].map(|share| quantile(&values, share)))
        })
    }
}

/// A Poisson number from one that is even in [0, 1).
fn times(uniform: f64) -> u32 {
    CUMULATIVE.iter().take_while(|&&below| uniform >= below).count() as u32
}

/// Of sorted values, with straight lines between them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + part * (above - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_poisson() {
        assert_eq!([0.0, 0.36, 0.37, 0.735, 0.74, 0.999_999].map(times), [0, 0, 1, 1, 2, 9]);
        assert!((CUMULATIVE[11] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn means_have_the_intervals_of_the_normal_law() {
        // 1,000 numbers 0 … 9 in turn: mean 4.5, deviation √8.25.
        let mut resampled = Resampled::new(2, 5);
        (0..1000).for_each(|image| resampled.push(image, &[1.0, (image % 10) as f64]));
        let [low, high] = resampled.interval(|sums| Some(sums[1] / sums[0])).unwrap_or_default();
        let half = 1.96 * (8.25f64 / 1000.0).sqrt();
        assert!((high - low - 2.0 * half).abs() < 0.15 * half, "{low} {high} {half}");
        assert!((f64::midpoint(low, high) - 4.5).abs() < 0.15 * half, "{low} {high}");
        assert_eq!(resampled.interval(|_| None), None);
    }

    #[test]
    fn intervals_cover_what_they_are_of() {
        // Rates of 200 images of which each is right with a chance of 0.8: in 300 worlds, 95 % ± 4 standard deviations.
        let covered = (0..300u64).filter(|&world| {
            let mut resampled = Resampled::new(2, world);
            let stream = Stream { domain: *b"test", seed: world, purpose: 0, epoch: 0, index: 0 };
            let mut random = stream.generator();
            (0..200).for_each(|image| {
                resampled.push(image, &[1.0, f64::from(u8::from(random.random::<f64>() < 0.8))]);
            });
            let [low, high] = resampled.interval(|sums| Some(sums[1] / sums[0])).unwrap_or_default();
            (low..=high).contains(&0.8)
        });
        let covered = covered.count();
        assert!((270..=298).contains(&covered), "{covered} of 300");
    }
}
