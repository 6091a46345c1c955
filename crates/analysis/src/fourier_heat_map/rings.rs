//! The rings of a Fourier heat map: radial means beside the gradient spectrum.

use evaluation::{Accuracy, mean_interval};
use spectral::RunningBands;

use crate::measuring::Directions;

/// By ring: the mean, and its 95 % interval where there is one.
type Means = (Vec<f64>, Vec<Option<[f64; 2]>>);

/// Which ring each direction is in, by the nearest whole |k|; rings that the window cuts, and zero, are left out.
#[derive(Debug)]
pub(super) struct Rings {
    pub(super) radii: Vec<usize>,
    pub(super) of_direction: Vec<Option<usize>>,
    /// Directions of each.
    pub(super) counts: Vec<usize>,
}

impl Rings {
    pub(super) fn new(directions: &Directions, image: [usize; 2], window: Option<usize>) -> Self {
        let nearest = |square: u64| {
            let below = square.isqrt();
            (below + u64::from(square > below * below + below)) as usize
        };
        let of_direction: Vec<usize> =
            (0..directions.len()).map(|at| nearest(directions.squared_radius(at))).collect();
        let is_cut = window.is_some_and(|window| image.iter().any(|&side| 2 * window < side));
        // Beyond the window's side a ring has frequencies that are not measured.
        let most = if is_cut { window.unwrap_or(usize::MAX) } else { usize::MAX };
        let mut radii: Vec<usize> =
            of_direction.iter().copied().filter(|&radius| radius > 0 && radius <= most).collect();
        radii.sort_unstable();
        radii.dedup();
        let of_direction: Vec<Option<usize>> =
            of_direction.iter().map(|radius| radii.binary_search(radius).ok()).collect();
        let mut counts = vec![0; radii.len()];
        of_direction.iter().flatten().for_each(|&ring| counts[ring] += 1);
        Self { radii, of_direction, counts }
    }

    /// By ring: the mean of each image's share of errors, with Student's interval over images.
    pub(super) fn measured(rings: &RunningBands) -> Means {
        let (mean, std) = (rings.mean(), rings.std());
        // Of rates, which are not below 0 nor above 1.
        let of_rate = |ends: [f64; 2]| ends.map(|end| end.clamp(0.0, 1.0));
        let interval =
            mean.iter().zip(&std).map(|(&mean, &std)| mean_interval(mean, std, rings.count()).map(of_rate));
        let interval = interval.collect();
        (mean, interval)
    }

    /// By ring: the mean of its directions' error rates, and of their intervals. That of the mean is no wider than the mean of theirs,
    /// whatever goes together, for the standard deviation of a sum is no more than the sum of the standard deviations.
    pub(super) fn drawn(&self, errors: &[Accuracy], intervals: &[[f64; 2]]) -> Means {
        let (mut means, mut ends) = (vec![0.0; self.radii.len()], vec![[0.0; 2]; self.radii.len()]);
        for (direction, ring) in self.of_direction.iter().enumerate() {
            let Some(ring) = *ring else { continue };
            let count = self.counts[ring] as f64;
            means[ring] += errors[direction].fraction().unwrap_or(0.0) / count;
            for (sum, end) in ends[ring].iter_mut().zip(intervals[direction]) {
                *sum += end / count;
            }
        }
        (means, ends.into_iter().map(Some).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_whole() {
        let rings = |image, window| {
            let directions = Directions::new(image, window);
            Rings::new(&directions, image, window)
        };
        assert_eq!(rings([32, 32], None).radii, (1..=23).collect::<Vec<_>>());
        assert_eq!(rings([32, 32], None).counts[0], 4, "(0, 1), (1, 0), (1, 1), (1, −1)");
        let cut = rings([224, 224], Some(31));
        assert_eq!(cut.radii, (1..=31).collect::<Vec<_>>());
        assert_eq!(
            cut.of_direction.iter().filter(|ring| ring.is_none()).count() + cut.counts.iter().sum::<usize>(),
            1985
        );
    }
}
