//! Networks on candle's tensors.

use std::sync::{Arc, OnceLock};

use candle_core::{Device, Result as Done, Tensor, Var};
#[cfg(feature = "nccl")]
use kernels::device::GpuGroup;
use kernels::device::{
    BatchMoments, Precision, blend, cross_entropy, scaled_cross_entropy, soft_cross_entropy,
};

use super::{
    backward,
    engine::{Engine, Filters, Named, Pass},
    forward,
    shared::Shared,
    tape::Tape,
};
use crate::{
    batch::{Batch, Images, Targets, TrainingBatch},
    dropout::StepKey,
    error::Error,
    graph::{Graph, Shapes},
    network::{FrozenNetwork, GradientOf, Network, Variables, Visit},
    normaliser::Normaliser,
    plan::{Grid, Mode, Norm, Purpose, Slot},
    results::{Evaluation, InputGradient, ParameterGradients},
    sharing::{Share, Sharing},
};

/// A network that candle's tensors train.
#[derive(Debug)]
pub(crate) struct CandleNetwork {
    engine: Arc<Engine>,
    parameters: Shapes,
    /// The GPUs of the processes that share its batches.
    #[cfg(feature = "nccl")]
    gpus: OnceLock<GpuGroup>,
}

impl CandleNetwork {
    /// A network of a graph on a device.
    pub(crate) fn new(
        graph: &Graph,
        normaliser: Normaliser,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, Error> {
        let engine = Arc::new(Engine::new(graph, normaliser, device, precision)?);
        Ok(Self {
            engine,
            parameters: graph.parameters().clone(),
            #[cfg(feature = "nccl")]
            gpus: OnceLock::new(),
        })
    }
}

impl Network for CandleNetwork {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plans.fits(size)
    }

    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        TrainingBatch { images, targets }: TrainingBatch<'_>,
        mode: Mode,
        key: StepKey,
        sharing: &Sharing,
    ) -> Result<ParameterGradients, Error> {
        let share = Share::of(sharing, images.count());
        let shared = share.map(|share| Shared::new(share, &self.engine.device));
        #[cfg(feature = "nccl")]
        let shared = shared.map(|shared| shared.with_gpus(&self.gpus)).transpose()?;
        let shared = shared.as_ref();
        let weights: Named =
            variables.all().map(|(name, variable)| (name.clone(), variable.as_detached_tensor())).collect();
        let filters = self.engine.filters(&weights)?;
        let purpose = Purpose::Parameters;
        let pass = Pass { weights: &weights, filters: &filters, mode, purpose, key, shared };
        let found = self.differentiate(images, targets, pass);
        let (gradients, moments) = found.map_err(|error| match shared {
            Some(shared) => shared.cause(error),
            None => error.into(),
        })?;
        if mode == Mode::Train {
            track(variables, &of_first(moments, shared)?)?;
        }
        Ok(gradients)
    }

    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error> {
        let copy =
            |(name, variable): (&String, &Var)| Ok((name.clone(), variable.as_tensor().copy()?.detach()));
        let weights = variables.all().map(copy).collect::<Result<Named, Error>>()?;
        Ok(Box::new(CandleFrozen { engine: Arc::clone(&self.engine), weights, filters: OnceLock::new() }))
    }
}

