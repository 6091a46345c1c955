//! The backward pass.

use std::{collections::BTreeMap, time::Instant};

use kernels::blocked::{
    self, BlockSums, Blocked, ChannelAffineGradient, Convolution, GradientEpilogue, Mask,
};

use super::{
    arrays,
    engine::{Engine, Pass},
    late::Late,
    leaving::{Leaving, Named},
    tape::{Statistics, Tape},
    tokens::{self, Seen},
};
use crate::{
    error::Error,
    graph::{ArrayOp, TokenOp, parameter},
    plan::{Epilogue, Kind, Mode, Norm, Purpose, Slot},
    stopwatch::{Direction, Ran},
};

/// The gradients of a pass.
#[derive(Debug, Default)]
pub(super) struct Gradients {
    /// By parameter name, in the parameters' own order; empty unless they were wanted.
    pub(super) parameters: BTreeMap<String, Vec<f32>>,
    /// (N, 3, H, W), with respect to pixels in [0, 1]; empty unless it was wanted.
    pub(super) pixels: Vec<f32>,
}

/// Goes back through a tape from the gradient of the logits, (N, classes).
pub(super) fn run(engine: &Engine, tape: Tape, logits: &[f32], pass: Pass<'_>) -> Result<Gradients, Error> {
    let plan = engine.plan(pass.purpose);
    let mut planes: Vec<Option<Blocked>> = (0..plan.slots).map(|_| None).collect();
    planes[plan.logits] = Some(Blocked::from_nchw(logits, tape.dims[&plan.logits], &engine.arena));
    let late = Late::new(pass.share, &engine.arena);
    let mut run = Backward { engine, pass, tape, planes, pixels: Vec::new(), late };
    for step in plan.steps.iter().rev() {
        // Readers come later in the plan: nobody needs this value any more.
        let value = run.tape.values[step.out].take();
        engine.recycle(value);
        let since = Instant::now();
        run.step(step.out, &step.kind)?;
        if let Some(stopwatch) = engine.stopwatch.get() {
            let reads = step.kind.reads().first().copied();
            let from = reads.map_or(run.tape.dims[&step.out], |slot| run.tape.dims[&slot]);
            let of_input = reads.is_some_and(|slot| plan.wants_gradient(slot, pass.purpose));
            let gradients = u64::from(of_input) + u64::from(pass.purpose == Purpose::Parameters);
            let ran = Ran { since, from, to: run.tape.dims[&step.out], gradients };
            stopwatch.add(Direction::Backward, step, ran);
        }
    }
    Ok(Gradients { parameters: run.late.finish()?, pixels: run.pixels })
}

struct Backward<'a> {
    engine: &'a Engine,
    pass: Pass<'a>,
    tape: Tape,
    /// Gradients of planes that later steps have left, by slot; summed where a value has several readers.
    planes: Vec<Option<Blocked>>,
    pixels: Vec<f32>,
    late: Late<'a>,
}

