//! Networks on the blocked engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use candle_core::{Device, Layout, Storage, StorageRef, Tensor, Var};
use kernels::{
    Math,
    blocked::{Dims, Moments, cross_entropy},
};

use super::{Engine, Mode, Packed, Pass, Pixels, Purpose, Weights};
use crate::{
    Error, Evaluation, InputGradient, Normaliser, ParameterGradients, Shapes,
    backend::{Batch, FrozenNetwork, Network, RUNNING_MOMENTUM, Variables},
    graph::Graph,
};

/// A network that the blocked engine trains.
#[derive(Debug)]
pub(crate) struct BlockedNetwork {
    engine: Arc<Engine>,
    parameters: Shapes,
    /// The weights as the last step packed them: the next one in the same mode uses the memory again.
    packed: Option<(Mode, Packed)>,
}

impl BlockedNetwork {
    /// A network of a graph.
    pub(crate) fn new(graph: &Graph, normaliser: Normaliser, math: Math) -> Self {
        let engine = Arc::new(Engine::new(graph, normaliser, math));
        Self { engine, parameters: graph.parameters().clone(), packed: None }
    }

    fn differentiate(
        &self,
        batch: Batch<'_>,
        pass: Pass<'_>,
    ) -> Result<(ParameterGradients, SeenMoments), Error> {
        let (pixels, dims) = pixels(batch)?;
        let mut tape = self.engine.forward(Pixels { values: &pixels, dims }, pass);
        let moments = std::mem::take(&mut tape.moments);
        let logits = rows(tape.logits.clone(), batch.labels)?;
        let (loss, gradient) = cross_entropy(&tape.logits, batch.labels);
        let found = self.engine.backward(tape, &gradient, pass);
        let tensor = |(name, values): (String, Vec<f32>)| {
            let shape = self.parameters[&name].as_slice();
            Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
        };
        let gradients = found.parameters.into_iter().map(tensor).collect::<Result<_, Error>>()?;
        Ok((ParameterGradients::new(Tensor::new(loss, &Device::Cpu)?, logits, gradients), moments))
    }
}

