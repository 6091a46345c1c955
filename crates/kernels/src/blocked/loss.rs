//! Cross-entropy of rows of logits.

/// The mean cross-entropy over a batch, in nats, and its gradient with respect to the logits, (N, classes):
/// (softmax − one-hot) / N.
///
/// # Panics
/// If `logits` is not labels × classes long or a label is no class.
///
/// ```
/// let (loss, gradient) = kernels::blocked::cross_entropy(&[0.0, 0.0], &[1]);
/// assert!((loss - 2f32.ln()).abs() < 1e-7);
/// assert_eq!(gradient, [0.5, -0.5]);
/// ```
pub fn cross_entropy(logits: &[f32], labels: &[u32]) -> (f32, Vec<f32>) {
    let classes = logits.len() / labels.len();
    assert_eq!(logits.len(), classes * labels.len(), "a row of logits a label");
    let mut gradient = Vec::with_capacity(logits.len());
    let mut total = 0.0;
    for (row, &label) in logits.chunks(classes).zip(labels) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials: Vec<f64> = row.iter().map(|&x| f64::from(x - largest).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        total += sum.ln() - f64::from(row[label as usize] - largest);
        gradient.extend(exponentials.iter().enumerate().map(|(class, exponential)| {
            let target = if class == label as usize { 1.0 } else { 0.0 };
            ((exponential / sum - target) / labels.len() as f64) as f32
        }));
    }
    ((total / labels.len() as f64) as f32, gradient)
}
