//! How sure a mean is.

/// The 95 % interval of a mean of `count` independent values by Student's distribution (1908): mean ± t·s/√n, s the standard
/// deviation over n − 1; absent of fewer than two values. `std` is the population's, over n, as running statistics give it.
///
/// ```
/// // Of 1, 2, 6: mean 3, s² = 7, t(2) = 4.3027.
/// let [low, high] = evaluation::mean_interval(3.0, (14f64 / 3.0).sqrt(), 3).expect("three values");
/// assert!((low + 3.5724).abs() < 5e-5 && (high - 9.5724).abs() < 5e-5);
/// assert_eq!(evaluation::mean_interval(3.0, 0.0, 1), None);
/// ```
pub fn mean_interval(mean: f64, std: f64, count: usize) -> Option<[f64; 2]> {
    let freedom = count.checked_sub(1).filter(|&freedom| freedom > 0)?;
    let half = student_quantile(freedom) * std / (freedom as f64).sqrt();
    Some([mean - half, mean + half])
}

/// Mean, population standard deviation and number of independent values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, over n.
    pub std: f64,
    /// How many there are.
    pub count: usize,
}

/// The 95 % interval of the difference of two means, `first` less `second`, of independent values whose variances may differ
/// (Welch 1947): d ± t(ν)·√(s₁²/n₁ + s₂²/n₂), ν by Satterthwaite's formula (1946), rounded down; absent where either has fewer than two
/// values.
///
/// ```
/// use evaluation::{Sample, mean_difference_interval};
/// // 1, 2, 6 and 1, 3: d = 1, √(7/3 + 2/2) = 1.8257, ν = 2.99 and so 2, t(2) = 4.3027.
/// let first = Sample { mean: 3.0, std: (14f64 / 3.0).sqrt(), count: 3 };
/// let second = Sample { mean: 2.0, std: 1.0, count: 2 };
/// let [low, high] = mean_difference_interval(first, second).expect("two values of each");
/// assert!((low + 6.8555).abs() < 5e-4 && (high - 8.8555).abs() < 5e-4);
/// ```
pub fn mean_difference_interval(first: Sample, second: Sample) -> Option<[f64; 2]> {
    // s²/n of the mean, s² over n − 1: σ²/(n − 1).
    let variance = |of: Sample| (of.count > 1).then(|| of.std * of.std / (of.count - 1) as f64);
    let (a, b) = (variance(first)?, variance(second)?);
    let (difference, variance) = (first.mean - second.mean, a + b);
    if variance == 0.0 {
        return Some([difference; 2]);
    }
    let freedom =
        variance * variance / (a * a / (first.count - 1) as f64 + b * b / (second.count - 1) as f64);
    // Never below the smaller n − 1, but for rounding.
    let half = student_quantile((freedom as usize).max(1)) * variance.sqrt();
    Some([difference - half, difference + half])
}

/// More degrees of freedom than this follow an expansion.
const MOST_SUMMED: usize = 200;

/// Student's quantile at 0.975.
fn student_quantile(freedom: usize) -> f64 {
    let nu = freedom as f64;
    if freedom > MOST_SUMMED {
        // Cornish & Fisher's expansion at the normal quantile.
        let z = crate::accuracy::Z;
        let (z3, z5) = (z.powi(3), z.powi(5));
        return z
            + (z3 + z) / (4.0 * nu)
            + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * nu * nu)
            + (3.0 * z.powi(7) + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * nu.powi(3));
    }
    // The probability between −t and t rises with the angle of t/√ν.
    let (mut low, mut high) = (0.0, 0.5 * std::f64::consts::PI);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if probability_within(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
    (0.5 * (low + high)).tan() * nu.sqrt()
}

/// The probability that Student's variable lies within ±√ν·tan θ: the finite sums for whole ν (Abramowitz & Stegun, 26.7.3 and 26.7.4).
fn probability_within(theta: f64, freedom: usize) -> f64 {
    let (sine, cosine) = theta.sin_cos();
    let is_odd = freedom % 2 == 1;
    // cos θ + 2/3·cos³ θ + …, or 1 + 1/2·cos² θ + …
    let (mut term, mut sum) = if is_odd { (cosine, 0.0) } else { (1.0, 0.0) };
    let mut power = usize::from(is_odd);
    while power + 2 <= freedom {
        sum += term;
        term *= cosine * cosine * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if is_odd { (theta + sine * sum) * std::f64::consts::FRAC_2_PI } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let table = [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281)];
        let more = [(30, 2.0423), (100, 1.9840), (200, 1.9719), (201, 1.9718), (1000, 1.9623)];
        for (freedom, expected) in table.into_iter().chain(more) {
            let found = student_quantile(freedom);
            assert!((found - expected).abs() < 6e-5, "{freedom}: {found}");
        }
    }

    #[test]
    fn both_ways_meet() {
        let expansion = student_quantile(MOST_SUMMED + 1);
        let sum = student_quantile(MOST_SUMMED);
        assert!(sum > expansion && sum - expansion < 1e-4, "{sum} {expansion}");
    }
}
