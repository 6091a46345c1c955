//! The forward pass.

use std::time::Instant;

use kernels::blocked::{self, Blocked, ChannelAffine, Convolution, Dims, Mask, Moments};

use super::{
    arrays,
    engine::{Engine, Pass},
    tape::{Statistics, Tape},
    tokens,
};
use crate::{
    dropout::Kept,
    error::Error,
    graph::ArrayOp,
    plan::{Dropped, Epilogue, Kind, Mode, Norm, Slot, Step},
    sharing::Share,
    stopwatch::{Direction, Ran},
};

/// The pixels of a batch, (N, 3, H, W) in [0, 1], and their size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) values: &'a [f32],
    pub(super) dims: Dims,
}

/// Runs the network. The tape holds what the purpose needs.
pub(super) fn run(engine: &Engine, pixels: Pixels<'_>, pass: Pass<'_>) -> Result<Tape, Error> {
    run_watched(engine, pixels, pass, &mut |_, _| {})
}

/// The same, with a look at each value as soon as it is there.
pub(super) fn run_watched(
    engine: &Engine,
    pixels: Pixels<'_>,
    pass: Pass<'_>,
    watch: &mut dyn FnMut(Slot, &Blocked),
) -> Result<Tape, Error> {
    let plan = engine.plan(pass.purpose);
    let mut run = Forward { engine, pass, tape: Tape::new(plan.slots) };
    for (index, step) in plan.steps.iter().enumerate() {
        let since = Instant::now();
        let value = run.step(step, pixels)?;
        if let Some(stopwatch) = engine.stopwatch.get() {
            let from = step.kind.reads().first().map_or(pixels.dims, |slot| run.tape.dims[slot]);
            let ran = Ran { since, from, to: value.dims(), gradients: 0 };
            stopwatch.add(Direction::Forward, step, ran);
        }
        watch(step.out, &value);
        run.tape.dims.insert(step.out, value.dims());
        run.tape.values[step.out] = Some(value);
        for slot in plan.frees_after(index, pass.purpose) {
            engine.recycle(run.tape.values[slot].take());
        }
    }
    let mut tape = run.tape;
    tape.latent = tape.value(plan.latent).to_nchw();
    tape.logits = tape.value(plan.logits).to_nchw();
    Ok(tape)
}

struct Forward<'a> {
    engine: &'a Engine,
    pass: Pass<'a>,
    tape: Tape,
}

