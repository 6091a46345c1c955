//! Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), by PyTorch's update rule.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};
use kernels::device::blend;

use crate::{decay::Decay, sgd::same_shape};

/// The optimiser: for each parameter p with gradient g, at its step t (from 1),
///
/// m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
/// p ← (1 − rate · decay) p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε),
///
/// with m = v = 0 before the first step. It is what `torch.optim.AdamW` computes, in f32.
#[derive(Debug, Clone)]
pub struct AdamW {
    /// f32, so that the factors of the means are exactly what is left of 1.
    betas: [f32; 2],
    epsilon: f64,
    decay: Decay,
    moments: BTreeMap<String, [Tensor; 2]>,
}

impl AdamW {
    /// An optimiser that has not made a step.
    pub fn new(betas: [f64; 2], epsilon: f64, decay: impl Into<Decay>) -> Self {
        let betas = betas.map(|beta| beta as f32);
        Self { betas, epsilon, decay: decay.into(), moments: BTreeMap::new() }
    }

    /// The running means of g and g² by parameter; empty before the first step.
    pub fn moments(&self) -> &BTreeMap<String, [Tensor; 2]> {
        &self.moments
    }

    /// Continues from the running means of an earlier optimiser.
    pub fn set_moments(&mut self, moments: BTreeMap<String, [Tensor; 2]>) {
        self.moments = moments;
    }

    /// Moves the parameters that have a gradient, on their device; `done` is how many steps came before.
    ///
    /// # Errors
    /// If a gradient has another shape than its parameter.
    pub fn step(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        gradients: &BTreeMap<String, Tensor>,
        rate: f64,
        done: u64,
    ) -> Result<()> {
        let corrections = self.betas.map(|beta| 1.0 - f64::from(beta).powf(done as f64 + 1.0));
        for (name, parameter) in parameters {
            let Some(gradient) = gradients.get(name) else { continue };
            same_shape(name, parameter, gradient)?;
            let [mean, square] = match self.moments.remove(name) {
                // What was resumed comes from a file.
                Some([mean, square]) => {
                    [mean.to_device(parameter.device())?, square.to_device(parameter.device())?]
                }
                None => [gradient.zeros_like()?, gradient.zeros_like()?],
            };
            let [first, second] = self.betas;
            blend(&mean, first, gradient, 1.0 - first)?;
            blend(&square, second, &gradient.sqr()?, 1.0 - second)?;
            let size = square.sqrt()?.affine(corrections[1].sqrt().recip(), self.epsilon)?;
            let keep = 1.0 - rate * self.decay.of(name, parameters);
            blend(parameter, keep as f32, &(&mean / size)?, (-rate / corrections[0]) as f32)?;
            self.moments.insert(name.clone(), [mean, square]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// The first step is as long as the rate, whatever the gradient: m and v are then g and g².
    #[test]
    fn the_first_step_has_the_length_of_the_rate() -> Result<()> {
        let parameters = BTreeMap::from([("p".to_owned(), Var::new(&[1f32, 1.0, 1.0], &Device::Cpu)?)]);
        let gradient = Tensor::new(&[1e-3f32, -40.0, 0.0], &Device::Cpu)?;
        let gradients = BTreeMap::from([("p".to_owned(), gradient)]);
        let mut adam = AdamW::new([0.9, 0.999], 1e-8, 0.5);
        adam.step(&parameters, &gradients, 0.1, 0)?;
        for (found, expected) in parameters["p"].to_vec1::<f32>()?.iter().zip([0.85, 1.05, 0.95]) {
            assert!((found - expected).abs() < 2e-6, "{found} {expected}");
        }
        Ok(())
    }

    #[test]
    fn a_gradient_of_another_shape_is_refused() -> Result<()> {
        let parameters = BTreeMap::from([("p".to_owned(), Var::new(&[1f32, 2.0], &Device::Cpu)?)]);
        let gradients = BTreeMap::from([("p".to_owned(), Tensor::new(&[2f32], &Device::Cpu)?)]);
        assert!(AdamW::new([0.9, 0.999], 1e-8, 0.0).step(&parameters, &gradients, 0.1, 0).is_err());
        Ok(())
    }
}
