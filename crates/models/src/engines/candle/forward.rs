//! The forward pass.

use candle_core::{Result, Shape, Tensor};
use kernels::device::{self, BatchMoments, per_channel};

use super::{
    arrays,
    engine::{Engine, Pass, indices},
    tape::{Kept, Statistics, Tape},
    tokens,
};
use crate::{
    dropout,
    plan::{Dropped, Epilogue, Kind, Mode, Norm, Slot, Step},
};

/// Runs the network. The tape holds what the purpose needs.
pub(super) fn run(engine: &Engine, pixels: &Tensor, pass: Pass<'_>) -> Result<Tape> {
    run_watched(engine, pixels, pass, &mut |_, _| Ok(()))
}

/// The same, with a look at each value as soon as it is there.
pub(super) fn run_watched(
    engine: &Engine,
    pixels: &Tensor,
    pass: Pass<'_>,
    watch: &mut dyn FnMut(Slot, &Tensor) -> Result<()>,
) -> Result<Tape> {
    let plan = engine.plan(pass.purpose);
    let mut run = Forward { engine, pass, tape: Tape::new(plan.slots) };
    for (index, step) in plan.steps.iter().enumerate() {
        let value = run.step(step, pixels)?;
        watch(step.out, &value)?;
        run.tape.dims.insert(step.out, value.dims().to_vec());
        run.tape.values[step.out] = Some(value);
        for slot in plan.frees_after(index, pass.purpose) {
            run.tape.values[slot] = None;
        }
    }
    Ok(run.tape)
}