impl Forward<'_> {
    fn step(&mut self, step: &Step, pixels: Pixels<'_>) -> Result<Blocked, Error> {
        let (arena, instructions) = (&self.engine.arena, self.engine.instructions);
        Ok(match &step.kind {
            Kind::Normalise => self.normalise(pixels),
            Kind::Convolution { x, epilogue: None, .. } => {
                self.convolution(step.out).forward(self.tape.value(*x), arena)
            }
            Kind::Convolution { x, epilogue: Some(epilogue), .. } => {
                self.with_epilogue(step.out, *x, epilogue)
            }
            Kind::BatchNorm { x, norm, residual, relu } => {
                self.batch_norm(step.out, *x, norm, *residual, *relu)?
            }
            Kind::MaxPool { x, window } => {
                let (y, winners) = blocked::max_pool(self.tape.value(*x), *window, arena);
                if self.pass.purpose.goes_back() {
                    self.tape.winners.insert(step.out, winners);
                }
                y
            }
            Kind::Mean { x, means } => {
                let x = self.tape.value(*x);
                let cells = means.cells([x.dims().height, x.dims().width]).expect("`Plans::fits` was asked");
                blocked::mean_pool(x, &cells, arena)
            }
            Kind::LeakyRelu { x, slope } => {
                let (y, mask) = blocked::leaky_relu(self.tape.value(*x), *slope, instructions, arena);
                self.keep_mask(step.out, Some(mask));
                y
            }
            Kind::Nonlinear { x, function } => {
                blocked::nonlinearity(self.tape.value(*x), *function, instructions, arena)
            }
            Kind::ScalePlanes { x, by } => {
                blocked::scale_planes(self.tape.value(*x), self.tape.value(*by), instructions, arena)
            }
            Kind::Channels { x, channels } => blocked::choose_channels(self.tape.value(*x), channels, arena),
            Kind::Sum { x, y } => {
                let mut sum = blocked::concatenate(&[self.tape.value(*x)], arena);
                blocked::accumulate(&mut sum, self.tape.value(*y), instructions);
                sum
            }
            Kind::Dropout { x, rate, dropped } => self.dropout(step.out, *x, *rate, *dropped),
            Kind::Tokens { x, op } => {
                let (y, moments) = tokens::forward(self.engine, self.pass, op, self.tape.value(*x));
                if self.pass.purpose.goes_back() {
                    self.tape.pixel_moments.extend(moments.map(|moments| (step.out, moments)));
                }
                y
            }
            Kind::Array { inputs, op, size } => self.array(inputs, op, *size, pixels.dims.images),
            Kind::Concatenate { inputs } => {
                let inputs: Vec<&Blocked> = inputs.iter().map(|&x| self.tape.value(x)).collect();
                blocked::concatenate(&inputs, arena)
            }
        })
    }

    fn array(&self, inputs: &[Slot], op: &ArrayOp, size: [usize; 3], images: usize) -> Blocked {
        let inputs: Vec<&Blocked> = inputs.iter().map(|&x| self.tape.value(x)).collect();
        let [channels, height, width] = size;
        arrays::forward(self.engine, self.pass, op, &inputs, Dims { images, channels, height, width })
    }

    /// While statistics stand still, a copy.
    fn dropout(&mut self, out: Slot, x: Slot, rate: f32, dropped: Dropped) -> Blocked {
        let (x, arena) = (self.tape.value(x), &self.engine.arena);
        if self.pass.mode == Mode::Evaluate {
            return blocked::concatenate(&[x], arena);
        }
        let kept = Kept::new(self.pass.key, out, rate);
        let features = (x.dims().channels * x.dims().pixels()) as u64;
        let drawn_together = match dropped {
            Dropped::Values => 1,
            Dropped::Images => features,
        };
        let first = self.pass.share.map_or(0, Share::first_block) as u64 * features;
        let kept = |place: u64| kept.of_sixteen((first + place) / drawn_together);
        let (y, mask) = blocked::dropout(x, rate, kept, self.engine.instructions, arena);
        self.keep_mask(out, Some(mask));
        y
    }

    /// Keeps what the way back needs, if there is one.
    fn keep_mask(&mut self, out: Slot, mask: Option<Mask>) {
        match mask {
            Some(mask) if self.pass.purpose.goes_back() => {
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
        let affine = ChannelAffine { scale: &scale, shift: &shift, residual: None, relu: false };
        let (normalised, _) =
            blocked::channel_affine(&raw, affine, self.engine.instructions, &self.engine.arena);
        self.engine.arena.recycle(raw);
        normalised
    }

    fn convolution(&self, out: Slot) -> &Convolution {
        &self.pass.packed.convolutions[&out]
    }

    fn with_epilogue(&mut self, out: Slot, x: Slot, epilogue: &Epilogue) -> Blocked {
        let residual = epilogue.residual.map(|slot| self.tape.value(slot));
        let then = blocked::Epilogue { shift: &self.pass.packed.shifts[&out], residual, relu: epilogue.relu };
        let x = self.tape.value(x);
        let (y, mask) = self.convolution(out).forward_with_epilogue(x, then, &self.engine.arena);
        self.keep_mask(out, mask);
        y
    }

    fn batch_norm(
        &mut self,
        out: Slot,
        x: Slot,
        norm: &Norm,
        residual: Option<Slot>,
        relu: bool,
    ) -> Result<Blocked, Error> {
        let (module, instructions, arena) =
            (norm.module.as_str(), self.engine.instructions, &self.engine.arena);
        // The bias is not in the values: means are recorded with it and used without.
        let bias = norm.bias.as_ref().map(|module| doubles(self.pass.weight(module, "bias")));
        let bias = |channel: usize| bias.as_ref().map_or(0.0, |bias| bias[channel]);
        let (mean, variance): (Vec<f64>, Vec<f64>) = match self.pass.mode {
            Mode::Train => {
                let moments = self.moments(x)?;
                let both = moments.iter().map(|m| (m.mean, m.variance)).unzip();
                let with_bias = |(c, m): (usize, Moments)| Moments { mean: m.mean + bias(c), ..m };
                let moments = moments.into_iter().enumerate().map(with_bias).collect();
                self.tape.moments.push((norm.clone(), moments));
                both
            }
            Mode::Evaluate => {
                let running = doubles(self.pass.weight(module, "running_mean")).into_iter().enumerate();
                let mean = running.map(|(channel, mean)| mean - bias(channel)).collect();
                (mean, doubles(self.pass.weight(module, "running_var")))
            }
        };
        let epsilon = norm.settings.epsilon;
        let inverse_std: Vec<f64> = variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        let gamma = doubles(self.pass.weight(module, "weight"));
        let scale: Vec<f64> =
            gamma.iter().zip(&inverse_std).map(|(gamma, inverse)| gamma * inverse).collect();
        let beta = doubles(self.pass.weight(module, "bias"));
        let shift: Vec<f32> = (0..beta.len()).map(|c| (beta[c] - mean[c] * scale[c]) as f32).collect();
        let (mean, inverse_std, scale) = (singles(&mean), singles(&inverse_std), singles(&scale));
        let residual = residual.map(|slot| self.tape.value(slot));
        let affine = ChannelAffine { scale: &scale, shift: &shift, residual, relu };
        let (y, mask) = blocked::channel_affine(self.tape.value(x), affine, instructions, arena);
        if self.pass.purpose.goes_back() {
            self.tape.statistics.insert(out, Statistics { mean, inverse_std, scale, mask });
        }
        Ok(y)
    }

    /// Those of the batch.
    fn moments(&self, x: Slot) -> Result<Vec<Moments>, Error> {
        let x = self.tape.value(x);
        let sums = blocked::moment_sums(x, self.engine.instructions);
        let (sums, images) = self.pass.statistics(sums, x.dims().images)?;
        Ok(Moments::of(&sums.pairs(), images * x.dims().pixels()))
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
