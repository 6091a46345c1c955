//! Networks on the CPU engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use candle_core::{Device, Layout, Storage, StorageRef, Tensor, Var};
use kernels::{
    Precision,
    blocked::{Dims, Moments, cross_entropy, scaled_cross_entropy, soft_cross_entropy},
};

use super::{
    backward,
    engine::{Engine, Packed, Pass},
    forward::{self, Pixels},
    tape::Tape,
};
use crate::{
    batch::{Batch, Images, Targets, TrainingBatch},
    dropout::StepKey,
    error::Error,
    graph::{Graph, Shapes},
    network::{FrozenNetwork, GradientOf, Network, Variables, Visit},
    normaliser::Normaliser,
    plan::{Grid, Mode, Norm, Purpose, Weights},
    results::{Evaluation, InputGradient, ParameterGradients},
    sharing::{Share, Sharing},
    stopwatch::Stopwatch,
};

/// A network that the CPU engine trains.
#[derive(Debug)]
pub(crate) struct CpuNetwork {
    engine: Arc<Engine>,
    parameters: Shapes,
    /// The weights as the last step packed them: the next one in the same mode uses the memory again.
    packed: Option<(Mode, Packed)>,
}

impl CpuNetwork {
    /// A network of a graph.
    pub(crate) fn new(graph: &Graph, normaliser: Normaliser, precision: Precision) -> Self {
        let engine = Arc::new(Engine::new(graph, normaliser, precision));
        Self { engine, parameters: graph.parameters().clone(), packed: None }
    }

    fn differentiate(
        &self,
        TrainingBatch { images, targets }: TrainingBatch<'_>,
        pass: Pass<'_>,
    ) -> Result<(ParameterGradients, SeenMoments), Error> {
        let own = pass.share.map_or(0..images.count(), Share::own_images);
        let (pixels, dims) = pixels(Images(&images.0.narrow(0, own.start, own.len())?))?;
        let mut tape = forward::run(&self.engine, Pixels { values: &pixels, dims }, pass)?;
        let moments = std::mem::take(&mut tape.moments);
        // The loss is of all images: each process has all logits, and goes back from its own.
        let logits = match pass.share {
            Some(share) => share.rows(&tape.logits)?,
            None => tape.logits.clone(),
        };
        let (loss, gradient) = match targets {
            Targets::Labels(labels) => cross_entropy(&logits, labels),
            Targets::Soft(targets) => soft_cross_entropy(&logits, targets, images.count()),
        };
        let classes = logits.len() / images.count();
        let of_own = &gradient[own.start * classes..own.end * classes];
        let logits = rows(logits, images)?;
        let found = backward::run(&self.engine, tape, of_own, pass)?;
        let tensor = |(name, values): (String, Vec<f32>)| {
            let shape = self.parameters[&name].as_slice();
            Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
        };
        let gradients = found.parameters.into_iter().map(tensor).collect::<Result<_, Error>>()?;
        Ok((ParameterGradients::new(Tensor::new(loss, &Device::Cpu)?, logits, gradients), moments))
    }
}

impl Network for CpuNetwork {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plans.fits(size)
    }

    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        batch: TrainingBatch<'_>,
        mode: Mode,
        key: StepKey,
        sharing: &Sharing,
    ) -> Result<ParameterGradients, Error> {
        let share = Share::of(sharing, batch.images.count());
        let share = share.as_ref();
        let (found, packed) = {
            let packed = self.packed.take();
            let held = Held::lock(variables);
            let weights = held.weights()?;
            let packed = match packed {
                Some((last, packed)) if last == mode => self.engine.repack(&weights, packed),
                _ => self.engine.pack(&weights, Purpose::Parameters, mode),
            };
            let purpose = Purpose::Parameters;
            let pass = Pass { weights: &weights, packed: &packed, mode, purpose, key, share };
            (self.differentiate(batch, pass), packed)
        };
        self.packed = Some((mode, packed));
        let (gradients, moments) = found?;
        track(&variables.buffers, &of_first(moments, share)?)?;
        Ok(gradients)
    }

    fn time_steps(&self, stopwatch: &Arc<Stopwatch>) {
        self.engine.stopwatch.get_or_init(|| Arc::clone(stopwatch));
    }

    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error> {
        let values =
            |(name, variable): (&String, &Var)| Ok((name.clone(), variable.flatten_all()?.to_vec1()?));
        let values = variables.all().map(values).collect::<Result<_, Error>>()?;
        Ok(Box::new(CpuFrozen {
            engine: Arc::clone(&self.engine),
            values,
            for_evaluation: OnceLock::new(),
            for_pixels: OnceLock::new(),
        }))
    }
}

