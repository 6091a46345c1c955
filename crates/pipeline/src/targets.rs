//! What a training step compares the network with: labels, smoothed and mixed.

use candle_core::Tensor;
use datasets::{Mix, Mixing};
use kernels::device::blend;

use crate::DeviceBatch;

/// How labels are softened, and batches mixed with themselves; not at all by default.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Targets {
    /// ε: a label is (1 − ε) of its class and ε / K of each of K classes (Szegedy et al., 2016, as PyTorch's `label_smoothing`).
    pub label_smoothing: f64,
    /// How batches are mixed.
    pub mixing: Mixing,
}

/// What a network learns from in one step.
#[derive(Debug)]
pub(crate) struct TargetedBatch {
    pub(crate) images: Tensor,
    /// A number for each class of each image (N, classes); absent where labels are plain.
    pub(crate) soft: Option<Vec<f32>>,
    /// The class of each image with most of its target.
    pub(crate) labels: Vec<u32>,
}

impl Targets {
    /// A batch as it is learned from, mixed as it is drawn from seed, epoch and batch.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn of(
        &self,
        batch: &DeviceBatch,
        images: Tensor,
        classes: usize,
        key: [u64; 3],
    ) -> candle_core::Result<TargetedBatch> {
        let (_, _, height, width) = images.dims4()?;
        let mix = self.mixing.draw([height, width], key);
        let share = mix.as_ref().map_or(1.0, Mix::share);
        let is_soft = mix.is_some() || self.label_smoothing > 0.0;
        let soft = is_soft.then(|| soft_labels(&batch.labels, classes, self.label_smoothing, share));
        let labels = if share < 0.5 { before(&batch.labels) } else { batch.labels.clone() };
        let images = mix.map_or(Ok(images.clone()), |mix| mixed(&images, &mix))?;
        Ok(TargetedBatch { images, soft, labels })
    }
}

/// The label of the image before each one; of the first the last's.
fn before(labels: &[u32]) -> Vec<u32> {
    let mut labels = labels.to_vec();
    labels.rotate_right(1);
    labels
}

/// (N, classes): `share` of each image's own label and the rest of the label of the image before it, smoothed.
fn soft_labels(labels: &[u32], classes: usize, smoothing: f64, share: f64) -> Vec<f32> {
    let row = |(own, other): (&u32, u32)| {
        let mut row = vec![smoothing / classes as f64; classes];
        row[*own as usize] += (1.0 - smoothing) * share;
        row[other as usize] += (1.0 - smoothing) * (1.0 - share);
        row.into_iter().map(|value| value as f32).collect::<Vec<_>>()
    };
    labels.iter().zip(before(labels)).flat_map(row).collect()
}

/// Images (N, C, H, W) mixed with those before them.
fn mixed(images: &Tensor, mix: &Mix) -> candle_core::Result<Tensor> {
    let (count, last) = (images.dim(0)?, images.dim(0)? - 1);
    let others = Tensor::cat(&[images.narrow(0, last, 1)?, images.narrow(0, 0, last)?], 0)?;
    match mix {
        Mix::Blend { share } => {
            let (own, share) = (images.contiguous()?.copy()?, *share as f32);
            blend(&own, share, &others, 1.0 - share)?;
            Ok(own)
        }
        Mix::Paste { rows, columns, .. } if rows.is_empty() || columns.is_empty() => Ok(images.clone()),
        Mix::Paste { rows, columns, .. } => {
            let part = others.narrow(2, rows.start, rows.len())?.narrow(3, columns.start, columns.len())?;
            let place = [0..count, 0..images.dim(1)?, rows.clone(), columns.clone()];
            images.slice_assign(&place, &part.contiguous()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use kernels::{blocked, device};
    use serde_json::Value;

    use super::*;

    fn images() -> candle_core::Result<Tensor> {
        Tensor::arange(0f32, (3 * 2 * 4 * 5) as f32, &Device::Cpu)?.reshape((3, 2, 4, 5))
    }

    #[test]
    fn images_are_mixed_with_those_before_them() -> candle_core::Result<()> {
        let (images, plane) = (images()?, 2 * 4 * 5);
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let blended = numbers(&mixed(&images, &Mix::Blend { share: 0.75 })?)?;
        assert_eq!((blended[0], blended[plane]), (0.25 * 80.0, 0.75 * 40.0));
        let pasted = mixed(&images, &Mix::Paste { rows: 1..3, columns: 2..5, share: 0.7 })?;
        for (at, (found, own)) in numbers(&pasted)?.into_iter().zip(numbers(&images)?).enumerate() {
            let is_inside = (1..3).contains(&(at / 5 % 4)) && (2..5).contains(&(at % 5));
            let other = ((at + 2 * plane) % (3 * plane)) as f32;
            assert_eq!(found, if is_inside { other } else { own }, "{at}");
        }
        let empty = mixed(&images, &Mix::Paste { rows: 1..1, columns: 2..5, share: 1.0 })?;
        assert_eq!(numbers(&empty)?, numbers(&images)?);
        Ok(())
    }

    /// Mean losses and gradients of the logits against PyTorch's in float64; `tests/python/recipes.py` wrote the numbers.
    #[test]
    fn losses_of_smoothed_and_mixed_labels_are_pytorchs() -> candle_core::Result<()> {
        let golden: Value = serde_json::from_str(include_str!("../tests/data/losses.json")).expect("numbers");
        let numbers = |value: &Value| serde_json::from_value::<Vec<f64>>(value.clone()).expect("numbers");
        let labels: Vec<u32> = numbers(&golden["labels"]).iter().map(|label| *label as u32).collect();
        let classes = numbers(&Value::from(vec![golden["classes"].clone()]))[0] as usize;
        let cases = golden["cases"].as_array().expect("cases");
        assert_eq!(cases.len(), 12);
        for case in cases {
            let [smoothing, share, loss] =
                ["smoothing", "share", "loss"].map(|key| case[key].as_f64().expect("a number"));
            let logits: Vec<f32> = numbers(&case["logits"]).iter().map(|logit| *logit as f32).collect();
            let targets = soft_labels(&labels, classes, smoothing, share);
            let (found, gradient) = blocked::soft_cross_entropy(&logits, &targets, labels.len());
            let on = |values: Vec<f32>| Tensor::from_vec(values, (labels.len(), classes), &Device::Cpu);
            let (other, on_device) = device::soft_cross_entropy(&on(logits)?, &on(targets)?)?;
            for found in [found, other.to_scalar()?] {
                assert!((f64::from(found) / loss - 1.0).abs() < 2e-6, "loss {found}, expected {loss}");
            }
            let on_device = on_device.flatten_all()?.to_vec1::<f32>()?;
            for (at, expected) in numbers(&case["gradient"]).into_iter().enumerate() {
                let apart = [gradient[at], on_device[at]].map(|found| (f64::from(found) - expected).abs());
                // Targets are f32: 6e-8 of a fifth.
                assert!(apart[0] < 2e-8 && apart[1] < 1e-7, "{expected} missed by {apart:?} at {share}");
            }
        }
        Ok(())
    }
}
