//! What differs, how far that is known, and where it is not chance.

use evaluation::{chance, correlation_interval, discoveries, spearman};

use super::{
    axes::{self, CellAxis},
    quantity::Quantity,
};

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
    /// Which numbers count: the frequencies ±k have one number, which stands twice in a map.
    pub counted: Vec<bool>,
    /// What each side of the table counts.
    pub axes: Vec<CellAxis>,
}

impl Difference {
    /// How many numbers there are, each once.
    pub fn numbers(&self) -> usize {
        self.counted.iter().filter(|&&is| is).count()
    }

    /// How many of them are significant.
    pub fn discoveries(&self) -> usize {
        self.counted
            .iter()
            .zip(&self.significant)
            .filter(|(counted, significant)| **counted && **significant)
            .count()
    }

    /// The mean over those that are known; not a number without any.
    pub fn mean(&self) -> f64 {
        let known: Vec<f64> = self.known().map(|(_, value)| value).collect();
        known.iter().sum::<f64>() / known.len() as f64
    }

    /// The place of the largest difference, up or down.
    pub fn largest(&self) -> Option<usize> {
        let larger =
            |best: (usize, f64), next: (usize, f64)| if next.1.abs() > best.1.abs() { next } else { best };
        self.known().reduce(larger).map(|(at, _)| at)
    }

    /// What a place is, in words: `ρ = 5`, `contrast, severity 3`; empty of a single number.
    pub fn cell(&self, at: usize) -> String {
        axes::cell(&self.axes, at)
    }

    fn known(&self) -> impl Iterator<Item = (usize, f64)> {
        let all = self.values.iter().copied().enumerate();
        all.filter(|(at, value)| self.counted[*at] && value.is_finite())
    }
}

/// Compares two quantities of the same name; none where they are tables of other sides.
///
/// The interval of b − a is found from those of a and b (Zou & Donner, Statistics in Medicine 2008): from
/// d − √((b − b₁)² + (a₂ − a)²) to d + √((b₂ − b)² + (a − a₁)²). It takes the two for independent: where they are of the same images, which
/// usually makes them alike, it is too wide rather than too narrow. The chance of a difference follows from the side of the interval that is
/// towards 0, by the normal law. Differences are significant by Benjamini & Hochberg (1995) over all numbers of the quantity: of those that
/// are marked at most one in twenty is chance, on average. Numbers that stand twice, of the frequencies ±k, count once.
///
/// ```
/// use analysis::{Quantity, difference};
/// let rates = |values: [f64; 3], half: f64| Quantity {
///     name: "error".to_owned(),
///     shape: vec![3],
///     values: values.to_vec(),
///     intervals: values.map(|value| [value - half, value + half]).to_vec(),
///     axes: Vec::new(),
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
    let counted = axes::counted(&first.axes, values.len());
    let pairs = first.values.iter().zip(&second.values).zip(&counted);
    let both = pairs.filter(|((a, b), counted)| a.is_finite() && b.is_finite() && **counted);
    let (a, b): (Vec<f64>, Vec<f64>) = both.map(|((&a, &b), _)| (a, b)).unzip();
    let rank_correlation = spearman(&a, &b);
    Some(Difference {
        name: first.name.clone(),
        shape: first.shape.clone(),
        significant: significant(&chances, &counted),
        axes: first.axes.clone(),
        counted,
        rank_correlation_interval: rank_correlation.and_then(|found| correlation_interval(found, a.len())),
        rank_correlation,
        values,
        intervals,
        chances,
    })
}

/// The discoveries among those that count; what stands twice is one both times.
fn significant(chances: &[f64], counted: &[bool]) -> Vec<bool> {
    let once: Vec<f64> =
        chances.iter().zip(counted).filter(|(_, counted)| **counted).map(|(chance, _)| *chance).collect();
    let found = discoveries(&once, FALSE_DISCOVERIES).into_iter().zip(&once);
    let bound = found.filter(|(is, _)| *is).map(|(_, chance)| *chance).reduce(f64::max);
    chances.iter().map(|&chance| bound.is_some_and(|bound| chance <= bound)).collect()
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wave_counts_once_and_is_marked_twice() {
        let axes = json!({ "vertical_frequencies": [-1, 0, 1], "horizontal_frequencies": [-1, 0, 1] });
        let axes = axes::of_quantity("fourier-heat-map", "error_rate", &[3, 3], &axes);
        let map = |values: [f64; 9]| Quantity {
            name: "error_rate".to_owned(),
            shape: vec![3, 3],
            values: values.to_vec(),
            intervals: values.map(|value| [value - 0.05, value + 0.05]).to_vec(),
            axes: axes.clone(),
        };
        let second = [0.1, 0.1, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1];
        let found = difference(&map([0.1; 9]), &map(second)).expect("of one shape");
        assert_eq!((found.numbers(), found.discoveries()), (5, 1));
        assert_eq!(found.significant.iter().filter(|&&is| is).count(), 2);
        assert_eq!(found.largest().map(|at| found.cell(at)).as_deref(), Some("vertical 0, horizontal −1"));
        assert!((found.mean() - 0.16).abs() < 1e-12);
    }

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
                    axes: Vec::new(),
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