impl Network for BlockedNetwork {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.fits(size)
    }

    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        batch: Batch<'_>,
        mode: Mode,
        key: u64,
    ) -> Result<ParameterGradients, Error> {
        let (found, packed) = {
            let packed = self.packed.take();
            let held = Held::of(variables);
            let weights = held.weights()?;
            let packed = match packed {
                Some((last, packed)) if last == mode => self.engine.repack(&weights, packed),
                _ => self.engine.pack(&weights, Purpose::Parameters, mode),
            };
            let purpose = Purpose::Parameters;
            let pass = Pass { weights: &weights, packed: &packed, mode, purpose, key };
            (self.differentiate(batch, pass), packed)
        };
        self.packed = Some((mode, packed));
        let (gradients, moments) = found?;
        track(&variables.buffers, &moments)?;
        Ok(gradients)
    }

    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error> {
        let values =
            |(name, variable): (&String, &Var)| Ok((name.clone(), variable.flatten_all()?.to_vec1()?));
        let values = variables.all().map(values).collect::<Result<_, Error>>()?;
        Ok(Box::new(BlockedFrozen {
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
    fn of(variables: &'a Variables) -> Self {
        Self(variables.all().map(|(name, variable)| (name.as_str(), variable.storage_and_layout())).collect())
    }

    fn weights(&self) -> Result<Weights<'_>, Error> {
        let mut weights = Weights::new();
        for (name, (storage, layout)) in &self.0 {
            let Storage::Cpu(values) = &**storage else {
                unreachable!("this backend's weights are on the CPU")
            };
            let (start, end) = layout.contiguous_offsets().expect("a classifier's variables are contiguous");
            weights.insert(name, &values.as_slice::<f32>()?[start..end]);
        }
        Ok(weights)
    }
}

type SeenMoments = Vec<(String, Vec<Moments>)>;

/// running ← 0.9 · running + 0.1 · batch, with the unbiased variance.
fn track(buffers: &BTreeMap<String, Var>, seen: &SeenMoments) -> Result<(), Error> {
    for (module, moments) in seen {
        let unbiased = |m: &Moments| m.variance * m.count as f64 / (m.count.max(2) - 1) as f64;
        blend(&buffers[&format!("{module}.running_mean")], moments.iter().map(|m| m.mean))?;
        blend(&buffers[&format!("{module}.running_var")], moments.iter().map(unbiased))?;
    }
    Ok(())
}

fn blend(running: &Var, seen: impl Iterator<Item = f64>) -> Result<(), Error> {
    let kept = running.to_vec1::<f32>()?;
    let blend = |(kept, seen): (f32, f64)| {
        ((1.0 - RUNNING_MOMENTUM) * f64::from(kept) + RUNNING_MOMENTUM * seen) as f32
    };
    let blended: Vec<f32> = kept.into_iter().zip(seen).map(blend).collect();
    Ok(running.set(&Tensor::new(blended, &Device::Cpu)?)?)
}

/// A network whose weights are packed once, for each purpose when it is first asked for.
#[derive(Debug)]
struct BlockedFrozen {
    engine: Arc<Engine>,
    values: BTreeMap<String, Vec<f32>>,
    for_evaluation: OnceLock<Packed>,
    for_pixels: OnceLock<Packed>,
}

impl BlockedFrozen {
    fn weights(&self) -> Weights<'_> {
        self.values.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect()
    }
}

impl FrozenNetwork for BlockedFrozen {
    fn fits(&self, size: [usize; 2]) -> bool {
        self.engine.fits(size)
    }

    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error> {
        let ((pixels, dims), weights) = (pixels(batch)?, self.weights());
        let packed = self
            .for_evaluation
            .get_or_init(|| self.engine.pack(&weights, Purpose::Evaluation, Mode::Evaluate));
        let pixels = Pixels { values: &pixels, dims };
        let pass =
            Pass { weights: &weights, packed, mode: Mode::Evaluate, purpose: Purpose::Evaluation, key: 0 };
        let tape = self.engine.forward(pixels, pass);
        let (loss, _) = cross_entropy(&tape.logits, batch.labels);
        let (logits, latent) = (rows(tape.logits, batch.labels)?, rows(tape.latent, batch.labels)?);
        Ok(Evaluation { loss, logits, latent })
    }

    fn input_gradient(&self, batch: Batch<'_>) -> Result<InputGradient, Error> {
        let ((pixels, dims), weights) = (pixels(batch)?, self.weights());
        let packed =
            self.for_pixels.get_or_init(|| self.engine.pack(&weights, Purpose::Pixels, Mode::Evaluate));
        let pixels = Pixels { values: &pixels, dims };
        let pass = Pass { weights: &weights, packed, mode: Mode::Evaluate, purpose: Purpose::Pixels, key: 0 };
        let tape = self.engine.forward(pixels, pass);
        let logits = rows(tape.logits.clone(), batch.labels)?;
        let (loss, gradient) = cross_entropy(&tape.logits, batch.labels);
        let found = self.engine.backward(tape, &gradient, pass);
        let gradient = Tensor::from_vec(found.pixels, batch.images.shape(), &Device::Cpu)?;
        Ok(InputGradient { loss, logits, gradient })
    }
}

/// The pixels of a batch and their size.
fn pixels(batch: Batch<'_>) -> Result<(Vec<f32>, Dims), Error> {
    let (images, channels, height, width) = batch.images.dims4()?;
    let dims = Dims { images, channels, height, width };
    Ok((batch.images.flatten_all()?.to_vec1()?, dims))
}

/// One row an image.
fn rows(values: Vec<f32>, labels: &[u32]) -> Result<Tensor, Error> {
    let columns = values.len() / labels.len();
    Ok(Tensor::from_vec(values, (labels.len(), columns), &Device::Cpu)?)
}
