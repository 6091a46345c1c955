//! Which frequencies come from which image.

use std::ops::RangeInclusive;

/// How far a frequency is from the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// |dy| + |dx|.
    L1,
    /// √(dy² + dx²).
    L2,
    /// The larger of |dy| and |dx|: squares.
    Max,
}

/// The ring mask of the published CDES code over a shifted spectrum (H, W): what it keeps in the upper left quadrant is mirrored
/// onto the other three.
///
/// With c = ⌊size/2⌋, index i lies c − i from the centre in the first half and c − (size − 1 − i) in the second. So:
/// * even sizes: the mask is centred between pixels, DC counts as √2 away, and the mask is not symmetric under frequency
///   negation; keeping its part of a spectrum and dropping the imaginary part of what comes back is the same as
///   weighting with (m(k) + m(−k))/2, see [`QuadrantMask::weights`];
/// * odd sizes: the middle row and column, DC among them, are in no quadrant and never kept.
///
/// ```
/// use cdes::{Norm, QuadrantMask};
/// let low = QuadrantMask::new(Norm::L2, 32, 32, 0..=10);
/// let high = QuadrantMask::new(Norm::L2, 32, 32, 11..=32);
/// let kept = |mask: &QuadrantMask| mask.shifted().iter().filter(|keep| **keep).count();
/// assert_eq!(1024 - kept(&low) - kept(&high), 56); // the ring between them
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuadrantMask {
    height: usize,
    width: usize,
    keep: Vec<bool>,
}

impl QuadrantMask {
    /// Keeps the frequencies at these distances from the centre, both ends included; use `usize::MAX` for no outer end.
    pub fn new(norm: Norm, height: usize, width: usize, distances: RangeInclusive<usize>) -> Self {
        let (from, to) = (*distances.start(), *distances.end());
        let within = |row: usize, column: usize| {
            let (Some(down), Some(across)) = (distance(row, height), distance(column, width)) else {
                return false;
            };
            match norm {
                Norm::L1 => (from..=to).contains(&(down + across)),
                Norm::Max => (from..=to).contains(&down.max(across)),
                Norm::L2 => {
                    (square(from)..=square(to)).contains(&(square(down).saturating_add(square(across))))
                }
            }
        };
        let keep = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        Self { height, width, keep: keep.map(|(row, column)| within(row, column)).collect() }
    }

    /// What is kept of a shifted spectrum, (H, W), row by row.
    pub fn shifted(&self) -> &[bool] {
        &self.keep
    }

    /// (m(k) + m(−k))/2 over the half spectrum (H, W/2 + 1), not shifted, row by row: 0, ½ or 1.
    pub fn weights(&self) -> Vec<f32> {
        let Self { height, width, .. } = *self;
        let at = |u: usize, v: usize| {
            f32::from(u8::from(self.keep[(u + height / 2) % height * width + (v + width / 2) % width]))
        };
        let weight = |u: usize, v: usize| 0.5 * (at(u, v) + at((height - u) % height, (width - v) % width));
        (0..height).flat_map(|u| (0..width / 2 + 1).map(move |v| weight(u, v))).collect()
    }
}

/// From the centre, along an axis; nothing for the middle line of an odd size.
fn distance(at: usize, size: usize) -> Option<usize> {
    let outer = at.min(size - 1 - at);
    (outer < size / 2).then(|| size / 2 - outer)
}

fn square(distance: usize) -> usize {
    distance.saturating_mul(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_the_masks_means_over_negation() {
        let count = |mask: QuadrantMask, weight: f32| mask.weights().iter().filter(|w| **w == weight).count();
        // Of 4×4 frequencies, distance 1 along both axes: the four around the centre of the grid, −1 and 0 both ways.
        let mask = QuadrantMask::new(Norm::L1, 4, 4, 2..=2);
        assert_eq!(mask.shifted().iter().filter(|keep| **keep).count(), 4);
        // DC is its own negation; (0, ±1), (±1, 0) and (±1, ±1) have theirs outside.
        assert_eq!(mask.weights()[..2], [1.0, 0.5]);
        assert_eq!(count(mask, 1.0), 1);
    }

    #[test]
    fn nothing_and_everything_and_oblong_planes() {
        let all = QuadrantMask::new(Norm::L2, 6, 10, 0..=usize::MAX);
        assert!(all.weights().iter().all(|weight| *weight == 1.0));
        let none = QuadrantMask::new(Norm::L2, 6, 10, 0..=1);
        assert!(none.weights().iter().all(|weight| *weight == 0.0), "the nearest is √2 away");
        let odd = QuadrantMask::new(Norm::L1, 5, 5, 0..=usize::MAX);
        assert_eq!(odd.weights()[0], 0.0, "the middle lines of odd sizes are never kept");
    }
}
