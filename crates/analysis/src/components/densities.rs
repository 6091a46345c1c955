//! Densities of features by class.

use evaluation::Kde;
use serde::{Deserialize, Serialize};

/// Classes that a panel can hold: the first ones.
pub(super) const SHOWN: usize = 10;

/// Values of a curve.
const POINTS: usize = 200;

/// The density of a feature in each class that is shown, over the same values.
#[derive(Debug, Serialize, Deserialize)]
pub struct Densities {
    /// From where to where: without the outermost hundredth of the images at either end.
    pub range: (f64, f64),
    /// A curve each class, at even distances; empty where a class has fewer than two images, or all the same feature.
    pub curves: Vec<Vec<f64>>,
}

impl Densities {
    /// From the value and the label of each image.
    pub(super) fn new(values: &[f64], labels: &[u32], classes: usize) -> Self {
        let of_class = |class: usize| -> Vec<f64> {
            let own = labels.iter().zip(values).filter(|(label, _)| **label as usize == class);
            own.map(|(_, value)| *value).collect()
        };
        let classes = 0..classes.min(SHOWN);
        let found: Vec<Option<Kde>> = classes.map(|class| Kde::new(&of_class(class)).ok()).collect();
        let widest = found.iter().flatten().map(Kde::bandwidth).fold(0.0, f64::max);
        let range = if widest > 0.0 { around(values, 3.0 * widest) } else { (-1.0, 1.0) };
        let step = (range.1 - range.0) / (POINTS - 1) as f64;
        let curve = |density: &Kde| (0..POINTS).map(|at| density.at(range.0 + at as f64 * step)).collect();
        Self {
            range,
            curves: found.iter().map(|found| found.as_ref().map(curve).unwrap_or_default()).collect(),
        }
    }
}

/// From the 1st to the 99th percentile and a little more: a single image far away would leave no room for the others.
fn around(values: &[f64], margin: f64) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let outside = sorted.len() / 100;
    (sorted[outside] - margin, sorted[sorted.len() - 1 - outside] + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_not_stretched_by_a_single_image() {
        let mut values: Vec<f64> = (0..200).map(f64::from).collect();
        values[7] = 1e6;
        assert_eq!(around(&values, 0.5), (1.5, 198.5));
        assert_eq!(around(&[3.0, 1.0], 1.0), (0.0, 4.0));
    }

    #[test]
    fn densities_span_all_classes() {
        let found = Densities::new(&[0.0, 1.0, 10.0, 11.0, 5.0], &[0, 0, 1, 1, 2], 3);
        let width = 0.5f64.sqrt() * 2f64.powf(-0.2);
        assert!(
            (found.range.0 + 3.0 * width).abs() < 1e-12 && (found.range.1 - 11.0 - 3.0 * width).abs() < 1e-12
        );
        let lengths: Vec<usize> = found.curves.iter().map(Vec::len).collect();
        assert_eq!(lengths, [POINTS, POINTS, 0], "one image has no density");
        assert!((found.curves[0][0] - found.curves[1][POINTS - 1]).abs() < 1e-12, "mirror images");
        assert_eq!(Densities::new(&[0.0; 4], &[0, 0, 1, 1], 2).range, (-1.0, 1.0));
    }
}
