//! The forward pass.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use kernels::device::{self, BatchMoments, per_channel};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Pass, TensorEngine};
use crate::{
    backend::{EPSILON, Mode, Purpose},
    engine::plan::{Kind, Slot, Step, Tail},
};

/// What a forward pass leaves behind.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// In training mode, the moments that each batch-norm saw, by module.
    pub(super) moments: Vec<(String, BatchMoments)>,
    /// Results of steps, for as long as they are needed.
    pub(super) values: Vec<Option<Tensor>>,
    /// What each step needs on the way back.
    pub(super) kept: BTreeMap<Slot, Kept>,
    /// Of each value.
    pub(super) dims: BTreeMap<Slot, Vec<usize>>,
}

/// What a step needs on the way back, besides the values that it read.
#[derive(Debug)]
pub(super) enum Kept {
    /// What came out of a ReLU.
    Gate(Tensor),
    /// Of a batch-norm: what came out if ReLU was its end, and what it saw.
    Norm(Option<Tensor>, Standard),
    /// What windows saw, and what came out.
    Windows(Tensor, Tensor),
    /// What a value's gradient is multiplied by.
    Factor(Tensor),
}

/// Where a batch-norm had its statistics from.
#[derive(Debug)]
pub(super) enum Standard {
    Batch(BatchMoments),
    /// Mean and 1 / σ, (1, C, 1, 1).
    Running(Tensor, Tensor),
}

impl TensorEngine {
    /// Runs the network. The tape holds what the purpose needs.
    pub(super) fn forward(&self, pixels: &Tensor, pass: Pass<'_>) -> Result<Tape> {
        let plan = self.plan(pass.purpose);
        let values = (0..plan.slots).map(|_| None).collect();
        let mut run = Forward { engine: self, pass, tape: Tape { values, ..Tape::default() } };
        for (index, step) in plan.steps.iter().enumerate() {
            let value = run.step(step, pixels)?;
            run.tape.dims.insert(step.out, value.dims().to_vec());
            run.tape.values[step.out] = Some(value);
            if pass.purpose != Purpose::Parameters {
                run.free_after(index);
            }
        }
        Ok(run.tape)
    }
}

struct Forward<'a> {
    engine: &'a TensorEngine,
    pass: Pass<'a>,
    tape: Tape,
}

