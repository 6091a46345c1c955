//! The forward pass.

use std::collections::BTreeMap;

use kernels::blocked::{self, After, Blocked, Convolution, Dims, Finish, Mask, Moments, Winners};

use super::{
    EPSILON, Engine, Mode, Norm, Pass, Pixels, Purpose, Value,
    plan::{Kind, Slot, Step},
};

/// What a forward pass leaves behind.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(crate) images: usize,
    /// (N, features).
    pub(crate) latent: Vec<f32>,
    /// (N, classes).
    pub(crate) logits: Vec<f32>,
    /// In training mode, the moments that each batch-norm saw, by module.
    pub(crate) moments: Vec<(String, Vec<Moments>)>,
    pub(super) values: Vec<Option<Value>>,
    pub(super) norms: BTreeMap<Slot, Norm>,
    /// What ReLU let through after folded convolutions.
    pub(super) masks: BTreeMap<Slot, Mask>,
    pub(super) dims: BTreeMap<Slot, Dims>,
    pub(super) winners: BTreeMap<Slot, Winners>,
}

impl Engine {
    /// Runs the network. The tape holds what the purpose needs.
    pub(crate) fn forward(&self, pixels: Pixels<'_>, pass: Pass<'_>) -> Tape {
        let mut run = Forward { engine: self, pass, tape: self.tape(pixels.dims.images) };
        let plan = self.plan(pass.purpose);
        for (index, step) in plan.steps.iter().enumerate() {
            let value = run.step(step, pixels);
            if let Value::Planes(planes) = &value {
                run.tape.dims.insert(step.out, planes.dims());
            }
            run.tape.values[step.out] = Some(value);
            if pass.purpose != Purpose::Parameters {
                run.free_after(index);
            }
        }
        let mut tape = run.tape;
        tape.latent = rows(&tape.values[plan.latent]).to_vec();
        tape.logits = rows(&tape.values[plan.logits]).to_vec();
        tape
    }

    fn tape(&self, images: usize) -> Tape {
        let values = (0..self.plan.slots).map(|_| None).collect();
        let (norms, masks, dims) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (latent, logits, moments) = (Vec::new(), Vec::new(), Vec::new());
        let winners = BTreeMap::new();
        Tape { images, latent, logits, moments, values, norms, masks, dims, winners }
    }

    pub(super) fn recycle(&self, value: Option<Value>) {
        if let Some(Value::Planes(planes)) = value {
            self.arena.recycle(planes);
        }
    }
}

/// A batch-norm, and the convolution before it that has a bias.
#[derive(Clone, Copy)]
struct NormOf<'a> {
    module: &'a str,
    bias: Option<&'a str>,
}

struct Forward<'a> {
    engine: &'a Engine,
    pass: Pass<'a>,
    tape: Tape,
}

