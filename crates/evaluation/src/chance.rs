//! Whether differences are chance: of one by the normal law, of many together.

use crate::accuracy::Z;

/// The chance of a difference as large as this where there is none, by the normal law: `half` is how far its 95 % interval reaches from it towards
/// 0. Without an extent any difference but 0 is certain.
///
/// ```
/// assert!((evaluation::chance(-0.3, 0.3) - 0.05).abs() < 1e-12);
/// assert_eq!((evaluation::chance(0.0, 0.1), evaluation::chance(0.2, 0.0)), (1.0, 0.0));
/// assert!(evaluation::chance(f64::NAN, 0.1).is_nan());
/// ```
pub fn chance(difference: f64, half: f64) -> f64 {
    match difference.abs() {
        0.0 => 1.0,
        size if half == 0.0 && size.is_finite() => 0.0,
        size => two_sided(size / (half / Z)),
    }
}

/// Which of many chances are discoveries, so that on average at most this share of them is false (Benjamini & Hochberg 1995): the k
/// smallest, k the largest for which the k-th is at most k/n of the share. What is no number is none, and does not count.
///
/// ```
/// let found = evaluation::discoveries(&[0.001, 0.02, 0.03, 0.9], 0.05);
/// assert_eq!(found, [true, true, true, false]); // 0.03 is below 3/4 of 0.05
/// ```
pub fn discoveries(chances: &[f64], share: f64) -> Vec<bool> {
    let mut known: Vec<f64> = chances.iter().copied().filter(|chance| chance.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let count = known.len() as f64;
    let allowed = |(rank, chance): &(usize, &f64)| **chance <= share * (*rank + 1) as f64 / count;
    let bound = known.iter().enumerate().rev().find(allowed).map(|(_, &chance)| chance);
    chances.iter().map(|&chance| bound.is_some_and(|bound| chance <= bound)).collect()
}

/// 2·(1 − Φ(z)) for z ≥ 0: erfc(z/√2), by its continued fraction beyond 2 and its series below.
fn two_sided(z: f64) -> f64 {
    if !z.is_finite() {
        return if z.is_nan() { f64::NAN } else { 0.0 };
    }
    let density = (-z * z / 2.0).exp() * std::f64::consts::FRAC_2_SQRT_PI / std::f64::consts::SQRT_2;
    if z < 2.0 {
        // Φ(z) − 1/2 = φ(z)·(z + z³/3 + z⁵/15 + …)
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term > 1e-17 * sum {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return 1.0 - density * sum;
    }
    // 1 − Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/(z + …))))
    density / (1..=60).rev().fold(z, |below, at| z + f64::from(at) / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_those_of_the_normal_law() {
        // Abramowitz & Stegun, table 26.1, and the quantile at 0.975.
        for (z, expected) in [
            (0.0, 1.0),
            (1.0, 0.317_310_507_862_914),
            (Z, 0.05),
            (3.0, 0.002_699_796_063_260),
            (6.0, 1.973_175e-9),
        ] {
            assert!((two_sided(z) / expected - 1.0).abs() < 1e-6, "{z}: {}", two_sided(z));
        }
    }

    #[test]
    fn discoveries_are_as_in_the_paper() {
        // Benjamini & Hochberg 1995, section 3.1: four of fifteen at 0.05.
        let chances = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let found = discoveries(&chances, 0.05);
        assert_eq!(found.iter().filter(|&&is| is).count(), 4);
        assert!(found[..4].iter().all(|&is| is));
        assert_eq!(discoveries(&[f64::NAN, 0.9], 0.05), [false, false]);
    }
}
