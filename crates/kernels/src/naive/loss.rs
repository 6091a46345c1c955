//! Cross-entropy.

/// The mean over rows of −ln softmax(row)(label): `logits` (N, classes).
pub fn cross_entropy(logits: &[f64], labels: &[u32]) -> f64 {
    let losses = rows(logits, labels).map(|(row, label)| -softmax(row)[label].ln());
    losses.sum::<f64>() / labels.len() as f64
}

/// ∂L/∂logits = (softmax − one-hot) / N, for the gradient 1 of the loss; at the label minus the sum of the others, which does not
/// cancel.
pub fn cross_entropy_backward(logits: &[f64], labels: &[u32]) -> Vec<f64> {
    let gradient = |(row, label): (&[f64], usize)| {
        let mut gradient = softmax(row);
        gradient[label] = 0.0;
        gradient[label] = -gradient.iter().sum::<f64>();
        gradient
    };
    rows(logits, labels).flat_map(gradient).map(|g| g / labels.len() as f64).collect()
}

fn rows<'a>(logits: &'a [f64], labels: &'a [u32]) -> impl Iterator<Item = (&'a [f64], usize)> {
    let classes = logits.len() / labels.len();
    logits.chunks(classes).zip(labels.iter().map(|&label| label as usize))
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|e| e / sum).collect()
}
