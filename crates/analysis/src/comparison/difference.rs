//! What differs, how far that is known, and where it is not chance.

use evaluation::{chance, correlation_interval, discoveries, spearman};

use super::quantity::Quantity;

/// The share of false discoveries that is allowed among those that are marked.
pub(super) const FALSE_DISCOVERIES: f64 = 0.05;

/// The second of two quantities less the first; lists are by number.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What results call the quantity.
    pub name: String,
    /// Sides of the table.
    pub shape: Vec<usize>,
    /// Second less first.
    pub values: Vec<f64>,
    /// 95 % intervals.
    pub intervals: Vec<[f64; 2]>,
    /// The chance of a difference as large where there is none.
    pub chances: Vec<f64>,
    /// Which differences are not chance, of all together.
    pub significant: Vec<bool>,
    /// Spearman's correlation of the two over all numbers.
    pub rank_correlation: Option<f64>,
    /// Its 95 % interval (Fisher's).
    pub rank_correlation_interval: Option<[f64; 2]>,
}

/// Compares two quantities of the same name; none where they are tables of other sides.
///
/// The interval of b − a is found from those of a and b (Zou & Donner, Statistics in Medicine 2008): from
/// d − √((b − b₁)² + (a₂ − a)²) to d + √((b₂ − b)² + (a − a₁)²). It takes the two for independent: where they are of the same images, which
/// usually makes them alike, it is too wide rather than too narrow. The chance of a difference follows from the side of the interval that is
/// towards 0, by the normal law. Differences are significant by Benjamini & Hochberg (1995) over all numbers of the quantity: of those that
/// are marked at most one in twenty is chance, on average.
///
/// ```
/// use analysis::{Quantity, difference};
/// let rates = |values: [f64; 3], half: f64| Quantity {
///     name: "error".to_owned(),
///     shape: vec![3],
///     values: values.to_vec(),
///     intervals: values.map(|value| [value - half, value + half]).to_vec(),
/// };
/// let found = difference(&rates([0.1, 0.2, 0.3], 0.03), &rates([0.1, 0.25, 0.8], 0.04)).expect("of one shape");
/// assert_eq!(found.significant, [false, false, true]);
/// assert!((found.intervals[2][0] - 0.45).abs() < 1e-12); // 0.5 − √(0.04² + 0.03²)
/// ```
pub fn difference(first: &Quantity, second: &Quantity) -> Option<Difference> {
    if first.shape != second.shape || first.name != second.name {
        return None;
    }
    let cells = (0..first.values.len()).map(|at| cell(first, second, at));
    let (mut values, mut intervals, mut chances) = (Vec::new(), Vec::new(), Vec::new());
    for (value, interval, chance) in cells {
        values.push(value);
        intervals.push(interval);
        chances.push(chance);
    }
    let both = || first.values.iter().zip(&second.values).filter(|(a, b)| a.is_finite() && b.is_finite());
    let (a, b): (Vec<f64>, Vec<f64>) = both().map(|(&a, &b)| (a, b)).unzip();
    let rank_correlation = spearman(&a, &b);
    Some(Difference {
        name: first.name.clone(),
        shape: first.shape.clone(),
        significant: discoveries(&chances, FALSE_DISCOVERIES),
        rank_correlation_interval: rank_correlation.and_then(|found| correlation_interval(found, a.len())),
        rank_correlation,
        values,
        intervals,
        chances,
    })
}

fn cell(first: &Quantity, second: &Quantity, at: usize) -> (f64, [f64; 2], f64) {
    let (a, b) = (first.values[at], second.values[at]);
    let ([a1, a2], [b1, b2]) = (first.intervals[at], second.intervals[at]);
    let value = b - a;
    let (below, above) = ((b - b1).hypot(a2 - a), (b2 - b).hypot(a - a1));
    let inner = if value > 0.0 { below } else { above };
    (value, [value - below, value + above], chance(value, inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sets of rates of which none differ: hardly ever is one marked.
    #[test]
    fn chance_is_not_discovered() {
        use rand::Rng;
        use random::Stream;
        let mut marked = 0;
        for world in 0..200u64 {
            let stream = Stream { domain: *b"test", seed: world, purpose: 0, epoch: 0, index: 0 };
            let mut random = stream.generator();
            let mut rates = || {
                let rate = |_| {
                    let right = (0..300).filter(|_| random.random::<f64>() < 0.3).count() as u64;
                    evaluation::Accuracy { correct: right, of: 300 }
                };
                let rates: Vec<evaluation::Accuracy> = (0..50).map(rate).collect();
                Quantity {
                    name: String::new(),
                    shape: vec![50],
                    values: rates.iter().map(|rate| rate.fraction().unwrap_or(0.0)).collect(),
                    intervals: rates.iter().map(|rate| rate.interval()).collect(),
                }
            };
            let (a, b) = (rates(), rates());
            let found = difference(&a, &b).expect("of one shape");
            marked += u32::from(found.significant.contains(&true));
        }
        // With nothing to discover a discovery is one in twenty worlds: 10 of 200 ± 4 · 3.1.
        assert!(marked <= 22, "{marked}");
    }
}
