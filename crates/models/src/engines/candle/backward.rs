//! The backward pass.

use candle_core::{Result, Tensor};
use kernels::device::{self, channel_sums, per_channel};

use super::{
    arrays,
    engine::{Engine, Named, Pass, indices},
    tape::{Kept, Statistics, Tape},
    tokens::{self, Seen},
};
use crate::{
    graph::{ArrayOp, parameter},
    plan::{Kind, Purpose, Slot, Step},
};

/// The gradients of a pass.
#[derive(Debug, Default)]
pub(super) struct Gradients {
    /// By parameter name; empty unless they were wanted. Those of linear layers have the shape of a kernel.
    pub(super) parameters: Named,
    /// (N, 3, H, W), with respect to pixels in [0, 1], if it was wanted.
    pub(super) pixels: Option<Tensor>,
}

impl Gradients {
    /// Keeps the gradient of a parameter, or adds it to what another step that reads the parameter has left.
    fn add(&mut self, name: String, gradient: Tensor) -> Result<()> {
        let sum = match self.parameters.remove(&name) {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        };
        self.parameters.insert(name, sum);
        Ok(())
    }
}

/// Goes back through a tape from the gradient of the logits, (N, classes, 1, 1).
pub(super) fn run(engine: &Engine, tape: Tape, logits: Tensor, pass: Pass<'_>) -> Result<Gradients> {
    let plan = engine.plan(pass.purpose);
    let mut gradients: Vec<Option<Tensor>> = (0..plan.slots).map(|_| None).collect();
    gradients[plan.logits] = Some(logits);
    let mut run = Backward { engine, pass, tape, gradients, found: Gradients::default() };
    for step in plan.steps.iter().rev() {
        // Readers come later in the plan: nobody needs this value any more.
        run.tape.values[step.out] = None;
        run.step(step)?;
    }
    Ok(run.found)
}

struct Backward<'a> {
    engine: &'a Engine,
    pass: Pass<'a>,
    tape: Tape,
    /// What later steps have left, by slot; summed where a value has several readers.
    gradients: Vec<Option<Tensor>>,
    found: Gradients,
}

