//! Cross-entropy of rows of logits.

use std::f64::consts::LN_2;

/// The mean cross-entropy over a batch, in nats, and its gradient with respect to the logits, (N, classes):
/// (softmax − one-hot) / N.
///
/// The entry of the label is minus the sum of the others: p − 1 would be zero as soon as the network is sure, from a margin of
/// 37 nats on in f64, while the others live on.
///
/// # Panics
/// If `logits` is not labels × classes long or a label is no class.
///
/// ```
/// let (loss, gradient) = kernels::blocked::cross_entropy(&[0.0, 0.0], &[1]);
/// assert!((loss - 2f32.ln()).abs() < 1e-7);
/// assert_eq!(gradient, [0.5, -0.5]);
/// let (loss, gradient) = kernels::blocked::cross_entropy(&[40.0, 0.0], &[0]);
/// assert_eq!([loss, -gradient[0]], [gradient[1]; 2]);
/// assert!((gradient[1] / 4.248_354e-18 - 1.0).abs() < 1e-6); // e⁻⁴⁰
/// ```
pub fn cross_entropy(logits: &[f32], labels: &[u32]) -> (f32, Vec<f32>) {
    let (loss, gradient) = rows(logits, labels, |row, label| row.gradient(label));
    let images = labels.len() as f64;
    (loss, gradient.into_iter().map(|value| (value / images) as f32).collect())
}

/// The same loss; the gradient is that of each image's own cross-entropy, times the power of two that brings its largest entry to
/// [1, 2): what is said of the gradient's direction holds for networks that are so sure that the gradient itself is no f32.
///
/// # Panics
/// As [`cross_entropy`].
///
/// ```
/// let (loss, gradient) = kernels::blocked::scaled_cross_entropy(&[0.0, 9000.0, 8999.0], &[1]);
/// assert_eq!((loss, gradient[0]), ((-1f64).exp().ln_1p() as f32, 0.0));
/// assert_eq!(gradient[1], -gradient[2]);
/// let (_, gradient) = kernels::blocked::scaled_cross_entropy(&[9000.0, 0.0, 0.0], &[0]);
/// assert_eq!(gradient[1], gradient[2]);
/// assert!(gradient[1] >= 0.5 && gradient[0] == -2.0 * gradient[1]);
/// ```
pub fn scaled_cross_entropy(logits: &[f32], labels: &[u32]) -> (f32, Vec<f32>) {
    let (loss, gradient) = rows(logits, labels, |row, label| row.scaled_gradient(label));
    (loss, gradient.into_iter().map(|value| value as f32).collect())
}

/// The mean loss, and what `gradient` makes of each row.
fn rows(logits: &[f32], labels: &[u32], gradient: impl Fn(&Row, usize) -> Vec<f64>) -> (f32, Vec<f64>) {
    let classes = logits.len() / labels.len();
    assert_eq!(logits.len(), classes * labels.len(), "a row of logits a label");
    let (mut total, mut all) = (0.0, Vec::with_capacity(logits.len()));
    for (row, &label) in logits.chunks(classes).zip(labels) {
        let row = Row::new(row);
        total += row.loss(label as usize);
        all.extend(gradient(&row, label as usize));
    }
    ((total / labels.len() as f64) as f32, all)
}

/// The logits of an image, in f64.
struct Row {
    /// Logits minus the largest.
    centred: Vec<f64>,
    /// e to the power of each.
    exponentials: Vec<f64>,
    /// Of all.
    sum: f64,
}

impl Row {
    fn new(logits: &[f32]) -> Self {
        let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let centred: Vec<f64> = logits.iter().map(|&logit| f64::from(logit) - largest).collect();
        let exponentials: Vec<f64> = centred.iter().map(|logit| logit.exp()).collect();
        let sum = exponentials.iter().sum();
        Self { centred, exponentials, sum }
    }

    /// −ln p of the label.
    fn loss(&self, label: usize) -> f64 {
        let others = sum_without(&self.exponentials, label);
        // Of a network that is sure, the sum of all is 1 to the last digit.
        if others < 0.5 { others.ln_1p() } else { self.sum.ln() - self.centred[label] }
    }

    fn gradient(&self, label: usize) -> Vec<f64> {
        let mut gradient: Vec<f64> =
            self.exponentials.iter().map(|exponential| exponential / self.sum).collect();
        gradient[label] = -sum_without(&gradient, label);
        gradient
    }

    fn scaled_gradient(&self, label: usize) -> Vec<f64> {
        let others = self.centred.iter().enumerate().filter(|(class, _)| *class != label);
        let largest = others.fold(f64::NEG_INFINITY, |largest, (_, &logit)| largest.max(logit));
        let mut gradient = self.gradient(label);
        // Whatever is smaller by so much is no f32 beside the largest.
        if largest < -600.0 && largest.is_finite() {
            let shift = LN_2 * (largest / LN_2).round();
            gradient = self.centred.iter().map(|logit| (logit - shift).exp()).collect();
            gradient[label] = -sum_without(&gradient, label);
        }
        let size = gradient[label].abs();
        if size.is_normal() {
            // 2 to the power of minus the exponent of the largest entry.
            let exponent = (size.to_bits() >> 52) as i32 - 1023;
            gradient.iter_mut().for_each(|value| *value *= 2f64.powi(-exponent));
        }
        gradient
    }
}

/// Of all but the label's. (A difference from the sum of all would cancel.)
fn sum_without(values: &[f64], label: usize) -> f64 {
    values.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, value)| value).sum()
}
