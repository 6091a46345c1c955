//! Networks on candle's tensors.

use std::sync::{Arc, OnceLock};

use candle_core::{Device, Result as Done, Tensor, Var};
use kernels::device::{BatchMoments, Math, blend, cross_entropy};

use super::{
    Filters, Named, Pass, TensorEngine,
    forward::{Tape, value},
};
use crate::{
    Error, Evaluation, InputGradient, Normaliser, ParameterGradients, Shapes,
    backend::{Batch, FrozenNetwork, Mode, Network, Purpose, RUNNING_MOMENTUM, Variables},
    engine::plan::Slot,
    graph::Graph,
};

/// A network that candle's tensors train.
#[derive(Debug)]
pub(crate) struct TensorNetwork {
    engine: Arc<TensorEngine>,
    parameters: Shapes,
}

impl TensorNetwork {
    /// A network of a graph on a device.
    pub(crate) fn new(
        graph: &Graph,
        normaliser: Normaliser,
        device: &Device,
        math: Math,
    ) -> Result<Self, Error> {
        let engine = Arc::new(TensorEngine::new(graph, normaliser, device, math)?);
        Ok(Self { engine, parameters: graph.parameters().clone() })
    }
}

impl Network for TensorNetwork {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plan.fits(size)
    }

    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        batch: Batch<'_>,
        mode: Mode,
        key: u64,
    ) -> Result<ParameterGradients, Error> {
        let engine = &self.engine;
        let weights: Named =
            variables.all().map(|(name, variable)| (name.clone(), variable.as_detached_tensor())).collect();
        let filters = engine.filters(&weights)?;
        let pass = Pass { weights: &weights, filters: &filters, mode, purpose: Purpose::Parameters, key };
        let mut tape = engine.forward(&pixels(engine, batch)?, pass)?;
        let moments = std::mem::take(&mut tape.moments);
        let logits = rows(&tape, engine.plan.logits)?;
        let (loss, gradient) = cross_entropy(&logits, &labels(engine, batch)?)?;
        let found = engine.backward(tape, planes(&gradient)?, pass)?;
        let in_shape = |(name, gradient): (String, Tensor)| {
            let gradient = gradient.reshape(self.parameters[&name].as_slice())?;
            Ok((name, gradient))
        };
        let gradients = found.parameters.into_iter().map(in_shape).collect::<Result<_, Error>>()?;
        if pass.tracks() {
            track(variables, &moments)?;
        }
        Ok(ParameterGradients::new(loss, logits, gradients))
    }

    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error> {
        let copy =
            |(name, variable): (&String, &Var)| Ok((name.clone(), variable.as_tensor().copy()?.detach()));
        let weights = variables.all().map(copy).collect::<Result<Named, Error>>()?;
        Ok(Box::new(TensorFrozen { engine: Arc::clone(&self.engine), weights, filters: OnceLock::new() }))
    }
}

/// running ← 0.9 · running + 0.1 · batch, with the unbiased variance.
fn track(variables: &Variables, seen: &[(String, BatchMoments)]) -> Result<(), Error> {
    for (module, BatchMoments { mean, variance, count, .. }) in seen {
        let unbiased = *count as f64 / (count.max(&2) - 1) as f64;
        for (name, seen, factor) in [("running_mean", mean, 1.0), ("running_var", variance, unbiased)] {
            let running = &variables.buffers[&format!("{module}.{name}")];
            let keep = (1.0 - RUNNING_MOMENTUM) as f32;
            blend(running, keep, seen, (factor * RUNNING_MOMENTUM) as f32)?;
        }
    }
    Ok(())
}

/// A network whose weights stand still; they are folded when they are first asked for.
#[derive(Debug)]
struct TensorFrozen {
    engine: Arc<TensorEngine>,
    weights: Named,
    filters: OnceLock<Filters>,
}

impl TensorFrozen {
    fn pass(&self, purpose: Purpose) -> Result<Pass<'_>, Error> {
        let filters = match self.filters.get() {
            Some(filters) => filters,
            None => {
                let filters = self.engine.folded_filters(&self.weights)?;
                self.filters.get_or_init(|| filters)
            }
        };
        Ok(Pass { weights: &self.weights, filters, mode: Mode::Evaluate, purpose, key: 0 })
    }
}

impl FrozenNetwork for TensorFrozen {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.plan.fits(size)
    }

    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error> {
        let engine = &self.engine;
        let tape = engine.forward(&pixels(engine, batch)?, self.pass(Purpose::Evaluation)?)?;
        let logits = rows(&tape, engine.folded.logits)?;
        let latent = rows(&tape, engine.folded.latent)?;
        let (loss, _) = cross_entropy(&logits, &labels(engine, batch)?)?;
        Ok(Evaluation { loss: loss.to_scalar()?, logits, latent })
    }

    fn input_gradient(&self, batch: Batch<'_>) -> Result<InputGradient, Error> {
        let (engine, pass) = (&self.engine, self.pass(Purpose::Pixels)?);
        let tape = engine.forward(&pixels(engine, batch)?, pass)?;
        let logits = rows(&tape, engine.folded.logits)?;
        let (loss, gradient) = cross_entropy(&logits, &labels(engine, batch)?)?;
        let found = engine.backward(tape, planes(&gradient)?, pass)?;
        let gradient = found.pixels.expect("the pass is for the pixels");
        Ok(InputGradient { loss: loss.to_scalar()?, logits, gradient })
    }
}

fn pixels(engine: &TensorEngine, batch: Batch<'_>) -> Done<Tensor> {
    batch.images.to_device(&engine.device)?.contiguous()
}

fn labels(engine: &TensorEngine, batch: Batch<'_>) -> Done<Tensor> {
    Tensor::new(batch.labels, &engine.device)
}

/// A value as one row an image.
fn rows(tape: &Tape, slot: Slot) -> Done<Tensor> {
    value(tape, slot).flatten_from(1)
}

/// Rows as planes of one pixel.
fn planes(rows: &Tensor) -> Done<Tensor> {
    let (images, columns) = rows.dims2()?;
    rows.reshape((images, columns, 1, 1))
}