impl Forward<'_> {
    fn step(&mut self, step: &Step, pixels: &Tensor) -> Result<Tensor> {
        let out = step.out;
        match &step.kind {
            Kind::Normalise => {
                let [mean, std] = &self.engine.normaliser;
                pixels.broadcast_sub(mean)?.broadcast_div(std)
            }
            Kind::Convolution { x, shape, tail, .. } => {
                let x = value(&self.tape, *x);
                let (weight, shift) = &self.pass.filters.0[&out];
                let y = self.engine.convolution(x.dims(), *shape)?.forward(x, weight)?;
                self.finish(out, y, shift.as_ref(), tail.as_ref())
            }
            Kind::BatchNorm { x, module, bias, residual, relu } => {
                self.batch_norm(out, *x, (module, bias.as_deref()), (*residual, *relu))
            }
            Kind::MaxPool { x, window } => {
                let x = value(&self.tape, *x).clone();
                let y = device::max_pool(&x, *window)?;
                self.keep(out, || Ok(Kept::Windows(x, y.clone())))?;
                Ok(y)
            }
            Kind::Mean { x, means } => {
                let x = value(&self.tape, *x);
                let (_, _, height, width) = x.dims4()?;
                let cells = means.cells([height, width]).expect("`Network::fits` was asked");
                device::mean_pool(x, &cells)
            }
            Kind::Rectify { x, slope } => self.rectify(out, *x, f64::from(*slope)),
            Kind::Dropout { x, rate } => self.dropout(out, *x, *rate),
            Kind::Concatenate { inputs } => {
                let inputs: Vec<&Tensor> = inputs.iter().map(|&x| value(&self.tape, x)).collect();
                Tensor::cat(&inputs, 1)
            }
        }
    }

    /// + shift + residual, then ReLU.
    fn finish(
        &mut self,
        out: Slot,
        y: Tensor,
        shift: Option<&Tensor>,
        tail: Option<&Tail>,
    ) -> Result<Tensor> {
        let y = shift.map_or(Ok(y.clone()), |shift| y.broadcast_add(shift))?;
        let Some(tail) = tail else { return Ok(y) };
        let y = self.add(y, tail.residual)?;
        if !tail.relu {
            return Ok(y);
        }
        let y = y.relu()?;
        self.keep(out, || Ok(Kept::Gate(y.clone())))?;
        Ok(y)
    }

    fn add(&self, y: Tensor, residual: Option<Slot>) -> Result<Tensor> {
        residual.map_or(Ok(y.clone()), |slot| y + value(&self.tape, slot))
    }

    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        (module, bias): (&str, Option<&str>),
        (residual, relu): (Option<Slot>, bool),
    ) -> Result<Tensor> {
        let x = value(&self.tape, x).clone();
        let (gamma, beta) = (self.pass.weight(module, "weight"), self.pass.weight(module, "bias"));
        // The bias is not in the values: means are told with it and taken without.
        let bias = bias.map(|module| self.pass.weight(module, "bias"));
        let (y, standard) = match self.pass.mode {
            Mode::Train => {
                let (y, moments) = device::batch_norm(&x, gamma, beta, EPSILON)?;
                let mean = bias.map_or(Ok(moments.mean.clone()), |bias| &moments.mean + bias)?;
                self.tape.moments.push((module.to_owned(), BatchMoments { mean, ..moments.clone() }));
                (y, Standard::Batch(moments))
            }
            Mode::Evaluate => {
                let running = self.pass.weight(module, "running_mean");
                let mean = per_channel(&bias.map_or(Ok(running.clone()), |bias| running - bias)?)?;
                let variance = self.pass.weight(module, "running_var");
                let inverse_std = per_channel(&(variance + EPSILON)?.sqrt()?.recip()?)?;
                let scale = (per_channel(gamma)? * &inverse_std)?;
                let shift = (per_channel(beta)? - (&mean * &scale)?)?;
                (x.broadcast_mul(&scale)?.broadcast_add(&shift)?, Standard::Running(mean, inverse_std))
            }
        };
        let y = self.add(y, residual)?;
        let y = if relu { y.relu()? } else { y };
        self.keep(out, || Ok(Kept::Norm(relu.then(|| y.clone()), standard)))?;
        Ok(y)
    }

    /// max(x, 0) + slope · min(x, 0).
    fn rectify(&mut self, out: Slot, x: Slot, slope: f64) -> Result<Tensor> {
        let x = value(&self.tape, x);
        let is_positive = x.gt(0f32)?.to_dtype(x.dtype())?;
        let factor = is_positive.affine(1.0 - slope, slope)?;
        let y = (x * &factor)?;
        self.keep(out, || Ok(Kept::Factor(factor)))?;
        Ok(y)
    }

    /// While statistics stand still, nothing. What is dropped is drawn on the host: the same on every device.
    fn dropout(&mut self, out: Slot, x: Slot, rate: f32) -> Result<Tensor> {
        let x = value(&self.tape, x).clone();
        if self.pass.mode == Mode::Evaluate {
            return Ok(x);
        }
        let key = self.pass.key ^ (out as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let (mut random, kept) = (ChaCha8Rng::seed_from_u64(key), 1.0 / (1.0 - rate));
        let draw = |_| if random.random::<f32>() < rate { 0.0 } else { kept };
        let factors: Vec<f32> = (0..x.elem_count()).map(draw).collect();
        let factor = Tensor::from_vec(factors, x.shape(), &self.engine.device)?;
        let y = (x * &factor)?;
        self.keep(out, || Ok(Kept::Factor(factor)))?;
        Ok(y)
    }

    /// Keeps what the way back needs, if there is one.
    fn keep(&mut self, out: Slot, kept: impl FnOnce() -> Result<Kept>) -> Result<()> {
        if self.pass.purpose != Purpose::Evaluation {
            self.tape.kept.insert(out, kept()?);
        }
        Ok(())
    }

    /// Frees what no later step reads.
    fn free_after(&mut self, index: usize) {
        let plan = self.engine.plan(self.pass.purpose);
        for (&slot, _) in plan.last_reads.iter().filter(|&(_, &last)| last == index) {
            self.tape.values[slot] = None;
        }
    }
}

pub(super) fn value(tape: &Tape, slot: Slot) -> &Tensor {
    tape.values[slot].as_ref().expect("a step reads values that an earlier one computed")
}