impl Forward<'_> {
    fn step(&mut self, step: &Step, pixels: Pixels<'_>) -> Value {
        let arena = &self.engine.arena;
        match &step.kind {
            Kind::Normalise => Value::Planes(self.normalise(pixels)),
            Kind::Convolution { x, .. } => {
                Value::Planes(self.convolution(step.out).forward(planes(&self.tape.values[*x]), arena))
            }
            Kind::Folded { x, residual, relu, .. } => {
                Value::Planes(self.folded(step.out, *x, *residual, *relu))
            }
            Kind::BatchNorm { x, module, bias, residual, relu } => {
                let norm = NormOf { module, bias: bias.as_deref() };
                Value::Planes(self.batch_norm(step.out, *x, norm, *residual, *relu))
            }
            Kind::MaxPool { x, window } => {
                let x = planes(&self.tape.values[*x]);
                let (y, winners) = blocked::max_pool(x, *window, arena);
                if self.pass.purpose != Purpose::Evaluation {
                    self.tape.winners.insert(step.out, winners);
                }
                Value::Planes(y)
            }
            Kind::Mean { x } => Value::Rows(blocked::mean_over_pixels(planes(&self.tape.values[*x]))),
            Kind::Linear { x, module } => {
                let (weight, bias) = (self.pass.weight(module, "weight"), self.pass.weight(module, "bias"));
                Value::Rows(linear(rows(&self.tape.values[*x]), weight, bias))
            }
        }
    }

    /// (x − mean) / std per channel.
    fn normalise(&self, pixels: Pixels<'_>) -> Blocked {
        let normaliser = &self.engine.normaliser;
        let raw = Blocked::from_nchw(pixels.values, pixels.dims, &self.engine.arena);
        let scale = normaliser.std().map(|std| 1.0 / std);
        let shift: Vec<f32> =
            normaliser.mean().iter().zip(scale).map(|(mean, scale)| -mean * scale).collect();
        let how = Finish { scale: &scale, shift: &shift, residual: None, relu: false };
        let (normalised, _) = blocked::finish(&raw, how, self.engine.path, &self.engine.arena);
        self.engine.arena.recycle(raw);
        normalised
    }

    fn convolution(&self, out: Slot) -> &Convolution {
        &self.pass.packed.convolutions[&out]
    }

    fn folded(&mut self, out: Slot, x: Slot, residual: Option<Slot>, relu: bool) -> Blocked {
        let residual = residual.map(|slot| planes(&self.tape.values[slot]));
        let after = After { shift: &self.pass.packed.shifts[&out], residual, relu };
        let x = planes(&self.tape.values[x]);
        let (y, mask) = self.convolution(out).forward_finished(x, after, &self.engine.arena);
        match mask {
            Some(mask) if self.pass.purpose == Purpose::Pixels => {
                self.tape.masks.insert(out, mask);
            }
            Some(mask) => self.engine.arena.recycle_mask(mask),
            None => {}
        }
        y
    }

    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        NormOf { module, bias }: NormOf<'_>,
        residual: Option<Slot>,
        relu: bool,
    ) -> Blocked {
        let (path, arena) = (self.engine.path, &self.engine.arena);
        // The bias is not in the values: means are told with it and taken without.
        let bias = bias.map(|module| doubles(self.pass.weight(module, "bias")));
        let bias = |channel: usize| bias.as_ref().map_or(0.0, |bias| bias[channel]);
        let x = planes(&self.tape.values[x]);
        let (mean, variance): (Vec<f64>, Vec<f64>) = match self.pass.mode {
            Mode::Train => {
                let moments = blocked::moments(x, path);
                let both = moments.iter().map(|m| (m.mean, m.variance)).unzip();
                let with_bias = |(c, m): (usize, Moments)| Moments { mean: m.mean + bias(c), ..m };
                let moments = moments.into_iter().enumerate().map(with_bias).collect();
                self.tape.moments.push((module.to_owned(), moments));
                both
            }
            Mode::Evaluate => {
                let running = doubles(self.pass.weight(module, "running_mean")).into_iter().enumerate();
                let mean = running.map(|(channel, mean)| mean - bias(channel)).collect();
                (mean, doubles(self.pass.weight(module, "running_var")))
            }
        };
        let inverse_std: Vec<f64> = variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        let gamma = doubles(self.pass.weight(module, "weight"));
        let scale: Vec<f64> =
            gamma.iter().zip(&inverse_std).map(|(gamma, inverse)| gamma * inverse).collect();
        let beta = doubles(self.pass.weight(module, "bias"));
        let shift: Vec<f32> = (0..beta.len()).map(|c| (beta[c] - mean[c] * scale[c]) as f32).collect();
        let (mean, inverse_std, scale) = (singles(&mean), singles(&inverse_std), singles(&scale));
        let residual = residual.map(|slot| planes(&self.tape.values[slot]));
        let how = Finish { scale: &scale, shift: &shift, residual, relu };
        let (y, mask) = blocked::finish(x, how, path, arena);
        if self.pass.purpose != Purpose::Evaluation {
            self.tape.norms.insert(out, Norm { mean, inverse_std, scale, mask });
        }
        y
    }

    /// Frees the planes that no later step reads.
    fn free_after(&mut self, index: usize) {
        let plan = self.engine.plan(self.pass.purpose);
        for (&slot, _) in plan.last_reads.iter().filter(|&(_, &last)| last == index) {
            if matches!(self.tape.values[slot], Some(Value::Planes(_))) {
                let value = self.tape.values[slot].take();
                self.engine.recycle(value);
            }
        }
    }
}

pub(super) fn planes(value: &Option<Value>) -> &Blocked {
    match value {
        Some(Value::Planes(planes)) => planes,
        _ => unreachable!("a step reads planes that an earlier one computed"),
    }
}

pub(super) fn rows(value: &Option<Value>) -> &[f32] {
    match value {
        Some(Value::Rows(rows)) => rows,
        _ => unreachable!("a step reads rows that an earlier one computed"),
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// (N, features) → (N, classes).
fn linear(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let features = weight.len() / bias.len();
    let score = |row: &[f32], class: usize| {
        let products =
            row.iter().zip(&weight[class * features..]).map(|(x, w)| f64::from(*x) * f64::from(*w));
        (products.sum::<f64>() + f64::from(bias[class])) as f32
    };
    x.chunks(features).flat_map(|row| (0..bias.len()).map(move |class| score(row, class))).collect()
}
