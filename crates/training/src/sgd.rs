//! Stochastic gradient descent with momentum and weight decay, by PyTorch's update rule.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var};
use rayon::prelude::*;

/// The optimiser: for each parameter p with gradient g,
///
/// g ← g + decay · p;  b ← momentum · b + g (the first time b ← g);  p ← p − rate · b.
///
/// Every parameter decays, those of batch-norm too, as with PyTorch's `SGD(model.parameters(), …)`.
#[derive(Debug, Clone, Default)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    buffers: BTreeMap<String, Tensor>,
}

impl Sgd {
    /// An optimiser that has not made a step.
    pub fn new(momentum: f64, weight_decay: f64) -> Self {
        Self { momentum, weight_decay, buffers: BTreeMap::new() }
    }

    /// The momentum buffers by parameter; empty before the first step.
    pub fn buffers(&self) -> &BTreeMap<String, Tensor> {
        &self.buffers
    }

    /// Continues from the buffers of an earlier optimiser.
    pub fn set_buffers(&mut self, buffers: BTreeMap<String, Tensor>) {
        self.buffers = buffers;
    }

    /// Moves the parameters that have a gradient, on their device; on the CPU nothing is allocated after the first step.
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
            if gradient.shape() != parameter.shape() {
                candle_core::bail!(
                    "gradient of `{name}` is {:?}, expected {:?}",
                    gradient.shape(),
                    parameter.shape()
                );
            }
            let is_first = !self.buffers.contains_key(name);
            let buffer = match self.buffers.remove(name) {
                // What was resumed comes from a file.
                Some(buffer) => buffer.to_device(parameter.device())?,
                None => parameter.as_detached_tensor().zeros_like()?,
            };
            let momentum = if is_first { 0.0 } else { self.momentum as f32 };
            let accumulate = Accumulate { momentum, decay: self.weight_decay as f32 };
            let buffer = if parameter.device().is_cpu() {
                buffer.inplace_op3(&gradient.contiguous()?, parameter, &accumulate)?;
                parameter.inplace_op2(&buffer, &Move { rate: rate as f32 })?;
                buffer
            } else {
                step_of_tensors(&buffer, gradient, parameter, &accumulate, rate)?
            };
            self.buffers.insert(name.clone(), buffer);
        }
        Ok(())
    }
}

/// The rule in operations that every device has; returns the new buffer.
fn step_of_tensors(
    buffer: &Tensor,
    gradient: &Tensor,
    parameter: &Var,
    Accumulate { momentum, decay }: &Accumulate,
    rate: f64,
) -> Result<Tensor> {
    let before = parameter.as_detached_tensor();
    let decayed = (gradient + before.affine(f64::from(*decay), 0.0)?)?;
    let buffer = (buffer.affine(f64::from(*momentum), 0.0)? + decayed)?;
    parameter.set(&(before - buffer.affine(rate, 0.0)?)?)?;
    Ok(buffer)
}

/// Values that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// b ← momentum · b + g + decay · p.
struct Accumulate {
    momentum: f32,
    decay: f32,
}

impl InplaceOp3 for Accumulate {
    fn name(&self) -> &'static str {
        "sgd-accumulate"
    }

    fn cpu_fwd(
        &self,
        buffer: &mut CpuStorage,
        to: &Layout,
        gradient: &CpuStorage,
        from: &Layout,
        parameter: &CpuStorage,
        at: &Layout,
    ) -> Result<()> {
        let (g, p) = (values(gradient, from)?, values(parameter, at)?);
        let b = values_mut(buffer, to)?;
        b.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK)).zip(p.par_chunks(CHUNK)).for_each(|((b, g), p)| {
            for ((b, &g), &p) in b.iter_mut().zip(g).zip(p) {
                *b = self.momentum * *b + (g + self.decay * p);
            }
        });
        Ok(())
    }
}

/// p ← p − rate · b.
struct Move {
    rate: f32,
}

impl InplaceOp2 for Move {
    fn name(&self) -> &'static str {
        "sgd-move"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        to: &Layout,
        buffer: &CpuStorage,
        from: &Layout,
    ) -> Result<()> {
        let b = values(buffer, from)?;
        let p = values_mut(parameter, to)?;
        p.par_chunks_mut(CHUNK).zip(b.par_chunks(CHUNK)).for_each(|(p, b)| {
            p.iter_mut().zip(b).for_each(|(p, &b)| *p -= self.rate * b);
        });
        Ok(())
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) = span(layout)?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (start, end) = span(layout)?;
    match storage {
        CpuStorage::F32(values) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("parameters are f32"),
    }
}

fn span(layout: &Layout) -> Result<(usize, usize)> {
    layout.contiguous_offsets().ok_or_else(|| candle_core::Error::Msg("parameters are contiguous".into()))
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

    /// What other devices run, beside the step in place.
    #[test]
    fn operations_of_tensors_follow_the_same_rule() -> Result<()> {
        let values = |seed: u32| (0..100).map(move |i| ((i * seed) as f32).sin()).collect::<Vec<_>>();
        let variable = || Var::from_vec(values(3), 100, &Device::Cpu);
        let gradient = Tensor::from_vec(values(7), 100, &Device::Cpu)?;
        let (fast, plain) = (variable()?, variable()?);
        let mut sgd = Sgd::new(0.9, 5e-4);
        let parameters = BTreeMap::from([("p".to_owned(), fast.clone())]);
        let gradients = BTreeMap::from([("p".to_owned(), gradient.clone())]);
        let mut buffer = gradient.zeros_like()?;
        for step in 0..3 {
            sgd.step(&parameters, &gradients, 0.1)?;
            let how = Accumulate { momentum: if step == 0 { 0.0 } else { 0.9 }, decay: 5e-4 };
            buffer = step_of_tensors(&buffer, &gradient, &plain, &how, 0.1)?;
        }
        let apart = (fast.as_tensor() - plain.as_tensor())?.abs()?.max(0)?.to_scalar::<f32>()?;
        assert!(apart < 1e-6, "{apart}");
        assert_ne!(plain.to_vec1::<f32>()?, values(3));
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
