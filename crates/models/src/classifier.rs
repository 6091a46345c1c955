//! A network with its weights: what is trained, evaluated and differentiated.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{DType, Tensor, Var};

use crate::{
    architectures::Architecture,
    backend::Backend,
    batch::{Batch, TrainingBatch},
    dropout::StepKey,
    error::Error,
    frozen::Frozen,
    graph::{Graph, Shapes},
    network::{Network, Variables},
    normaliser::Normaliser,
    plan::Mode,
    results::ParameterGradients,
    sharing::Sharing,
    sizes,
    stopwatch::Stopwatch,
};

/// An image classifier: an architecture, its weights, and the normaliser in front.
///
/// All images are (N, 3, H, W) f32 in [0, 1]. While the weights stand still, [`Classifier::freeze`] gives the form in
/// which the network is evaluated and differentiated with respect to its pixels.
#[derive(Debug)]
pub struct Classifier {
    architecture: Architecture,
    graph: Graph,
    classes: usize,
    normaliser: Normaliser,
    network: Box<dyn Network>,
    variables: Variables,
    /// What dropout draws from: a seed and the number of the next training step.
    randomness: (u64, u64),
    sharing: Sharing,
}

impl Classifier {
    /// A classifier with the given weights, on the CPU: exactly the parameters and buffers of `architecture.graph(classes)`.
    ///
    /// # Errors
    /// [`Error::WeightsDoNotFit`], with the names and shapes that differ.
    pub fn new(
        architecture: Architecture,
        classes: usize,
        normaliser: Normaliser,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Self, Error> {
        Self::on(&Backend::default(), architecture, classes, normaliser, weights)
    }

    /// A classifier with the given weights on a backend.
    ///
    /// # Errors
    /// As [`Classifier::new`], or if the device fails.
    pub fn on(
        backend: &Backend,
        architecture: Architecture,
        classes: usize,
        normaliser: Normaliser,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Self, Error> {
        let graph = architecture.graph(classes);
        check_fit(architecture, &graph, weights)?;
        let variables = |names: &Shapes| -> Result<BTreeMap<String, Var>, Error> {
            let variable = |name: &String| {
                let plain = weights[name].to_device(backend.device())?.to_dtype(DType::F32)?.contiguous()?;
                Ok((name.clone(), Var::from_tensor(&plain)?))
            };
            names.keys().map(variable).collect()
        };
        let variables =
            Variables { parameters: variables(graph.parameters())?, buffers: variables(graph.buffers())? };
        let network = backend.network(&graph, normaliser)?;
        Ok(Self {
            architecture,
            graph,
            classes,
            normaliser,
            network,
            variables,
            randomness: (0, 0),
            sharing: Sharing::default(),
        })
    }

    /// Which architecture this is.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The normaliser in front of the network.
    pub fn normaliser(&self) -> Normaliser {
        self.normaliser
    }

    /// How many classes its head has.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Sets how often training skips the last block of a network with stochastic depth, from 0 to below 1: the other rates keep their
    /// proportion to it. `backend` is the one that the classifier is on.
    ///
    /// # Errors
    /// [`Error::NoStochasticDepth`] if the network has no such blocks, or if the device fails.
    pub fn set_stochastic_depth(&mut self, backend: &Backend, most: f32) -> Result<(), Error> {
        let scaled = self.graph.with_stochastic_depth(most);
        let arch = self.architecture.name();
        self.graph = scaled.ok_or(Error::NoStochasticDepth { arch, rate: most })?;
        self.network = backend.network(&self.graph, self.normaliser)?;
        Ok(())
    }

    /// What is learned, by PyTorch's names.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.variables.parameters
    }

    /// The batch-norm statistics, by PyTorch's names.
    pub fn buffers(&self) -> &BTreeMap<String, Var> {
        &self.variables.buffers
    }

    /// Replaces parameters and buffers, as another checkpoint of the same network has them.
    ///
    /// # Errors
    /// As [`Classifier::new`]; then nothing has changed.
    pub fn load(&mut self, weights: &BTreeMap<String, Tensor>) -> Result<(), Error> {
        check_fit(self.architecture, &self.graph, weights)?;
        for (name, variable) in self.variables.all() {
            variable.set(&weights[name].to_device(variable.device())?)?;
        }
        Ok(())
    }

    /// Whether the network takes images of this many rows and columns.
    ///
    /// # Errors
    /// [`Error::ImageSize`].
    pub fn check_size(&self, size: [usize; 2]) -> Result<(), Error> {
        sizes::check(size, |size| self.network.fits(size))
    }

    /// The network with its weights as they are now, for evaluation and for gradients of the pixels.
    ///
    /// # Errors
    /// If the weights cannot be read.
    pub fn freeze(&self) -> Result<Frozen, Error> {
        Ok(Frozen::new(self.network.freeze(&self.variables)?, self.classes))
    }

    /// Adds the time of each step of later passes to a stopwatch, also those of what is frozen from now on or was before. The CPU engine
    /// alone has steps that end one after the other; only the first stopwatch runs.
    pub fn time_steps(&self, stopwatch: &Arc<Stopwatch>) {
        self.network.time_steps(stopwatch);
    }

    /// The gradient with respect to every parameter, in training mode; moves the running statistics.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W), or has other labels than images.
    pub fn parameter_gradients(
        &mut self,
        images: &Tensor,
        labels: &[u32],
    ) -> Result<ParameterGradients, Error> {
        let batch = self.batch(images, labels)?;
        let key = self.next_key();
        self.network.parameter_gradients(&self.variables, batch, Mode::Train, key, &self.sharing)
    }

    /// Shares training batches with other processes from now on: all of them ask for the gradients of the same batches, and only
    /// [`Sharing::own_images`] are looked at.
    pub fn share(&mut self, sharing: Sharing) {
        self.sharing = sharing;
    }

    /// The same of cross-entropy with smoothed or mixed labels: `targets` (N, classes) has a number of at least 0 for each class of each
    /// image, row after row, and those of an image sum to 1. The loss is the mean over images of −Σ q ln p.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W), or the targets are not such numbers.
    pub fn soft_parameter_gradients(
        &mut self,
        images: &Tensor,
        targets: &[f32],
    ) -> Result<ParameterGradients, Error> {
        let batch = TrainingBatch::soft(images, targets, self.classes, |size| self.network.fits(size))?;
        let key = self.next_key();
        self.network.parameter_gradients(&self.variables, batch, Mode::Train, key, &self.sharing)
    }

    /// The gradient with respect to every parameter with the running statistics in place of the batch's.
    ///
    /// # Errors
    /// As [`Classifier::parameter_gradients`].
    pub fn parameter_gradients_in_evaluation(
        &mut self,
        images: &Tensor,
        labels: &[u32],
    ) -> Result<ParameterGradients, Error> {
        let batch = self.batch(images, labels)?;
        let key = StepKey::new(0, 0);
        self.network.parameter_gradients(&self.variables, batch, Mode::Evaluate, key, &self.sharing)
    }

    fn batch<'a>(&self, images: &'a Tensor, labels: &'a [u32]) -> Result<TrainingBatch<'a>, Error> {
        Ok(Batch::new(images, labels, self.classes, |size| self.network.fits(size))?.into())
    }

    /// Says what the next training step draws its dropout from; later steps count on from there. The same seed and step drop the
    /// same values, whatever the number of threads and whatever runs the network.
    pub fn set_step(&mut self, seed: u64, step: u64) {
        self.randomness = (seed, step);
    }

    fn next_key(&mut self) -> StepKey {
        let (seed, step) = self.randomness;
        self.randomness.1 = step.wrapping_add(1);
        StepKey::new(seed, step)
    }
}

fn check_fit(
    architecture: Architecture,
    graph: &Graph,
    weights: &BTreeMap<String, Tensor>,
) -> Result<(), Error> {
    let found = weights.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
    architecture.compare(&graph.shapes(), &found)
}
