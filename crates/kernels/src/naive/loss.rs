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

/// The mean over rows of −Σ q ln softmax(row): `logits` and `targets` q (N, classes), of N images.
pub fn soft_cross_entropy(logits: &[f64], targets: &[f64], images: usize) -> f64 {
    let classes = logits.len() / images;
    let loss = |(row, targets): (&[f64], &[f64])| {
        softmax(row).iter().zip(targets).map(|(p, q)| if *q == 0.0 { 0.0 } else { -q * p.ln() }).sum::<f64>()
    };
    logits.chunks(classes).zip(targets.chunks(classes)).map(loss).sum::<f64>() / images as f64
}

/// ∂L/∂logits = (softmax − targets) / N, for the gradient 1 of the loss, as Σ over the other classes k of (p qₖ − q pₖ): targets of a row
/// sum to 1, and this does not cancel where p and q are near 1.
pub fn soft_cross_entropy_backward(logits: &[f64], targets: &[f64], images: usize) -> Vec<f64> {
    let classes = logits.len() / images;
    let gradient = |(row, q): (&[f64], &[f64])| {
        let p = softmax(row);
        let entry = |class: usize| {
            let others = (0..classes).filter(|&other| other != class);
            others.map(|other| p[class] * q[other] - q[class] * p[other]).sum::<f64>() / images as f64
        };
        (0..classes).map(entry).collect::<Vec<_>>()
    };
    logits.chunks(classes).zip(targets.chunks(classes)).flat_map(gradient).collect()
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