impl CandleNetwork {
    /// Loss and gradients of a batch, and what batch-norms saw of it.
    fn differentiate(
        &self,
        images: Images<'_>,
        targets: Targets<'_>,
        pass: Pass<'_>,
    ) -> Done<(ParameterGradients, SeenMoments)> {
        let engine = &self.engine;
        let own = pass.shared.map_or(0..images.count(), |shared| shared.share.own_images());
        let pixels = images.0.narrow(0, own.start, own.len())?;
        let mut tape = forward::run(engine, &pixels_of(engine, &pixels)?, pass)?;
        let moments = std::mem::take(&mut tape.moments);
        let mut logits = rows(&tape, engine.plan(pass.purpose).logits)?;
        if let Some(shared) = pass.shared {
            logits = shared.rows(&logits)?;
        }
        let (loss, gradient) = match targets {
            Targets::Labels(labels) => cross_entropy(&logits, &Tensor::new(labels, &engine.device)?)?,
            Targets::Soft(targets) => {
                soft_cross_entropy(&logits, &Tensor::from_slice(targets, logits.dims(), &engine.device)?)?
            }
        };
        let gradient = gradient.narrow(0, own.start, own.len())?.contiguous()?;
        let mut found = backward::run(engine, tape, planes(&gradient)?, pass)?.parameters;
        if let Some(shared) = pass.shared {
            let own: Vec<&Tensor> = found.values().collect();
            let sums = shared.sums(&own)?;
            found = found.into_keys().zip(sums).collect();
        }
        let in_shape = |(name, gradient): (String, Tensor)| {
            let gradient = gradient.reshape(self.parameters[&name].as_slice())?;
            Ok((name, gradient))
        };
        let gradients = found.into_iter().map(in_shape).collect::<Done<_>>()?;
        Ok((ParameterGradients::new(loss, logits, gradients), moments))
    }
}

type SeenMoments = Vec<(Norm, BatchMoments)>;

/// What rank 0 saw, where processes have statistics of their own.
fn of_first(mut moments: SeenMoments, shared: Option<&Shared<'_>>) -> Result<SeenMoments, Error> {
    let Some(shared) = shared.filter(|shared| shared.share.has_own_statistics()) else { return Ok(moments) };
    let mut own = Vec::new();
    for (_, BatchMoments { mean, variance, count, .. }) in &moments {
        for values in [mean, variance] {
            own.extend(values.to_vec1::<f32>()?.into_iter().map(f64::from));
        }
        own.push(*count as f64);
    }
    let numbers = shared.share.of_first(own)?;
    let mut rest = numbers.as_slice();
    for (_, seen) in &mut moments {
        let channels = seen.mean.elem_count();
        let (own, more) =
            rest.split_at_checked(2 * channels + 1).ok_or_else(|| shared.share.misfit(rest.len()))?;
        let tensor = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::from_vec(values, channels, seen.mean.device())
        };
        (seen.mean, seen.variance) = (tensor(&own[..channels])?, tensor(&own[channels..2 * channels])?);
        seen.count = own[2 * channels] as usize;
        rest = more;
    }
    Ok(moments)
}

/// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
fn track(variables: &Variables, seen: &[(Norm, BatchMoments)]) -> Result<(), Error> {
    for (Norm { module, settings, .. }, BatchMoments { mean, variance, count, .. }) in seen {
        let unbiased = *count as f64 / (count.max(&2) - 1) as f64;
        for (name, seen, factor) in [("running_mean", mean, 1.0), ("running_var", variance, unbiased)] {
            let running = &variables.buffers[&format!("{module}.{name}")];
            let keep = (1.0 - settings.momentum) as f32;
            blend(running, keep, seen, (factor * settings.momentum) as f32)?;
        }
    }
    Ok(())
}

/// A network whose weights stand still; they are folded when they are first asked for.
#[derive(Debug)]
struct CandleFrozen {
    engine: Arc<Engine>,
    weights: Named,
    filters: OnceLock<Filters>,
}

impl CandleFrozen {
    fn pass(&self, purpose: Purpose) -> Result<Pass<'_>, Error> {
        let filters = match self.filters.get() {
            Some(filters) => filters,
            None => {
                let filters = self.engine.folded_filters(&self.weights)?;
                self.filters.get_or_init(|| filters)
            }
        };
        let (mode, key) = (Mode::Evaluate, StepKey::new(0, 0));
        Ok(Pass { weights: &self.weights, filters, mode, purpose, key, shared: None })
    }

    fn run(&self, images: Images<'_>, pass: Pass<'_>) -> Result<(Tape, Tensor), Error> {
        let tape = forward::run(&self.engine, &pixels(&self.engine, images)?, pass)?;
        let logits = rows(&tape, self.engine.plan(pass.purpose).logits)?;
        Ok((tape, logits))
    }

    /// The gradient of the pixels from that of the logits.
    fn pixel_gradient(&self, tape: Tape, pass: Pass<'_>, logits: &Tensor) -> Result<Tensor, Error> {
        let found = backward::run(&self.engine, tape, planes(logits)?, pass)?;
        Ok(found.pixels.expect("the pass is for the pixels"))
    }
}