/// Parameters and buffers, locked for reading: a step reads them where they are.
struct Held<'a>(Vec<(&'a str, (StorageRef<'a>, &'a Layout))>);

impl<'a> Held<'a> {
    fn lock(variables: &'a Variables) -> Self {
        Self(variables.all().map(|(name, variable)| (name.as_str(), variable.storage_and_layout())).collect())
    }

    fn weights(&self) -> Result<Weights<'_>, Error> {
        let mut weights = Weights::new();
        for (name, (storage, layout)) in &self.0 {
            let Storage::Cpu(values) = &**storage else {
                unreachable!("this engine's weights are on the CPU")
            };
            let (start, end) = layout.contiguous_offsets().expect("a classifier's variables are contiguous");
            weights.insert(name, &values.as_slice::<f32>()?[start..end]);
        }
        Ok(weights)
    }
}

type SeenMoments = Vec<(Norm, Vec<Moments>)>;

/// What rank 0 saw, where processes have statistics of their own: PyTorch keeps those of the first.
fn of_first(mut moments: SeenMoments, share: Option<&Share<'_>>) -> Result<SeenMoments, Error> {
    let Some(share) = share else { return Ok(moments) };
    let own =
        moments.iter().flat_map(|(_, of_norm)| of_norm).flat_map(|m| [m.mean, m.variance, m.count as f64]);
    let numbers = share.of_first(own.collect())?;
    let all = moments.iter_mut().flat_map(|(_, of_norm)| of_norm);
    for (seen, numbers) in all.zip(numbers.as_chunks().0) {
        let [mean, variance, count] = *numbers;
        *seen = Moments { mean, variance, count: count as usize };
    }
    Ok(moments)
}

/// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
fn track(buffers: &BTreeMap<String, Var>, seen: &SeenMoments) -> Result<(), Error> {
    for (Norm { module, settings, .. }, moments) in seen {
        let unbiased = |m: &Moments| m.variance * m.count as f64 / (m.count.max(2) - 1) as f64;
        blend(
            &buffers[&format!("{module}.running_mean")],
            settings.momentum,
            moments.iter().map(|m| m.mean),
        )?;
        blend(&buffers[&format!("{module}.running_var")], settings.momentum, moments.iter().map(unbiased))?;
    }
    Ok(())
}

fn blend(running: &Var, momentum: f64, seen: impl Iterator<Item = f64>) -> Result<(), Error> {
    let kept = running.to_vec1::<f32>()?;
    let blend = |(kept, seen): (f32, f64)| ((1.0 - momentum) * f64::from(kept) + momentum * seen) as f32;
    let blended: Vec<f32> = kept.into_iter().zip(seen).map(blend).collect();
    Ok(running.set(&Tensor::new(blended, &Device::Cpu)?)?)
}

/// A network whose weights are packed once, for each purpose when it is first asked for.
#[derive(Debug)]
struct CpuFrozen {
    engine: Arc<Engine>,
    values: BTreeMap<String, Vec<f32>>,
    for_evaluation: OnceLock<Packed>,
    for_pixels: OnceLock<Packed>,
}

