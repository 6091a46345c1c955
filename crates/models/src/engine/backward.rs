//! The backward pass.

use std::collections::BTreeMap;

use kernels::blocked::{self, Blocked, Combine, Convolution, Joined, Mask};

use super::{
    Engine, Mode, Pass, Purpose, Tape,
    forward::planes,
    plan::{Kind, Slot, Tail},
};

/// The gradients of a pass.
#[derive(Debug, Default)]
pub(crate) struct Gradients {
    /// By parameter name, in the parameters' own order; empty unless they were wanted.
    pub(crate) parameters: BTreeMap<String, Vec<f32>>,
    /// (N, 3, H, W), with respect to pixels in [0, 1]; empty unless it was wanted.
    pub(crate) pixels: Vec<f32>,
}

impl Engine {
    /// Goes back through a tape from the gradient of the logits, (N, classes).
    pub(crate) fn backward(&self, tape: Tape, logits: &[f32], pass: Pass<'_>) -> Gradients {
        let plan = self.plan(pass.purpose);
        let mut planes: Vec<Option<Blocked>> = (0..plan.slots).map(|_| None).collect();
        planes[plan.logits] = Some(Blocked::from_nchw(logits, tape.dims[&plan.logits], &self.arena));
        let mut run = Backward { engine: self, pass, tape, planes, found: Gradients::default() };
        for step in plan.steps.iter().rev() {
            // Readers come later in the plan: nobody needs this value any more.
            let value = run.tape.values[step.out].take();
            self.recycle(value);
            run.step(step.out, &step.kind);
        }
        run.found
    }
}

struct Backward<'a> {
    engine: &'a Engine,
    pass: Pass<'a>,
    tape: Tape,
    /// Gradients of planes that later steps have left, by slot; summed where a value has several readers.
    planes: Vec<Option<Blocked>>,
    found: Gradients,
}

