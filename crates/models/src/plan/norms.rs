//! Batch-norm as every engine computes it.

use std::collections::BTreeMap;

use super::step::Norm;
use crate::graph::parameter;

/// Values by PyTorch's names, borrowed for a pass.
pub(crate) type Weights<'a> = BTreeMap<&'a str, &'a [f32]>;

/// Batch-norm with the running statistics: x · scale + shift per channel.
pub(super) struct Affine {
    scale: Vec<f64>,
    pub(super) shift: Vec<f32>,
}

impl Affine {
    pub(super) fn from_weights(weights: &Weights<'_>, norm: &Norm) -> Self {
        let values = |name: &str| {
            let values = weights[parameter(&norm.module, name).as_str()];
            values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()
        };
        let (gamma, beta) = (values("weight"), values("bias"));
        let (mean, variance) = (values("running_mean"), values("running_var"));
        let scale: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| gamma / (variance + norm.settings.epsilon).sqrt())
            .collect();
        let shift = (0..scale.len()).map(|c| (beta[c] - mean[c] * scale[c]) as f32).collect();
        Self { scale, shift }
    }

    /// Adds what a convolution's bias comes to.
    pub(super) fn take_in(&mut self, weights: &Weights<'_>, bias: Option<&str>) {
        let Some(bias) = bias else { return };
        let bias = weights[format!("{bias}.bias").as_str()];
        for ((shift, scale), &bias) in self.shift.iter_mut().zip(&self.scale).zip(bias) {
            *shift = (f64::from(*shift) + scale * f64::from(bias)) as f32;
        }
    }

    /// Filters, (channels, …), with the scale of their channel.
    pub(super) fn fold(&self, weight: &[f32]) -> Vec<f32> {
        let filters = weight.chunks(weight.len() / self.scale.len());
        let scaled = |(filter, scale): (&[f32], &f64)| -> Vec<f32> {
            filter.iter().map(|&value| (f64::from(value) * scale) as f32).collect()
        };
        filters.zip(&self.scale).flat_map(scaled).collect()
    }
}