impl CpuFrozen {
    fn weights(&self) -> Weights<'_> {
        self.values.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect()
    }

    /// Runs the network for a purpose, then what is to be done with the pass.
    fn run<T>(
        &self,
        images: Images<'_>,
        purpose: Purpose,
        then: impl FnOnce(Tape, Pass<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let ((pixels, dims), weights) = (pixels(images)?, self.weights());
        self.with_pass(&weights, purpose, |pass| {
            then(forward::run(&self.engine, Pixels { values: &pixels, dims }, pass)?, pass)
        })
    }

    /// What a pass for a purpose is to do, with the weights packed for it.
    fn with_pass<T>(&self, weights: &Weights<'_>, purpose: Purpose, run: impl FnOnce(Pass<'_>) -> T) -> T {
        let packed = match purpose {
            Purpose::Pixels => &self.for_pixels,
            _ => &self.for_evaluation,
        };
        let packed = packed.get_or_init(|| self.engine.pack(weights, purpose, Mode::Evaluate));
        run(Pass { weights, packed, mode: Mode::Evaluate, purpose, key: StepKey::new(0, 0), share: None })
    }

    /// The gradient of the pixels from that of the logits.
    fn pixel_gradient(
        &self,
        tape: Tape,
        pass: Pass<'_>,
        images: Images<'_>,
        logits: &[f32],
    ) -> Result<Tensor, Error> {
        let found = backward::run(&self.engine, tape, logits, pass)?;
        Ok(Tensor::from_vec(found.pixels, images.0.shape(), &Device::Cpu)?)
    }
}

impl FrozenNetwork for CpuFrozen {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plans.fits(size)
    }

    fn logits(&self, images: Images<'_>) -> Result<Tensor, Error> {
        self.run(images, Purpose::Evaluation, |tape, _| rows(tape.logits, images))
    }

    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error> {
        self.run(batch.images, Purpose::Evaluation, |tape, _| {
            let (loss, _) = cross_entropy(&tape.logits, batch.labels);
            let (logits, latent) = (rows(tape.logits, batch.images)?, rows(tape.latent, batch.images)?);
            Ok(Evaluation { loss, logits, latent })
        })
    }

    fn blocks(&self) -> Vec<String> {
        self.engine.plan(Purpose::Evaluation).blocks.iter().map(|block| block.name.clone()).collect()
    }

    fn visit_blocks(&self, images: Images<'_>, visit: &mut Visit<'_>) -> Result<(), Error> {
        let blocks = &self.engine.plan(Purpose::Evaluation).blocks;
        let ((pixels, dims), weights) = (pixels(images)?, self.weights());
        let (mut grid, mut outcome) = (Grid::default(), Ok(()));
        self.with_pass(&weights, Purpose::Evaluation, |pass| {
            let pixels = Pixels { values: &pixels, dims };
            forward::run_watched(&self.engine, pixels, pass, &mut |slot, value| {
                let Dims { images, channels, height, width } = value.dims();
                let ([rows, columns], in_front) = grid.of([height, width]);
                let Some(block) = blocks.iter().position(|block| block.slot == slot) else { return };
                if outcome.is_ok() {
                    let all =
                        Tensor::from_vec(value.to_nchw(), (images, channels, height * width), &Device::Cpu);
                    outcome = all
                        .and_then(|all| all.narrow(2, in_front, rows * columns))
                        .and_then(|own| own.reshape((images, channels, rows, columns)))
                        .map_err(Error::from)
                        .and_then(|planes| visit(block, &planes));
                }
            })
        })?;
        outcome
    }

    fn input_gradient(&self, batch: Batch<'_>, of: GradientOf) -> Result<InputGradient, Error> {
        self.run(batch.images, Purpose::Pixels, |tape, pass| {
            let logits = rows(tape.logits.clone(), batch.images)?;
            let (loss, gradient) = match of {
                GradientOf::Mean => cross_entropy(&tape.logits, batch.labels),
                GradientOf::Scaled => scaled_cross_entropy(&tape.logits, batch.labels),
            };
            let gradient = self.pixel_gradient(tape, pass, batch.images, &gradient)?;
            Ok(InputGradient { loss, logits, gradient })
        })
    }

    fn vector_jacobian_product(&self, images: Images<'_>, gradient: &Tensor) -> Result<Tensor, Error> {
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        self.run(images, Purpose::Pixels, |tape, pass| self.pixel_gradient(tape, pass, images, &gradient))
    }
}

/// The pixels of a batch and their size.
fn pixels(images: Images<'_>) -> Result<(Vec<f32>, Dims), Error> {
    let (count, channels, height, width) = images.0.dims4()?;
    Ok((images.0.flatten_all()?.to_vec1()?, Dims { images: count, channels, height, width }))
}

/// One row an image.
fn rows(values: Vec<f32>, images: Images<'_>) -> Result<Tensor, Error> {
    let columns = values.len() / images.count();
    Ok(Tensor::from_vec(values, (images.count(), columns), &Device::Cpu)?)
}
