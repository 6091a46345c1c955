//! How many of how many, and how sure that is.

/// The standard normal's quantile at 0.975: of 95 % intervals.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// How many of a number of images are right.
///
/// ```
/// let [low, high] = evaluation::Accuracy { correct: 8, of: 10 }.interval();
/// assert!((low - 0.4902).abs() < 5e-5 && (high - 0.9433).abs() < 5e-5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accuracy {
    /// The right ones.
    pub correct: u64,
    /// All.
    pub of: u64,
}

impl Accuracy {
    /// The right ones among all, 0 to 1; absent of none.
    ///
    /// ```
    /// assert_eq!(evaluation::Accuracy { correct: 3, of: 4 }.fraction(), Some(0.75));
    /// assert_eq!(evaluation::Accuracy { correct: 0, of: 0 }.fraction(), None);
    /// ```
    pub fn fraction(self) -> Option<f64> {
        (self.of > 0).then(|| self.correct as f64 / self.of as f64)
    }

    /// Wilson's interval (1927) of the probability to be right, at 95 %: its two ends, 0 to 1.
    ///
    /// (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± z·√(p(1 − p)/n) it holds for few images and for
    /// accuracies near 0 and 1, and never leaves [0, 1]. Of no images nothing is known: [0, 1].
    pub fn interval(self) -> [f64; 2] {
        let Some(p) = self.fraction() else { return [0.0, 1.0] };
        let (n, square) = (self.of as f64, Z * Z);
        let middle = p + square / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
        let end = |value: f64| (value / (1.0 + square / n)).clamp(0.0, 1.0);
        // Exact at the ends, where rounding would leave 1e-17.
        let low = if self.correct == 0 { 0.0 } else { end(middle - half) };
        let high = if self.correct == self.of { 1.0 } else { end(middle + half) };
        [low, high]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(correct: u64, of: u64) -> [f64; 2] {
        Accuracy { correct, of }.interval()
    }

    #[test]
    fn intervals_are_the_published_ones() {
        // By hand: 8 of 10, z² = 3.841459: (0.8 + 0.192073 ± 1.959964·√(0.016 + 0.009604)) / 1.384146.
        for (correct, of, expected) in
            [(8, 10, [0.490162, 0.943318]), (0, 10, [0.0, 0.277533]), (10, 10, [0.722467, 1.0])]
        {
            let found = interval(correct, of);
            let apart = (0..2).map(|end| (found[end] - expected[end]).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-6, "{correct} of {of}: {found:?}");
        }
    }

    #[test]
    fn intervals_hold_the_fraction_and_narrow() {
        for of in [1, 7, 1000, 1_000_000] {
            for correct in [0, of / 3, of] {
                let [low, high] = interval(correct, of);
                let p = correct as f64 / of as f64;
                assert!((0.0..=p).contains(&low) && (p..=1.0).contains(&high), "{correct} of {of}");
            }
        }
        let width = |[low, high]: [f64; 2]| high - low;
        assert!(width(interval(500, 1000)) < width(interval(50, 100)));
        assert_eq!(interval(0, 0), [0.0, 1.0]);
    }
}