impl Backward<'_> {
    fn step(&mut self, out: Slot, kind: &Kind) {
        let arena = &self.engine.arena;
        match kind {
            Kind::Mean { x, means } => {
                let (g, dims) = (self.take(out), self.tape.dims[x]);
                let cells = means.cells([dims.height, dims.width]).expect("the forward pass had them");
                let gradient = blocked::mean_pool_gradient(&g, &cells, arena);
                arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::BatchNorm { x, module, bias, residual, .. } => {
                self.batch_norm(out, *x, (module, bias.as_deref()), *residual);
            }
            Kind::MaxPool { x, .. } => {
                let (g, winners) = (self.take(out), self.tape.winners.remove(&out));
                let winners = winners.expect("the forward pass has kept what this step needs");
                let gradient = blocked::max_pool_gradient(&g, &winners, arena);
                arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::Rectify { x, slope } => {
                let path = self.engine.path;
                self.through_mask(out, *x, |g, mask| blocked::rectify_gradient(g, mask, *slope, path));
            }
            Kind::Dropout { x, rate } => {
                let path = self.engine.path;
                self.through_mask(out, *x, |g, mask| blocked::dropout_gradient(g, mask, *rate, path));
            }
            Kind::Concatenate { inputs } => self.branches(out, inputs),
            Kind::Convolution { x, module, tail, .. } => {
                self.convolution(out, *x, module.as_deref(), tail.as_ref());
            }
            Kind::Normalise => self.pixels(out),
        }
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
            blocked::accumulate(sum, &gradient, self.engine.path);
            self.engine.arena.recycle(gradient);
        } else {
            self.planes[slot] = Some(gradient);
        }
    }

    fn take(&mut self, slot: Slot) -> Blocked {
        self.planes[slot].take().expect("a later step has left a gradient")
    }

    fn keep(&mut self, module: &str, name: &str, gradient: Vec<f32>) {
        self.found.parameters.insert(format!("{module}.{name}"), gradient);
    }

    /// With x̂ the standardised input: dγ = Σ g x̂, dβ = Σ g, dx = γ/σ · (g − mean(g) − x̂ · mean(g x̂)), or γ/σ · g where the
    /// statistics are not the batch's.
    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        (module, bias): (&str, Option<&str>),
        residual: Option<Slot>,
    ) {
        let (path, g) = (self.engine.path, self.take(out));
        let mut norm = self.tape.norms.remove(&out).expect("the forward pass has kept what this step needs");
        let mask = norm.mask.take();
        let mut how =
            Combine { mask: mask.as_ref(), x: None, a: &norm.scale, has_residual: residual.is_some() };
        let (b, c): (Vec<f32>, Vec<f32>);
        if self.pass.purpose == Purpose::Parameters {
            let values = planes(&self.tape.values[x]);
            let sums = blocked::channel_sums(&g, how.mask, values, &norm.mean, path);
            let count = (values.dims().images * values.dims().pixels()) as f64;
            let inverse = |channel: usize| f64::from(norm.inverse_std[channel]);
            let factor = |channel: usize, product: f64| {
                -f64::from(norm.scale[channel]) * inverse(channel).powi(2) * product / count
            };
            let constant = |(channel, (product, sum)): (usize, &(f64, f64))| {
                -f64::from(norm.scale[channel]) * sum / count
                    - factor(channel, *product) * f64::from(norm.mean[channel])
            };
            b = sums
                .iter()
                .enumerate()
                .map(|(channel, (product, _))| factor(channel, *product) as f32)
                .collect();
            c = sums.iter().enumerate().map(|entry| constant(entry) as f32).collect();
            let gamma = sums
                .iter()
                .enumerate()
                .map(|(channel, (product, _))| (product * inverse(channel)) as f32)
                .collect();
            if let Some(bias) = bias {
                // What it adds, the statistics of the batch take away again.
                let counts = self.pass.mode == Mode::Evaluate;
                let share = |(scale, (_, sum)): (&f32, &(f64, f64))| {
                    if counts { (f64::from(*scale) * sum) as f32 } else { 0.0 }
                };
                self.keep(bias, "bias", norm.scale.iter().zip(&sums).map(share).collect());
            }
            self.keep(module, "weight", gamma);
            self.keep(module, "bias", sums.iter().map(|(_, sum)| *sum as f32).collect());
            if self.pass.mode == Mode::Train {
                how.x = Some((planes(&self.tape.values[x]), &b, &c));
            }
        }
        let (gradient, gated) = blocked::combine(g, how, path, &self.engine.arena);
        if let Some(mask) = mask {
            self.engine.arena.recycle_mask(mask);
        }
        self.leave(x, gradient);
        if let (Some(residual), Some(gated)) = (residual, gated) {
            self.leave(residual, gated);
        }
    }

    /// Through ReLU if no reader has been there already, the sum, the bias and the weights, which hold those of a batch-norm where no
    /// parameter's gradient is wanted.
    fn convolution(&mut self, out: Slot, x: Slot, module: Option<&str>, tail: Option<&Tail>) {
        let (mut g, path) = (self.take(out), self.engine.path);
        if let Some(mask) = self.tape.masks.remove(&out) {
            blocked::gate(&mut g, &mask, path);
            self.engine.arena.recycle_mask(mask);
        }
        let convolution = &self.pass.packed.convolutions[&out];
        if let Some(module) = module.filter(|_| self.pass.purpose == Purpose::Parameters) {
            let gradient = convolution.weight_gradient(planes(&self.tape.values[x]), &g, &self.engine.arena);
            self.keep(module, "weight", gradient);
            if tail.is_some_and(|tail| tail.bias) {
                let sums = blocked::channel_sums(&g, None, &g, &vec![0.0; g.dims().channels], path);
                self.keep(module, "bias", sums.iter().map(|(_, sum)| *sum as f32).collect());
            }
        }
        if self.pass.purpose == Purpose::Pixels || !self.engine.reads_pixels(x) {
            self.input_gradient(out, x, convolution, &g);
        }
        match tail.and_then(|tail| tail.residual) {
            Some(residual) => self.leave(residual, g),
            None => self.engine.arena.recycle(g),
        }
    }

    /// Leaves the gradient of a convolution's input, joined with what others have left, and gated if it is the last to come.
    fn input_gradient(&mut self, out: Slot, x: Slot, convolution: &Convolution, g: &Blocked) {
        let (dims, arena, others) = (self.tape.dims[&x], &self.engine.arena, self.planes[x].take());
        let is_last = self.engine.plan(self.pass.purpose).completes(out, x);
        let gate = is_last.then(|| self.tape.masks.remove(&x)).flatten();
        let joined = Joined { others: others.as_ref(), gate: gate.as_ref() };
        self.planes[x] = Some(convolution.input_gradient_joined(g, dims, joined, arena));
        self.engine.recycle(others);
        gate.into_iter().for_each(|gate| arena.recycle_mask(gate));
    }

    /// Back through the normaliser: a division by std.
    fn pixels(&mut self, out: Slot) {
        if self.pass.purpose != Purpose::Pixels {
            return;
        }
        let g = self.take(out);
        let size = g.dims().pixels();
        self.found.pixels = g.to_nchw();
        let std = self.engine.normaliser.std();
        for (index, plane) in self.found.pixels.chunks_mut(size).enumerate() {
            plane.iter_mut().for_each(|value| *value /= std[index % std.len()]);
        }
        self.engine.arena.recycle(g);
    }
}