impl Backward<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        let out = step.out;
        let Some(g) = self.gradients[out].take() else { return Ok(()) };
        let kept = self.tape.kept.remove(&out);
        match &step.kind {
            Kind::Normalise => self.pixels(&g),
            Kind::Convolution { .. } => self.convolution(step, g, kept),
            Kind::BatchNorm { .. } => self.batch_norm(step, g, kept),
            Kind::MaxPool { x, window } => {
                let Some(Kept::Windows(seen, y)) = kept else { unreachable!("a pool keeps what it saw") };
                self.leave(*x, device::max_pool_gradient(&seen, &y, &g, *window)?)
            }
            Kind::Mean { x, means } => {
                let &[.., height, width] = self.tape.dims[x].as_slice() else {
                    unreachable!("values have four dimensions")
                };
                let cells = means.cells([height, width]).expect("the forward pass had them");
                self.leave(*x, device::mean_pool_gradient(&g, &cells, [height, width])?)
            }
            Kind::LeakyRelu { x, .. } | Kind::Dropout { x, .. } => {
                let g = if let Some(Kept::Factor(factor)) = kept { g.broadcast_mul(&factor)? } else { g };
                self.leave(*x, g)
            }
            Kind::Nonlinear { x, function } => {
                let gradient = device::nonlinearity_gradient(self.tape.value(*x), &g, *function)?;
                self.leave(*x, gradient)
            }
            Kind::ScalePlanes { x, by } => {
                let of_planes = g.broadcast_mul(self.tape.value(*by))?;
                let of_factors = (g * self.tape.value(*x))?.sum_keepdim(3)?.sum_keepdim(2)?;
                self.leave(*x, of_planes)?;
                self.leave(*by, of_factors)
            }
            Kind::Channels { x, channels } => {
                let zeros = Tensor::zeros(self.tape.dims[x].as_slice(), g.dtype(), g.device())?;
                self.leave(*x, zeros.index_add(&indices(channels, g.device())?, &g.contiguous()?, 1)?)
            }
            Kind::Sum { x, y } => {
                self.leave(*x, g.clone())?;
                self.leave(*y, g)
            }
            Kind::Tokens { x, op } => {
                let left = if let Some(Kept::Standard(left)) = &kept { Some(left) } else { None };
                let seen = Seen { dims: &self.tape.dims[x], x: self.tape.values[*x].as_ref(), left };
                let (dx, parameters) = tokens::backward(self.pass, op, &g, seen)?;
                parameters.into_iter().try_for_each(|(name, gradient)| self.found.add(name, gradient))?;
                self.leave(*x, dx)
            }
            Kind::Array { inputs, op, .. } => self.array(inputs, op, &g),
            Kind::Concatenate { inputs } => self.branches(inputs, &g),
        }
    }

    /// Adds a gradient to what a slot has already.
    fn leave(&mut self, slot: Slot, gradient: Tensor) -> Result<()> {
        self.gradients[slot] = Some(match self.gradients[slot].take() {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        });
        Ok(())
    }

    fn array(&mut self, inputs: &[Slot], op: &ArrayOp, g: &Tensor) -> Result<()> {
        for input in 0..inputs.len() {
            let seen: Vec<arrays::Seen<'_>> = inputs
                .iter()
                .map(|x| arrays::Seen { dims: &self.tape.dims[x], x: self.tape.values[*x].as_ref() })
                .collect();
            if let Some(dx) = arrays::backward(self.pass, (op, input), g, &seen)? {
                self.leave(inputs[input], dx)?;
            }
        }
        Ok(())
    }

    /// To each input the gradient of its channels.
    fn branches(&mut self, inputs: &[Slot], g: &Tensor) -> Result<()> {
        let mut first = 0;
        for &x in inputs {
            let channels = self.tape.dims[&x][1];
            self.leave(x, g.narrow(1, first, channels)?.contiguous()?)?;
            first += channels;
        }
        Ok(())
    }

    fn keep(&mut self, module: &str, name: &str, gradient: Tensor) -> Result<()> {
        self.found.add(parameter(module, name), gradient)
    }

    /// Through ReLU, the sum, the bias and the weights, which hold those of a batch-norm where no parameter's gradient is wanted.
    fn convolution(&mut self, step: &Step, g: Tensor, kept: Option<Kept>) -> Result<()> {
        let Kind::Convolution { x, module, shape, epilogue } = &step.kind else {
            unreachable!("a convolution")
        };
        let g = if let Some(Kept::Gate(y)) = kept { device::relu_gradient(&y, &g)? } else { g };
        let convolution = self.engine.convolution(&self.tape.dims[x], *shape)?;
        if let Some(module) = module.as_ref().filter(|_| self.pass.wants_parameters()) {
            let gradient = convolution.weight_gradient(self.tape.value(*x), &g)?;
            self.keep(module, "weight", gradient)?;
            if epilogue.as_ref().is_some_and(|epilogue| epilogue.bias) {
                self.keep(module, "bias", channel_sums(&g)?)?;
            }
        }
        if self.engine.plan(self.pass.purpose).wants_gradient(*x, self.pass.purpose) {
            let (weight, _) = &self.pass.filters.0[&step.out];
            self.leave(*x, convolution.input_gradient(weight, &g)?)?;
        }
        let residual = epilogue.as_ref().and_then(|epilogue| epilogue.residual);
        residual.map_or(Ok(()), |residual| self.leave(residual, g))
    }

    fn batch_norm(&mut self, step: &Step, g: Tensor, kept: Option<Kept>) -> Result<()> {
        let Kind::BatchNorm { x, norm, residual, .. } = &step.kind else { unreachable!("a batch-norm") };
        let Some(Kept::Norm(gate, statistics)) = kept else { unreachable!("a batch-norm keeps what it saw") };
        let g = if let Some(y) = gate { device::relu_gradient(&y, &g)? } else { g };
        let gamma = self.pass.weight(&norm.module, "weight");
        let dx = match statistics {
            Statistics::Batch(moments) => {
                let seen = self.tape.value(*x);
                let (dx, dgamma, dbeta) = match self.pass.shares_statistics() {
                    None => device::batch_norm_gradient(seen, &g, gamma, &moments, norm.settings.epsilon)?,
                    Some(shared) => {
                        let standard = device::standard_values(seen, &moments)?;
                        let (dgamma, dbeta) = device::batch_norm_sums(&standard, &g)?;
                        let all = shared.sums(&[&dgamma, &dbeta])?;
                        let sums = [&all[0], &all[1]];
                        let dx = device::batch_norm_input_gradient(&standard, &g, gamma, &moments, sums)?;
                        (dx, dgamma, dbeta)
                    }
                };
                if let Some(bias) = &norm.bias {
                    // What it adds, the statistics of the batch take away again.
                    self.keep(bias, "bias", dbeta.zeros_like()?)?;
                }
                self.keep(&norm.module, "weight", dgamma)?;
                self.keep(&norm.module, "bias", dbeta)?;
                dx
            }
            Statistics::Running(mean, inverse_std) => {
                let scale = (per_channel(gamma)? * &inverse_std)?;
                if self.pass.wants_parameters() {
                    let seen = self.tape.value(*x);
                    let standard = seen.broadcast_sub(&mean)?.broadcast_mul(&inverse_std)?;
                    let (dgamma, dbeta) = (channel_sums(&(&g * standard)?)?, channel_sums(&g)?);
                    if let Some(bias) = &norm.bias {
                        self.keep(bias, "bias", (&dbeta * scale.flatten_all()?)?)?;
                    }
                    self.keep(&norm.module, "weight", dgamma)?;
                    self.keep(&norm.module, "bias", dbeta)?;
                }
                g.broadcast_mul(&scale)?
            }
        };
        self.leave(*x, dx)?;
        residual.map_or(Ok(()), |residual| self.leave(residual, g))
    }

    /// Back through the normaliser: a division by std.
    fn pixels(&mut self, g: &Tensor) -> Result<()> {
        if self.pass.purpose == Purpose::Pixels {
            self.found.pixels = Some(g.broadcast_div(&self.engine.normaliser[1])?);
        }
        Ok(())
    }
}