struct Forward<'a> {
    engine: &'a Engine,
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
            Kind::Convolution { x, shape, epilogue, .. } => {
                let x = self.tape.value(*x);
                let (weight, shift) = &self.pass.filters.0[&out];
                let y = self.engine.convolution(x.dims(), *shape)?.forward(x, weight)?;
                self.finish(out, y, shift.as_ref(), epilogue.as_ref())
            }
            Kind::BatchNorm { x, norm, residual, relu } => self.batch_norm(out, *x, norm, *residual, *relu),
            Kind::MaxPool { x, window } => {
                let x = self.tape.value(*x).clone();
                let y = device::max_pool(&x, *window)?;
                self.keep(out, || Ok(Kept::Windows(x, y.clone())))?;
                Ok(y)
            }
            Kind::Mean { x, means } => {
                let x = self.tape.value(*x);
                let (_, _, height, width) = x.dims4()?;
                let cells = means.cells([height, width]).expect("`Plans::fits` was asked");
                device::mean_pool(x, &cells)
            }
            Kind::LeakyRelu { x, slope } => self.leaky_relu(out, *x, f64::from(*slope)),
            Kind::Nonlinear { x, function } => device::nonlinearity(self.tape.value(*x), *function),
            Kind::ScalePlanes { x, by } => self.tape.value(*x).broadcast_mul(self.tape.value(*by)),
            Kind::Channels { x, channels } => {
                let x = self.tape.value(*x);
                x.index_select(&indices(channels, x.device())?, 1)
            }
            Kind::Sum { x, y } => self.tape.value(*x) + self.tape.value(*y),
            Kind::Dropout { x, rate, dropped } => self.dropout(out, *x, *rate, *dropped),
            Kind::Tokens { x, op } => {
                let (y, left) = tokens::forward(self.pass, op, self.tape.value(*x))?;
                if let Some(left) = left {
                    self.keep(out, || Ok(Kept::Standard(left)))?;
                }
                Ok(y)
            }
            Kind::Array { inputs, op, size } => {
                let inputs: Vec<&Tensor> = inputs.iter().map(|&x| self.tape.value(x)).collect();
                arrays::forward(self.pass, op, &inputs, *size, pixels.dim(0)?)
            }
            Kind::Concatenate { inputs } => {
                let inputs: Vec<&Tensor> = inputs.iter().map(|&x| self.tape.value(x)).collect();
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
        epilogue: Option<&Epilogue>,
    ) -> Result<Tensor> {
        let y = shift.map_or(Ok(y.clone()), |shift| y.broadcast_add(shift))?;
        let Some(epilogue) = epilogue else { return Ok(y) };
        let y = self.add(y, epilogue.residual)?;
        if !epilogue.relu {
            return Ok(y);
        }
        let y = y.relu()?;
        self.keep(out, || Ok(Kept::Gate(y.clone())))?;
        Ok(y)
    }

    fn add(&self, y: Tensor, residual: Option<Slot>) -> Result<Tensor> {
        residual.map_or(Ok(y.clone()), |slot| y + self.tape.value(slot))
    }

    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        norm: &Norm,
        residual: Option<Slot>,
        relu: bool,
    ) -> Result<Tensor> {
        let (module, epsilon, x) = (norm.module.as_str(), norm.settings.epsilon, self.tape.value(x).clone());
        let (gamma, beta) = (self.pass.weight(module, "weight"), self.pass.weight(module, "bias"));
        // The bias is not in the values: means are recorded with it and used without.
        let bias = norm.bias.as_ref().map(|module| self.pass.weight(module, "bias"));
        let (y, statistics) = match self.pass.mode {
            Mode::Train => {
                let (y, moments) = match self.pass.shares_statistics() {
                    None => device::batch_norm(&x, gamma, beta, epsilon)?,
                    Some(shared) => {
                        let moments = shared.moments(&device::batch_moments(&x, epsilon)?, epsilon)?;
                        (device::batch_norm_of(&x, gamma, beta, &moments)?, moments)
                    }
                };
                let mean = bias.map_or(Ok(moments.mean.clone()), |bias| &moments.mean + bias)?;
                self.tape.moments.push((norm.clone(), BatchMoments { mean, ..moments.clone() }));
                (y, Statistics::Batch(moments))
            }
            Mode::Evaluate => {
                let running = self.pass.weight(module, "running_mean");
                let mean = per_channel(&bias.map_or(Ok(running.clone()), |bias| running - bias)?)?;
                let variance = self.pass.weight(module, "running_var");
                let inverse_std = per_channel(&(variance + epsilon)?.sqrt()?.recip()?)?;
                let scale = (per_channel(gamma)? * &inverse_std)?;
                let shift = (per_channel(beta)? - (&mean * &scale)?)?;
                (x.broadcast_mul(&scale)?.broadcast_add(&shift)?, Statistics::Running(mean, inverse_std))
            }
        };
        let y = self.add(y, residual)?;
        let y = if relu { y.relu()? } else { y };
        self.keep(out, || Ok(Kept::Norm(relu.then(|| y.clone()), statistics)))?;
        Ok(y)
    }

    /// max(x, 0) + slope · min(x, 0).
    fn leaky_relu(&mut self, out: Slot, x: Slot, slope: f64) -> Result<Tensor> {
        let x = self.tape.value(x);
        let is_positive = x.gt(0f32)?.to_dtype(x.dtype())?;
        let factor = is_positive.affine(1.0 - slope, slope)?;
        let y = (x * &factor)?;
        self.keep(out, || Ok(Kept::Factor(factor)))?;
        Ok(y)
    }

    /// While statistics stand still, nothing. What is dropped is drawn on the host.
    fn dropout(&mut self, out: Slot, x: Slot, rate: f32, dropped: Dropped) -> Result<Tensor> {
        let x = self.tape.value(x).clone();
        if self.pass.mode == Mode::Evaluate {
            return Ok(x);
        }
        let (images, scale) = (x.dim(0)?, 1.0 / (1.0 - rate));
        let first = self.pass.shared.map_or(0, |shared| shared.share.first_block());
        let shape = match dropped {
            Dropped::Values => x.shape().clone(),
            Dropped::Images => Shape::from((images, 1, 1, 1)),
        };
        let kept = dropout::Kept::new(self.pass.key, out, rate).of_images(
            first,
            images,
            shape.elem_count() / images,
        );
        let factors: Vec<f32> = kept.into_iter().map(|kept| if kept { scale } else { 0.0 }).collect();
        let factor = Tensor::from_vec(factors, shape, &self.engine.device)?;
        let y = x.broadcast_mul(&factor)?;
        self.keep(out, || Ok(Kept::Factor(factor)))?;
        Ok(y)
    }

    /// Keeps what the way back needs, if there is one.
    fn keep(&mut self, out: Slot, kept: impl FnOnce() -> Result<Kept>) -> Result<()> {
        if self.pass.purpose.goes_back() {
            self.tape.kept.insert(out, kept()?);
        }
        Ok(())
    }
}
