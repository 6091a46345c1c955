//! Cross-entropy of logits against labels.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::{
    argument::{Argument, Values, constant, contiguous},
    error::KernelError,
};

/// The mean over a batch of −ln softmax(logits)(label), in nats: a scalar.
///
/// `logits` is (N, classes), `labels` has N entries below the number of classes. Computed in f64 with the
/// largest logit taken off first, so no logit overflows. The gradient is (softmax − one-hot) / N.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if the logits are not f32 on the CPU, labels
/// and rows differ in number, or a label is out of range.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let logits = Tensor::new(&[[0f32, 0.0], [1e4, 0.0]], &Device::Cpu)?;
/// let loss = kernels::cross_entropy(&logits, &[1, 0])?.to_scalar::<f32>()?;
/// assert!((loss - 2f32.ln() / 2.0).abs() < 1e-7);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn cross_entropy(logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let argument = Argument::new("cross_entropy", "logits", logits)?;
    let [rows, classes] = argument.dims("(N, classes)")?;
    if rows != labels.len() {
        return Err(argument.wrong_shape(format!("({}, classes): a row per label", labels.len())));
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        return Err(KernelError::Label { op: "cross_entropy", label, row, classes }.into());
    }
    logits.contiguous()?.apply_op1(CrossEntropy { labels: labels.to_vec(), classes })
}

struct CrossEntropy {
    labels: Vec<u32>,
    classes: usize,
}

impl CrossEntropy {
    fn rows<'a>(&'a self, logits: &'a [f32]) -> impl Iterator<Item = (&'a [f32], usize)> {
        logits.chunks_exact(self.classes).zip(self.labels.iter().map(|&label| label as usize))
    }

    fn loss(&self, logits: &[f32]) -> f32 {
        let total: f64 = self
            .rows(logits)
            .map(|(row, label)| {
                let (largest, exponentials) = exponentials(row);
                exponentials.iter().sum::<f64>().ln() - (f64::from(row[label]) - largest)
            })
            .sum();
        (total / self.labels.len() as f64) as f32
    }

    fn gradient(&self, logits: &[f32], scale: f64) -> Vec<f32> {
        let mut gradient = Vec::with_capacity(logits.len());
        for (row, label) in self.rows(logits) {
            let (_, exponentials) = exponentials(row);
            let sum: f64 = exponentials.iter().sum();
            gradient.extend(exponentials.iter().enumerate().map(|(class, exponential)| {
                let target = f64::from(u8::from(class == label));
                (scale * (exponential / sum - target)) as f32
            }));
        }
        gradient
    }
}

/// The largest logit m, and exp(x − m) of each.
fn exponentials(row: &[f32]) -> (f64, Vec<f64>) {
    let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    (largest, row.iter().map(|&x| (f64::from(x) - largest).exp()).collect())
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![self.loss(contiguous(logits, layout)?)]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let scale = f64::from(g.to_scalar::<f32>()?) / self.labels.len() as f64;
        let values = Values::of(logits);
        constant(self.gradient(values.slice()?, scale), logits.shape()).map(Some)
    }
}
