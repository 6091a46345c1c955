//! The forward pass.

use std::collections::BTreeMap;

use kernels::blocked::{self, After, Blocked, Convolution, Dims, Finish, Mask, Moments, Winners};

use super::{
    EPSILON, Engine, Mode, Norm, Pass, Pixels, Purpose,
    plan::{Kind, Slot, Step, Tail},
};

/// What a forward pass leaves behind.
#[derive(Debug)]
pub(crate) struct Tape {
    /// (N, features).
    pub(crate) latent: Vec<f32>,
    /// (N, classes).
    pub(crate) logits: Vec<f32>,
    /// In training mode, the moments that each batch-norm saw, by module.
    pub(crate) moments: Vec<(String, Vec<Moments>)>,
    pub(super) values: Vec<Option<Blocked>>,
    pub(super) norms: BTreeMap<Slot, Norm>,
    /// What ReLU after convolutions, leaky ReLU and dropout let through.
    pub(super) masks: BTreeMap<Slot, Mask>,
    pub(super) dims: BTreeMap<Slot, Dims>,
    pub(super) winners: BTreeMap<Slot, Winners>,
}

impl Engine {
    /// Runs the network. The tape holds what the purpose needs.
    pub(crate) fn forward(&self, pixels: Pixels<'_>, pass: Pass<'_>) -> Tape {
        let mut run = Forward { engine: self, pass, tape: self.tape() };
        let plan = self.plan(pass.purpose);
        for (index, step) in plan.steps.iter().enumerate() {
            let value = run.step(step, pixels);
            run.tape.dims.insert(step.out, value.dims());
            run.tape.values[step.out] = Some(value);
            if pass.purpose != Purpose::Parameters {
                run.free_after(index);
            }
        }
        let mut tape = run.tape;
        tape.latent = planes(&tape.values[plan.latent]).to_nchw();
        tape.logits = planes(&tape.values[plan.logits]).to_nchw();
        tape
    }

    fn tape(&self) -> Tape {
        let values = (0..self.plan.slots).map(|_| None).collect();
        let (norms, masks, dims) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (latent, logits, moments) = (Vec::new(), Vec::new(), Vec::new());
        let winners = BTreeMap::new();
        Tape { latent, logits, moments, values, norms, masks, dims, winners }
    }

    pub(super) fn recycle(&self, value: Option<Blocked>) {
        if let Some(planes) = value {
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
    fn step(&mut self, step: &Step, pixels: Pixels<'_>) -> Blocked {
        let arena = &self.engine.arena;
        match &step.kind {
            Kind::Normalise => self.normalise(pixels),
            Kind::Convolution { x, tail: None, .. } => {
                self.convolution(step.out).forward(planes(&self.tape.values[*x]), arena)
            }
            Kind::Convolution { x, tail: Some(tail), .. } => self.with_tail(step.out, *x, tail),
            Kind::BatchNorm { x, module, bias, residual, relu } => {
                let norm = NormOf { module, bias: bias.as_deref() };
                self.batch_norm(step.out, *x, norm, *residual, *relu)
            }
            Kind::MaxPool { x, window } => {
                let (y, winners) = blocked::max_pool(planes(&self.tape.values[*x]), *window, arena);
                if self.pass.purpose != Purpose::Evaluation {
                    self.tape.winners.insert(step.out, winners);
                }
                y
            }
            Kind::Mean { x, means } => {
                let x = planes(&self.tape.values[*x]);
                let cells = means.cells([x.dims().height, x.dims().width]).expect("`Engine::fits` was asked");
                blocked::mean_pool(x, &cells, arena)
            }
            Kind::Rectify { x, slope } => {
                let x = planes(&self.tape.values[*x]);
                let (y, mask) = blocked::rectify(x, *slope, self.engine.path, arena);
                self.keep_mask(step.out, Some(mask));
                y
            }
            Kind::Dropout { x, rate } => self.dropout(step.out, *x, *rate),
            Kind::Concatenate { inputs } => {
                let inputs: Vec<&Blocked> = inputs.iter().map(|&x| planes(&self.tape.values[x])).collect();
                blocked::concatenate(&inputs, arena)
            }
        }
    }

    /// While statistics stand still, a copy.
    fn dropout(&mut self, out: Slot, x: Slot, rate: f32) -> Blocked {
        let (x, arena) = (planes(&self.tape.values[x]), &self.engine.arena);
        if self.pass.mode == Mode::Evaluate {
            return blocked::concatenate(&[x], arena);
        }
        let key = self.pass.key ^ (out as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let (y, mask) = blocked::dropout(x, rate, key, self.engine.path, arena);
        self.keep_mask(out, Some(mask));
        y
    }

    /// Keeps what the way back needs.
    fn keep_mask(&mut self, out: Slot, mask: Option<Mask>) {
        match mask {
            Some(mask) if self.pass.purpose != Purpose::Evaluation => {
                self.tape.masks.insert(out, mask);
            }
            Some(mask) => self.engine.arena.recycle_mask(mask),
            None => {}
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

    fn with_tail(&mut self, out: Slot, x: Slot, tail: &Tail) -> Blocked {
        let residual = tail.residual.map(|slot| planes(&self.tape.values[slot]));
        let after = After { shift: &self.pass.packed.shifts[&out], residual, relu: tail.relu };
        let x = planes(&self.tape.values[x]);
        let (y, mask) = self.convolution(out).forward_finished(x, after, &self.engine.arena);
        self.keep_mask(out, mask);
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
            let value = self.tape.values[slot].take();
            self.engine.recycle(value);
        }
    }
}

pub(super) fn planes(value: &Option<Blocked>) -> &Blocked {
    value.as_ref().expect("a step reads planes that an earlier one computed")
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