impl<'a> Backward<'a> {
    fn step(&mut self, out: Slot, kind: &'a Kind) -> Result<(), Error> {
        let (arena, instructions) = (&self.engine.arena, self.engine.instructions);
        if self.planes[out].is_none() {
            // Nothing that the loss depends on has read it.
            return Ok(());
        }
        match kind {
            Kind::Mean { x, means } => {
                let (g, dims) = (self.take(out), self.tape.dims[x]);
                let cells = means.cells([dims.height, dims.width]).expect("the forward pass had them");
                let gradient = blocked::mean_pool_gradient(&g, &cells, arena);
                arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::BatchNorm { x, norm, residual, .. } => self.batch_norm(out, *x, norm, *residual)?,
            Kind::MaxPool { x, .. } => {
                let (g, winners) = (self.take(out), self.tape.winners.remove(&out));
                let winners = winners.expect("the forward pass has kept what this step needs");
                let gradient = blocked::max_pool_gradient(&g, &winners, arena);
                arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::LeakyRelu { x, slope } => {
                self.through_mask(out, *x, |g, mask| {
                    blocked::leaky_relu_gradient(g, mask, *slope, instructions);
                });
            }
            Kind::Nonlinear { x, function } => {
                let mut g = self.take(out);
                blocked::nonlinearity_gradient(&mut g, self.tape.value(*x), *function, instructions);
                self.leave(*x, g);
            }
            Kind::ScalePlanes { x, by } => {
                let (planes, factors) = (self.tape.value(*x), self.tape.value(*by));
                let g = self.planes[out].take().expect("a later step has left a gradient");
                let (of_planes, of_factors) =
                    blocked::scale_planes_gradient(g, planes, factors, instructions, arena);
                self.leave(*x, of_planes);
                self.leave(*by, of_factors);
            }
            Kind::Channels { x, channels } => {
                let (g, of) = (self.take(out), self.tape.dims[x].channels);
                let gradient = blocked::choose_channels_gradient(&g, channels, of, arena);
                arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::Sum { x, y } => {
                let g = self.take(out);
                self.leave(*x, blocked::concatenate(&[&g], arena));
                self.leave(*y, g);
            }
            Kind::Dropout { x, rate, .. } => {
                self.through_mask(out, *x, |g, mask| blocked::dropout_gradient(g, mask, *rate, instructions));
            }
            Kind::Tokens { x, op } => self.tokens(out, *x, op)?,
            Kind::Array { inputs, op, .. } => self.array(out, inputs, op),
            Kind::Concatenate { inputs } => self.branches(out, inputs),
            Kind::Convolution { x, module, epilogue, .. } => {
                self.convolution(out, *x, module.as_deref(), epilogue.as_ref())?;
            }
            Kind::Normalise => self.pixels(out),
        }
        Ok(())
    }

    fn array(&mut self, out: Slot, inputs: &[Slot], op: &ArrayOp) {
        let g = self.take(out);
        for input in 0..inputs.len() {
            let seen: Vec<arrays::Seen<'_>> = inputs
                .iter()
                .map(|x| arrays::Seen { dims: self.tape.dims[x], x: self.tape.values[*x].as_ref() })
                .collect();
            let others = self.planes[inputs[input]].take();
            let dx = arrays::backward(self.engine, self.pass, (op, input), &g, &seen, others);
            self.planes[inputs[input]] = dx;
        }
        self.engine.arena.recycle(g);
    }

    fn tokens(&mut self, out: Slot, x: Slot, op: &'a TokenOp) -> Result<(), Error> {
        let (g, moments) = (self.take(out), self.tape.pixel_moments.remove(&out));
        let (dims, value) = (self.tape.dims[&x], self.tape.values[x].as_ref());
        let seen = Seen { dims, x: value, moments: moments.as_ref() };
        let (dx, leavings) = tokens::backward(self.engine, self.pass, op, g, seen);
        leavings.into_iter().try_for_each(|leaving| self.late.leave(leaving))?;
        self.leave(x, dx);
        Ok(())
    }

    /// Changes the gradient in place by the mask that the forward pass kept, if it kept one.
    fn through_mask(&mut self, out: Slot, x: Slot, change: impl Fn(&mut Blocked, &Mask)) {
        let mut g = self.take(out);
        if let Some(mask) = self.tape.masks.remove(&out) {
            change(&mut g, &mask);
            self.engine.arena.recycle_mask(mask);
        }
        self.leave(x, g);
    }

    /// To each input the gradient of its channels.
    fn branches(&mut self, out: Slot, inputs: &[Slot]) {
        let g = self.take(out);
        let mut first = 0;
        for &x in inputs {
            let channels = self.tape.dims[&x].channels;
            let part = blocked::some_channels(&g, first, channels, &self.engine.arena);
            self.leave(x, part);
            first += channels;
        }
        self.engine.arena.recycle(g);
    }

    /// Adds a gradient to what a slot has already.
    fn leave(&mut self, slot: Slot, gradient: Blocked) {
        if let Some(sum) = &mut self.planes[slot] {
            blocked::accumulate(sum, &gradient, self.engine.instructions);
            self.engine.arena.recycle(gradient);
        } else {
            self.planes[slot] = Some(gradient);
        }
    }

    fn take(&mut self, slot: Slot) -> Blocked {
        self.planes[slot].take().expect("a later step has left a gradient")
    }

    /// With x̂ the standardised input: dγ = Σ g x̂, dβ = Σ g, dx = γ/σ · (g − mean(g) − x̂ · mean(g x̂)), or γ/σ · g where the
    /// statistics are not the batch's.
    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        norm: &'a Norm,
        residual: Option<Slot>,
    ) -> Result<(), Error> {
        let (instructions, g) = (self.engine.instructions, self.take(out));
        let statistics = self.tape.statistics.remove(&out);
        let mut statistics = statistics.expect("the forward pass has kept what this step needs");
        let mask = statistics.mask.take();
        let mut terms = ChannelAffineGradient {
            mask: mask.as_ref(),
            x: None,
            a: &statistics.scale,
            has_residual: residual.is_some(),
        };
        let (b, c): (Vec<f32>, Vec<f32>);
        if self.pass.purpose == Purpose::Parameters {
            let values = self.tape.value(x);
            let sums = blocked::channel_sums(&g, terms.mask, values, &statistics.mean, instructions);
            let (sums, images) = self.pass.statistics(sums, values.dims().images)?;
            let sums = sums.pairs();
            (b, c) = input_factors(&statistics, &sums, (images * values.dims().pixels()) as f64);
            self.keep_norm(norm, &statistics, &sums)?;
            if self.pass.mode == Mode::Train {
                terms.x = Some((self.tape.value(x), &b, &c));
            }
        }
        let (gradient, gated) = blocked::channel_affine_gradient(g, terms, instructions, &self.engine.arena);
        if let Some(mask) = mask {
            self.engine.arena.recycle_mask(mask);
        }
        self.leave(x, gradient);
        if let (Some(residual), Some(gated)) = (residual, gated) {
            self.leave(residual, gated);
        }
        Ok(())
    }

    /// Keeps the gradients of γ and β, and of the bias of the convolution before, from Σ g x̂ σ and Σ g per channel.
    fn keep_norm(
        &mut self,
        norm: &'a Norm,
        statistics: &Statistics,
        sums: &[(f64, f64)],
    ) -> Result<(), Error> {
        let of_channel =
            |(&(product, sum), &inverse): (&(f64, f64), &f32)| [product * f64::from(inverse), sum];
        let own = sums.iter().zip(&statistics.inverse_std).flat_map(of_channel).collect();
        // What the bias adds, the statistics of the batch take away again.
        let counts = self.pass.mode == Mode::Evaluate;
        let scale = norm.bias.as_ref().map_or_else(Vec::new, |_| statistics.scale.clone());
        self.late.leave(self.pass.of_statistics(own, move |all| {
            let (sums, (gamma, beta)) = (all.pairs(), all.single_pairs());
            let share = |(scale, (_, sum)): (&f32, &(f64, f64))| {
                if counts { (f64::from(*scale) * sum) as f32 } else { 0.0 }
            };
            let bias = norm.bias.as_ref().map(|bias| {
                (parameter(bias, "bias"), scale.iter().zip(&sums).map(share).collect::<Vec<f32>>())
            });
            let own = [(parameter(&norm.module, "weight"), gamma), (parameter(&norm.module, "bias"), beta)];
            bias.into_iter().chain(own).collect::<Named>()
        }))
    }

    /// Through ReLU if no reader has been there already, the sum, the bias and the weights, which hold those of a batch-norm where no
    /// parameter's gradient is wanted.
    fn convolution(
        &mut self,
        out: Slot,
        x: Slot,
        module: Option<&'a str>,
        epilogue: Option<&Epilogue>,
    ) -> Result<(), Error> {
        let (mut g, instructions) = (self.take(out), self.engine.instructions);
        if let Some(mask) = self.tape.masks.remove(&out) {
            blocked::gate(&mut g, &mask, instructions);
            self.engine.arena.recycle_mask(mask);
        }
        let (convolution, arena) = (&self.pass.packed.convolutions[&out], &self.engine.arena);
        let module = module.filter(|_| self.pass.purpose == Purpose::Parameters);
        let mut begun = None;
        if let Some(module) = module {
            let (name, value) = (parameter(module, "weight"), self.tape.value(x));
            match self.pass.share {
                Some(share) => begun = Some((share, share.begin((name, convolution), value, &g, arena)?)),
                None => {
                    let gradient = convolution.weight_gradient(value, &g, arena);
                    self.late.leave(Leaving::one(name, gradient))?;
                }
            }
        }
        if self.engine.plan(self.pass.purpose).wants_gradient(x, self.pass.purpose) {
            self.input_gradient(out, x, convolution, &g);
        }
        // What it needs of others has travelled meanwhile.
        if let Some((share, begun)) = begun {
            self.late.leave(share.end(begun, self.tape.value(x), &g, arena)?)?;
        }
        if let Some(module) = module.filter(|_| epilogue.is_some_and(|epilogue| epilogue.bias)) {
            let sums = blocked::channel_sums(&g, None, &g, &vec![0.0; g.dims().channels], instructions);
            let made = |all: &BlockSums| vec![(parameter(module, "bias"), all.single_pairs().1)];
            self.late.leave(Leaving::sums(sums, made))?;
        }
        match epilogue.and_then(|epilogue| epilogue.residual) {
            Some(residual) => self.leave(residual, g),
            None => arena.recycle(g),
        }
        Ok(())
    }

    /// Leaves the gradient of a convolution's input, joined with what others have left, and gated if it is the last to come.
    fn input_gradient(&mut self, out: Slot, x: Slot, convolution: &Convolution, g: &Blocked) {
        let (dims, arena, others) = (self.tape.dims[&x], &self.engine.arena, self.planes[x].take());
        let is_last = self.engine.plan(self.pass.purpose).completes(out, x);
        let gate = is_last.then(|| self.tape.masks.remove(&x)).flatten();
        let joined = GradientEpilogue { others: others.as_ref(), gate: gate.as_ref() };
        self.planes[x] = Some(convolution.input_gradient_with_epilogue(g, dims, joined, arena));
        self.engine.recycle(others);
        gate.into_iter().for_each(|gate| arena.recycle_mask(gate));
    }

    /// Back through the normaliser: a division by std.
    fn pixels(&mut self, out: Slot) {
        if self.pass.purpose != Purpose::Pixels {
            return;
        }
        let (g, arena) = (self.take(out), &self.engine.arena);
        let a = &self.engine.normaliser.std().map(|std| 1.0 / std);
        let terms = ChannelAffineGradient { mask: None, x: None, a, has_residual: false };
        let (g, _) = blocked::channel_affine_gradient(g, terms, self.engine.instructions, arena);
        self.pixels = g.to_nchw();
        arena.recycle(g);
    }
}

/// With the batch's statistics, dx = scale · g + b · x + c per channel: b and c from Σ g (x − mean) and Σ g.
fn input_factors(statistics: &Statistics, sums: &[(f64, f64)], count: f64) -> (Vec<f32>, Vec<f32>) {
    let Statistics { mean, inverse_std, scale, .. } = statistics;
    let factor = |channel: usize, product: f64| {
        -f64::from(scale[channel]) * f64::from(inverse_std[channel]).powi(2) * product / count
    };
    let both = |(channel, &(product, sum)): (usize, &(f64, f64))| {
        let factor = factor(channel, product);
        let constant = -f64::from(scale[channel]) * sum / count - factor * f64::from(mean[channel]);
        (factor as f32, constant as f32)
    };
    sums.iter().enumerate().map(both).unzip()
}
