//! What a batch got right.

use candle_core::Tensor;
use training::Tally;

/// Counts what a batch got right. `loss` is the batch's mean in nats, `logits` are (B, classes).
///
/// ```
/// use candle_core::{Device, Tensor};
/// let logits = Tensor::new(&[[3f32, 1., 2.], [0., 5., 4.]], &Device::Cpu)?;
/// let found = pipeline::tally(0.5, &logits, &[0, 2])?;
/// assert_eq!((found.examples, found.correct, found.loss_sum), (2, 1, 1.0));
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the logits are not (B, classes).
pub fn tally(loss: f32, logits: &Tensor, labels: &[u32]) -> candle_core::Result<Tally> {
    let rows = logits.to_vec2::<f32>()?;
    let ranks: Vec<usize> = rows.iter().zip(labels).map(|(row, &label)| rank(row, label as usize)).collect();
    let within = |limit: usize| ranks.iter().filter(|&&rank| rank < limit).count();
    let loss_sum = f64::from(loss) * labels.len() as f64;
    Ok(Tally { examples: labels.len(), loss_sum, correct: within(1), correct5: within(5) })
}

/// Whether each image is taken for the class of its label, of logits (B, classes).
///
/// # Errors
/// If the logits are no table.
pub fn hits(logits: &Tensor, labels: &[u32]) -> candle_core::Result<Vec<bool>> {
    let rows = logits.to_vec2::<f32>()?;
    Ok(rows.iter().zip(labels).map(|(row, &label)| rank(row, label as usize) == 0).collect())
}

/// How many classes score higher than the label; among equals the first class wins. Scores of which one is not a number have no order:
/// no label is right.
fn rank(row: &[f32], label: usize) -> usize {
    let Some(&own) = row.get(label).filter(|_| !row.iter().any(|score| score.is_nan())) else {
        return usize::MAX;
    };
    row.iter().enumerate().filter(|&(class, &score)| score > own || (score == own && class < label)).count()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn ranks_count_the_better_classes() {
        assert_eq!(rank(&[0.1, 0.7, 0.2], 1), 0);
        assert_eq!(rank(&[0.1, 0.7, 0.2], 0), 2);
        assert_eq!(rank(&[0.5, 0.5, 0.5], 2), 2, "ties go to the first class");
        assert_eq!(
            [0, 1].map(|label| rank(&[f32::NAN, 0.5], label)),
            [usize::MAX; 2],
            "nor among the first five"
        );
    }

    #[test]
    fn a_batch_is_counted_once_per_image() -> candle_core::Result<()> {
        let logits = Tensor::new(&[[3f32, 1., 2., 0., 0., 0.], [0., 5., 4., 3., 2., 1.]], &Device::Cpu)?;
        let found = tally(0.5, &logits, &[0, 5])?;
        assert_eq!((found.examples, found.correct, found.correct5), (2, 1, 2));
        assert!((found.loss_sum - 1.0).abs() < 1e-12);
        Ok(())
    }
}
