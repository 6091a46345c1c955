//! The backward pass.

use std::collections::BTreeMap;

use kernels::blocked::{self, Blocked, Combine};

use super::{
    Engine, Mode, Pass, Purpose, Tape,
    forward::{planes, rows},
    plan::{Kind, Slot},
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
        let planes = (0..plan.slots).map(|_| None).collect();
        let mut run =
            Backward { engine: self, pass, tape, planes, rows: BTreeMap::new(), found: Gradients::default() };
        run.rows.insert(plan.logits, logits.to_vec());
        for step in plan.steps.iter().rev() {
            // Readers come later in the plan: nobody needs this value any more.
            let value = run.tape.values[step.out]
                .take_if(|_| !matches!(step.kind, Kind::Mean { .. } | Kind::Linear { .. }));
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
    rows: BTreeMap<Slot, Vec<f32>>,
    found: Gradients,
}

impl Backward<'_> {
    fn step(&mut self, out: Slot, kind: &Kind) {
        match kind {
            Kind::Linear { x, module } => self.linear(out, *x, module),
            Kind::Mean { x } => {
                let g = self.rows.remove(&out).expect("a gradient of the latent features");
                let spread = blocked::spread_mean(&g, self.tape.dims[x], &self.engine.arena);
                self.leave(*x, spread);
            }
            Kind::BatchNorm { x, module, bias, residual, .. } => {
                self.batch_norm(out, *x, (module, bias.as_deref()), *residual);
            }
            Kind::MaxPool { x, .. } => {
                let (g, winners) = (self.take(out), self.tape.winners.remove(&out));
                let winners = winners.expect("the forward pass has kept what this step needs");
                let gradient = blocked::max_pool_gradient(&g, &winners, &self.engine.arena);
                self.engine.arena.recycle(g);
                self.leave(*x, gradient);
            }
            Kind::Folded { x, residual, .. } => self.folded(out, *x, *residual),
            Kind::Convolution { x, module, .. } => self.convolution(out, *x, module.as_deref()),
            Kind::Normalise => self.pixels(out),
        }
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

    fn linear(&mut self, out: Slot, x: Slot, module: &str) {
        let g = self.rows.remove(&out).expect("a gradient of the logits");
        let pass = self.pass;
        let weight = pass.weight(module, "weight");
        let classes = g.len() / self.tape.images;
        let features = weight.len() / classes;
        if self.pass.purpose == Purpose::Parameters {
            let latent = rows(&self.tape.values[x]);
            let weight_gradient = outer_sum(&g, latent, classes, features);
            let bias_gradient = (0..classes).map(|c| g.iter().skip(c).step_by(classes).sum()).collect();
            self.keep(module, "weight", weight_gradient);
            self.keep(module, "bias", bias_gradient);
        }
        let row = |g: &[f32]| {
            (0..features)
                .map(|f| (0..classes).map(|c| g[c] * weight[c * features + f]).sum::<f32>())
                .collect::<Vec<_>>()
        };
        self.rows.insert(x, g.chunks(classes).flat_map(row).collect());
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

    /// Through ReLU, the sum and a convolution that holds its batch-norm.
    fn folded(&mut self, out: Slot, x: Slot, residual: Option<Slot>) {
        let mut g = self.take(out);
        if let Some(mask) = self.tape.masks.remove(&out) {
            blocked::gate(&mut g, &mask, self.engine.path);
            self.engine.arena.recycle_mask(mask);
        }
        let convolution = &self.pass.packed.convolutions[&out];
        let gradient = convolution.input_gradient(&g, self.tape.dims[&x], &self.engine.arena);
        self.leave(x, gradient);
        match residual {
            Some(residual) => self.leave(residual, g),
            None => self.engine.arena.recycle(g),
        }
    }

    fn convolution(&mut self, out: Slot, x: Slot, module: Option<&str>) {
        let g = self.take(out);
        let convolution = &self.pass.packed.convolutions[&out];
        if let Some(module) = module.filter(|_| self.pass.purpose == Purpose::Parameters) {
            let gradient = convolution.weight_gradient(planes(&self.tape.values[x]), &g, &self.engine.arena);
            self.keep(module, "weight", gradient);
        }
        if self.pass.purpose == Purpose::Pixels || !self.engine.reads_pixels(x) {
            let gradient = convolution.input_gradient(&g, self.tape.dims[&x], &self.engine.arena);
            self.leave(x, gradient);
        }
        self.engine.arena.recycle(g);
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

/// Σ over images of g[c] · x[f]: (classes, features).
fn outer_sum(g: &[f32], x: &[f32], classes: usize, features: usize) -> Vec<f32> {
    let mut sums = vec![0f64; classes * features];
    for (g, x) in g.chunks(classes).zip(x.chunks(features)) {
        for (sums, &g) in sums.chunks_mut(features).zip(g) {
            sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += f64::from(g) * f64::from(x));
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}
