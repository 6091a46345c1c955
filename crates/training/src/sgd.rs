//! Stochastic gradient descent with momentum and weight decay, by PyTorch's update rule.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};
use kernels::device::{accumulate, blend};

use crate::decay::Decay;

/// The optimiser: for each parameter p with gradient g,
///
/// g ← g + decay · p;  b ← momentum · b + g (the first time b ← g);  p ← p − rate · b.
///
/// Every parameter decays, those of batch-norm too, as with PyTorch's `SGD(model.parameters(), …)`, unless the [`Decay`] leaves some out.
#[derive(Debug, Clone, Default)]
pub struct Sgd {
    momentum: f64,
    decay: Decay,
    buffers: BTreeMap<String, Tensor>,
}

impl Sgd {
    /// An optimiser that has not made a step.
    pub fn new(momentum: f64, decay: impl Into<Decay>) -> Self {
        Self { momentum, decay: decay.into(), buffers: BTreeMap::new() }
    }

    /// The momentum buffers by parameter; empty before the first step.
    pub fn buffers(&self) -> &BTreeMap<String, Tensor> {
        &self.buffers
    }

    /// Continues from the buffers of an earlier optimiser.
    pub fn set_buffers(&mut self, buffers: BTreeMap<String, Tensor>) {
        self.buffers = buffers;
    }

    /// Moves the parameters that have a gradient, on their device; nothing is allocated after the first step.
    ///
    /// # Errors
    /// If a gradient has another shape than its parameter.
    pub fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &BTreeMap<String, Tensor>,
        rate: f64,
    ) -> Result<()> {
        for (name, parameter) in parameters {
            let Some(gradient) = gradients.get(name) else { continue };
            same_shape(name, parameter, gradient)?;
            let is_first = !self.buffers.contains_key(name);
            let buffer = match self.buffers.remove(name) {
                // What was resumed comes from a file.
                Some(buffer) => buffer.to_device(parameter.device())?,
                None => parameter.as_detached_tensor().zeros_like()?,
            };
            let momentum = if is_first { 0.0 } else { self.momentum as f32 };
            let decay = self.decay.of(name, parameters) as f32;
            accumulate(&buffer, momentum, gradient, parameter, decay)?;
            blend(parameter, 1.0, &buffer, -rate as f32)?;
            self.buffers.insert(name.clone(), buffer);
        }
        Ok(())
    }
}

pub(crate) fn same_shape(name: &str, parameter: &Var, gradient: &Tensor) -> Result<()> {
    if gradient.shape() != parameter.shape() {
        candle_core::bail!(
            "gradient of `{name}` is {:?}, expected {:?}",
            gradient.shape(),
            parameter.shape()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Three steps by hand: p = 1, g = 2, momentum ½, decay 0.1, rate 0.1.
    #[test]
    fn steps_follow_pytorchs_rule() -> Result<()> {
        let parameter = Var::new(&[1f32], &Device::Cpu)?;
        let parameters = BTreeMap::from([("p".to_owned(), parameter.clone())]);
        let gradients = BTreeMap::from([("p".to_owned(), Tensor::new(&[2f32], &Device::Cpu)?)]);
        let mut sgd = Sgd::new(0.5, 0.1);
        let (mut p, mut b) = (1f64, 0f64);
        for step in 0..3 {
            sgd.step(&parameters, &gradients, 0.1)?;
            let g = 2.0 + 0.1 * p;
            b = if step == 0 { g } else { 0.5 * b + g };
            p -= 0.1 * b;
            assert!((f64::from(parameter.to_vec1::<f32>()?[0]) - p).abs() < 1e-6, "step {step}");
        }
        assert!((f64::from(sgd.buffers()["p"].to_vec1::<f32>()?[0]) - b).abs() < 1e-6);
        Ok(())
    }

    #[test]
    fn a_gradient_of_another_shape_is_refused() -> Result<()> {
        let parameters = BTreeMap::from([("p".to_owned(), Var::new(&[1f32, 2.0], &Device::Cpu)?)]);
        let gradients = BTreeMap::from([("p".to_owned(), Tensor::new(&[2f32], &Device::Cpu)?)]);
        assert!(Sgd::new(0.9, 0.0).step(&parameters, &gradients, 0.1).is_err());
        Ok(())
    }
}