impl FrozenNetwork for CandleFrozen {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plans.fits(size)
    }

    fn logits(&self, images: Images<'_>) -> Result<Tensor, Error> {
        Ok(self.run(images, self.pass(Purpose::Evaluation)?)?.1)
    }

    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error> {
        let (tape, logits) = self.run(batch.images, self.pass(Purpose::Evaluation)?)?;
        let latent = rows(&tape, self.engine.plan(Purpose::Evaluation).latent)?;
        let (loss, _) = cross_entropy(&logits, &labels(&self.engine, batch)?)?;
        Ok(Evaluation { loss: loss.to_scalar()?, logits, latent })
    }

    fn blocks(&self) -> Vec<String> {
        self.engine.plan(Purpose::Evaluation).blocks.iter().map(|block| block.name.clone()).collect()
    }

    fn visit_blocks(&self, images: Images<'_>, visit: &mut Visit<'_>) -> Result<(), Error> {
        let blocks = &self.engine.plan(Purpose::Evaluation).blocks;
        let (mut grid, mut outcome) = (Grid::default(), Ok(()));
        let pass = self.pass(Purpose::Evaluation)?;
        forward::run_watched(&self.engine, &pixels(&self.engine, images)?, pass, &mut |slot, value| {
            let (count, channels, height, width) = value.dims4()?;
            let ([rows, columns], in_front) = grid.of([height, width]);
            let block = blocks.iter().position(|block| block.slot == slot).filter(|_| outcome.is_ok());
            let Some(block) = block else { return Ok(()) };
            let own =
                value.reshape((count, channels, height * width))?.narrow(2, in_front, rows * columns)?;
            let planes = own.reshape((count, channels, rows, columns))?.to_device(&Device::Cpu)?;
            outcome = visit(block, &planes);
            Ok(())
        })?;
        outcome
    }

    fn input_gradient(&self, batch: Batch<'_>, of: GradientOf) -> Result<InputGradient, Error> {
        let pass = self.pass(Purpose::Pixels)?;
        let (tape, logits) = self.run(batch.images, pass)?;
        let (loss, gradient) = match of {
            GradientOf::Mean => {
                let (loss, gradient) = cross_entropy(&logits, &labels(&self.engine, batch)?)?;
                (loss.to_scalar()?, gradient)
            }
            GradientOf::Scaled => scaled_cross_entropy(&logits, batch.labels)?,
        };
        let gradient = self.pixel_gradient(tape, pass, &gradient)?;
        Ok(InputGradient { loss, logits, gradient })
    }

    fn vector_jacobian_product(&self, images: Images<'_>, gradient: &Tensor) -> Result<Tensor, Error> {
        let pass = self.pass(Purpose::Pixels)?;
        let (tape, _) = self.run(images, pass)?;
        self.pixel_gradient(tape, pass, &gradient.to_device(&self.engine.device)?.contiguous()?)
    }
}

/// The pixels of a batch: values without the history that autograd has of them.
fn pixels(engine: &Engine, images: Images<'_>) -> Done<Tensor> {
    pixels_of(engine, images.0)
}

fn pixels_of(engine: &Engine, images: &Tensor) -> Done<Tensor> {
    images.detach().to_device(&engine.device)?.contiguous()
}

fn labels(engine: &Engine, batch: Batch<'_>) -> Done<Tensor> {
    Tensor::new(batch.labels, &engine.device)
}

/// A value as one row an image.
fn rows(tape: &Tape, slot: Slot) -> Done<Tensor> {
    tape.value(slot).flatten_from(1)
}

/// Rows as planes of one pixel.
fn planes(rows: &Tensor) -> Done<Tensor> {
    let (images, columns) = rows.dims2()?;
    rows.reshape((images, columns, 1, 1))
}
