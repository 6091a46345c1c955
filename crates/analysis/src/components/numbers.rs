//! Accuracies in percent.

use evaluation::Accuracy;

/// In percent; 0 of no images.
pub fn percent(accuracy: Accuracy) -> f64 {
    // In this order, as training does it: the same digits.
    100.0 * accuracy.correct as f64 / accuracy.of.max(1) as f64
}

/// The ends of the 95 % interval (Wilson), in percent.
pub fn interval(accuracy: Accuracy) -> [f64; 2] {
    accuracy.interval().map(|end| 100.0 * end)
}
