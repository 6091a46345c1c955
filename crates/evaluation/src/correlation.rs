//! How far two quantities go together.

use crate::{accuracy::Z, ranks::mean_ranks};

/// Pearson's correlation of pairs, −1 to 1; absent of fewer than two pairs, of lists of different lengths, and where one of
/// the quantities is always the same.
///
/// ```
/// let found = evaluation::pearson(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]);
/// assert!((found.unwrap_or(0.0) - 0.8).abs() < 1e-15);
/// assert_eq!(evaluation::pearson(&[1.0, 2.0], &[5.0, 5.0]), None);
/// ```
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let (x, y) = (centred(x), centred(y));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // One root of both: that of a square is exact, and so is the correlation of equal values.
    let spread = (product(&x, &x) * product(&y, &y)).sqrt();
    let found = product(&x, &y) / spread;
    (spread > 0.0 && found.is_finite()).then(|| found.clamp(-1.0, 1.0))
}

/// Spearman's correlation of ranks (1904), −1 to 1: Pearson's of the ranks, equal values sharing the mean of theirs; absent where
/// [`pearson`] is, and where a value is no number.
///
/// ```
/// // Any rising function keeps ranks.
/// assert_eq!(evaluation::spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 1e6]), Some(1.0));
/// // By hand: ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3.
/// let found = evaluation::spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]);
/// assert!((found.unwrap_or(0.0) - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-15);
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.iter().chain(y).any(|value| value.is_nan()) {
        return None;
    }
    pearson(&mean_ranks(x), &mean_ranks(y))
}

/// The 95 % interval of a correlation of `pairs` pairs, by Fisher's transformation (1921): tanh(artanh r ± 1.96/√(n − 3)); absent of
/// fewer than four pairs.
///
/// ```
/// let [low, high] = evaluation::correlation_interval(0.5, 28).expect("enough pairs");
/// assert!((low - 0.1560).abs() < 5e-5 && (high - 0.7358).abs() < 5e-5);
/// assert_eq!(evaluation::correlation_interval(0.5, 3), None);
/// ```
pub fn correlation_interval(correlation: f64, pairs: usize) -> Option<[f64; 2]> {
    let freedom = pairs.checked_sub(3).filter(|&freedom| freedom > 0)?;
    let (middle, half) = (correlation.clamp(-1.0, 1.0).atanh(), Z / (freedom as f64).sqrt());
    Some([(middle - half).tanh(), (middle + half).tanh()])
}

/// Minus the mean, over the largest distance from it; exactly zero where all are the same.
fn centred(values: &[f64]) -> Vec<f64> {
    // From the first value on, so that equal values leave no rounding.
    let mean = values.iter().map(|value| value - values[0]).sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - values[0] - mean).collect();
    let largest = centred.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    if largest > 0.0 { centred.into_iter().map(|value| value / largest).collect() } else { centred }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_correlate_fully() {
        let x = [0.1, 0.4, 0.7, 1.9];
        let up: Vec<f64> = x.iter().map(|x| 1e6 + 3.0 * x).collect();
        let down: Vec<f64> = x.iter().map(|x| -0.2 * x).collect();
        assert!((pearson(&x, &up).unwrap_or(0.0) - 1.0).abs() < 1e-9);
        assert!((pearson(&x, &down).unwrap_or(0.0) + 1.0).abs() < 1e-15);
    }

    #[test]
    fn without_spread_there_is_none() {
        assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]), None);
        assert_eq!(pearson(&[1.0], &[1.0]), None);
        assert_eq!(pearson(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(pearson(&[1.0, f64::NAN], &[1.0, 2.0]), None);
    }
}
