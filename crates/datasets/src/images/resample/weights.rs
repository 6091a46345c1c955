//! Which source pixels a target pixel is made of, and with what weights.

use crate::images::interpolation::Interpolation;

/// Weights are multiples of 2⁻²², as Pillow's.
pub(super) const BITS: u32 = 22;

/// The weights of the source pixels of each target pixel, as many for each.
pub(super) struct Weights {
    pub(super) taps: usize,
    /// First source pixel of each target pixel.
    pub(super) starts: Vec<usize>,
    /// `[target][tap]`; zeros where fewer pixels than most have a part.
    weights: Vec<i32>,
}

impl Weights {
    /// Of the target pixels `first..first + count`, where `from` pixels become `to`.
    pub(super) fn new(filter: Interpolation, from: usize, to: usize, first: usize, count: usize) -> Self {
        let scale = from as f64 / to as f64;
        // Wider where pixels are merged; the nearest pixel is one whatever the scale.
        let width = if filter == Interpolation::Nearest { 1.0 } else { scale.max(1.0) };
        let (reach, inverse) = (filter.reach() * width, 1.0 / width);
        let centre = |target: usize| (target as f64 + 0.5) * scale;
        let reached = |target: usize| match filter {
            Interpolation::Nearest => centre(target) as usize..centre(target) as usize + 1,
            _ => {
                let low = (centre(target) - reach + 0.5).max(0.0) as usize;
                low..((centre(target) + reach + 0.5) as usize).min(from)
            }
        };
        let targets = first..first + count;
        let taps = targets.clone().map(|target| reached(target).len()).max().unwrap_or(0);
        let (mut starts, mut weights) = (Vec::with_capacity(count), vec![0; count * taps]);
        let mut values = Vec::with_capacity(taps);
        for (target, weights) in targets.zip(weights.chunks_exact_mut(taps.max(1))) {
            let (centre, reached) = (centre(target), reached(target));
            let value = |source: usize| match filter {
                Interpolation::Nearest => 1.0,
                _ => filter.value((source as f64 - centre + 0.5) * inverse),
            };
            values.clear();
            values.extend(reached.clone().map(value));
            let sum: f64 = values.iter().sum();
            let start = reached.start.min(from - taps);
            for (weight, value) in weights[reached.start - start..].iter_mut().zip(&values) {
                *weight = (value / sum * f64::from(1 << BITS)).round() as i32;
            }
            starts.push(start);
        }
        Self { taps, starts, weights }
    }

    /// First source pixel and weights of each target pixel.
    pub(super) fn targets(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.taps.max(1)))
    }

    /// The source pixels that have a part in any target pixel.
    pub(super) fn span(&self) -> (usize, usize) {
        let [low, high] = [self.starts.first(), self.starts.last()].map(|start| start.copied().unwrap_or(0));
        (low, high + self.taps)
    }
}

/// A sum of weighted bytes, rounded to a byte.
#[inline(always)]
pub(super) fn rounded(sum: i32) -> i32 {
    (sum >> BITS).clamp(0, 255)
}
