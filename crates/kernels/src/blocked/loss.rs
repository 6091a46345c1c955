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

/// The mean over a batch of −Σ q ln p, in nats, and its gradient with respect to the logits, (N, classes): (p − q) / N, where p is the
/// softmax of an image's logits and q its row of `targets` (N, classes), numbers of at least 0 that sum to 1: smoothed or mixed labels.
///
/// An entry is computed as p · Σ' q − q · Σ' p, the sums being over all other classes: that is p − q, but does not cancel where p and q are
/// near 1. For one-hot rows it is [`cross_entropy`].
///
/// # Panics
/// If `logits` and `targets` are not both `images` rows of one length.
///
/// ```
/// let (loss, gradient) = kernels::blocked::soft_cross_entropy(&[0.0, 0.0], &[0.75, 0.25], 1);
/// assert!((loss - 2f32.ln()).abs() < 1e-7);
/// assert_eq!(gradient, [-0.25, 0.25]);
/// let (_, gradient) = kernels::blocked::soft_cross_entropy(&[40.0, 0.0], &[1.0, 0.0], 1);
/// assert!(gradient[0] == -gradient[1] && (gradient[1] / 4.248_354e-18 - 1.0).abs() < 1e-6); // e⁻⁴⁰
/// ```
pub fn soft_cross_entropy(logits: &[f32], targets: &[f32], images: usize) -> (f32, Vec<f32>) {
    let classes = logits.len() / images;
    assert!(logits.len() == classes * images && targets.len() == logits.len(), "a row of targets an image");
    let (mut total, mut gradient) = (0.0, Vec::with_capacity(logits.len()));
    for (row, targets) in logits.chunks(classes).zip(targets.chunks(classes)) {
        let (row, targets) = (Row::new(row), targets.iter().copied().map(f64::from).collect::<Vec<_>>());
        total += row.soft_loss(&targets);
        gradient.extend(row.soft_gradient(&targets).map(|value| (value / images as f64) as f32));
    }
    ((total / images as f64) as f32, gradient)
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

    /// −Σ q ln p.
    fn soft_loss(&self, targets: &[f64]) -> f64 {
        let largest = self.centred.iter().position(|&logit| logit == 0.0).unwrap_or(0);
        // Of a network that is sure, the sum of all is 1 to the last digit.
        let log_sum = sum_without(&self.exponentials, largest).ln_1p();
        targets
            .iter()
            .zip(&self.centred)
            .filter(|(q, _)| **q > 0.0)
            .map(|(q, logit)| q * (log_sum - logit))
            .sum()
    }

    /// p − q for each class, as Σ (p · q' − q · p') over the others: what is equal takes itself away before it is added to what is small.
    /// Targets are a least share that all classes have, and what few have besides.
    fn soft_gradient(&self, targets: &[f64]) -> impl Iterator<Item = f64> {
        let p: Vec<f64> = self.exponentials.iter().map(|exponential| exponential / self.sum).collect();
        let least = targets.iter().copied().fold(f64::INFINITY, f64::min);
        let more: Vec<f64> = targets.iter().map(|target| target - least).collect();
        let of_all: f64 = more.iter().sum();
        let entry = |class: usize| {
            let of_least = least * (p.len() as f64 * p[class] - 1.0);
            if more[class] == 0.0 {
                return of_least + p[class] * of_all;
            }
            let others = (0..p.len()).filter(|other| *other != class);
            of_least + others.map(|other| p[class] * more[other] - more[class] * p[other]).sum::<f64>()
        };
        (0..p.len()).map(entry).collect::<Vec<_>>().into_iter()
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
