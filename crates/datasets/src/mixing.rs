//! Batches mixed with themselves: mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019), as torchvision defines them.

use std::{f64::consts::TAU, ops::Range};

use ::random::ChaCha8Rng;
use rand::Rng;

use crate::random::{Purpose, stream};

/// How batches are mixed: each with the same batch shifted by one image. Where both are wanted, each batch is mixed by one of them, with
/// equal chance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mixing {
    /// The parameter α of mixup's distribution Beta(α, α); 0 for no mixup.
    pub mixup: f64,
    /// The same of CutMix.
    pub cutmix: f64,
}

/// How one batch is mixed.
#[derive(Debug, Clone, PartialEq)]
pub enum Mix {
    /// Each image is this share of itself, and the rest of the image before it; its label likewise.
    Blend {
        /// From 0 to 1.
        share: f64,
    },
    /// Each image has a rectangle of the image before it.
    Paste {
        /// Its rows.
        rows: Range<usize>,
        /// Its columns.
        columns: Range<usize>,
        /// What is left of the image itself, and of its label.
        share: f64,
    },
}

impl Mix {
    /// How much of each image, and of its label, is its own.
    pub fn share(&self) -> f64 {
        match self {
            Self::Blend { share } | Self::Paste { share, .. } => *share,
        }
    }
}

impl Mixing {
    /// Whether batches stay as they are.
    pub fn is_none(&self) -> bool {
        self.mixup == 0.0 && self.cutmix == 0.0
    }

    /// Draws how a batch of images of this many rows and columns is mixed: from (seed, epoch, batch) alone. None without mixing.
    ///
    /// ```
    /// use datasets::{Mix, Mixing};
    /// let cutmix = Mixing { mixup: 0.0, cutmix: 1.0 };
    /// let Some(Mix::Paste { rows, columns, share }) = cutmix.draw([32, 32], [0, 0, 0]) else { panic!() };
    /// assert_eq!(share, 1.0 - (rows.len() * columns.len()) as f64 / 1024.0);
    /// assert_eq!(Mixing::default().draw([32, 32], [0, 0, 0]), None);
    /// ```
    pub fn draw(&self, [height, width]: [usize; 2], [seed, epoch, batch]: [u64; 3]) -> Option<Mix> {
        if self.is_none() {
            return None;
        }
        let mut rng = stream(seed, Purpose::Mixing, epoch, batch);
        let second = rng.random::<bool>();
        if self.cutmix == 0.0 || (self.mixup > 0.0 && second) {
            return Some(Mix::Blend { share: beta(self.mixup, &mut rng) });
        }
        let half = 0.5 * (1.0 - beta(self.cutmix, &mut rng)).sqrt();
        let mut part = |side: usize| {
            let middle = rng.random_range(0..side.max(1) as u64) as usize;
            let reach = (half * side as f64) as usize;
            middle.saturating_sub(reach)..(middle + reach).min(side)
        };
        let (columns, rows) = (part(width), part(height));
        let share = 1.0 - (rows.len() * columns.len()) as f64 / (height * width).max(1) as f64;
        Some(Mix::Paste { rows, columns, share })
    }
}

/// A draw from Beta(α, α): X / (X + Y) with two of the gamma distribution. In logarithms, since for small α both are as good as 0.
fn beta(alpha: f64, rng: &mut ChaCha8Rng) -> f64 {
    let [first, second] = [0; 2].map(|_| log_gamma_variate(alpha, rng));
    1.0 / (1.0 + (second - first).exp())
}

/// The logarithm of a draw from the gamma distribution of this shape (Marsaglia & Tsang, 2000).
fn log_gamma_variate(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    if shape < 1.0 {
        return log_gamma_variate(shape + 1.0, rng) + uniform(rng).ln() / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        // Box & Muller.
        let x = (-2.0 * uniform(rng).ln()).sqrt() * (TAU * uniform(rng)).cos();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && uniform(rng).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d.ln() + v.ln();
        }
    }
}

/// From above 0 to 1.
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    1.0 - rng.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean ½ and variance 1 / (4 (2 α + 1)), to four standard deviations of the mean.
    #[test]
    fn shares_have_the_moments_of_the_beta_distribution() {
        for alpha in [0.1, 0.2, 0.8, 1.0, 4.0] {
            let mut rng = stream(1, Purpose::Mixing, 0, 0);
            let draws: Vec<f64> = (0..40_000).map(|_| beta(alpha, &mut rng)).collect();
            assert!(draws.iter().all(|draw| (0.0..=1.0).contains(draw)), "α = {alpha}");
            let count = draws.len() as f64;
            let (mean, expected) = (draws.iter().sum::<f64>() / count, 0.25 / (2.0 * alpha + 1.0));
            let variance = draws.iter().map(|draw| (draw - 0.5).powi(2)).sum::<f64>() / count;
            assert!((mean - 0.5).abs() < 4.0 * (expected / count).sqrt(), "α = {alpha}: mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.04, "α = {alpha}: variance {variance}, {expected}");
        }
    }

    #[test]
    fn both_kinds_come_up_equally_often() {
        let both = Mixing { mixup: 0.2, cutmix: 1.0 };
        let draws = (0..1000).map(|batch| both.draw([32, 24], [0, 1, batch]).expect("a mix"));
        let blended = draws.filter(|mix| matches!(mix, Mix::Blend { .. })).count();
        assert!((420..580).contains(&blended), "{blended}");
        assert_eq!(both.draw([32, 24], [0, 1, 5]), both.draw([32, 24], [0, 1, 5]));
    }

    #[test]
    fn rectangles_stay_inside_and_shares_are_what_they_leave() {
        for batch in 0..500 {
            let mix = Mixing { mixup: 0.0, cutmix: 1.0 }.draw([9, 12], [7, 0, batch]);
            let Some(Mix::Paste { rows, columns, share }) = mix else { panic!("{mix:?}") };
            assert!(rows.end <= 9 && columns.end <= 12, "{rows:?} {columns:?}");
            let area = (rows.len() * columns.len()) as f64 / 108.0;
            assert!((share + area - 1.0).abs() < 1e-12);
        }
    }
}
