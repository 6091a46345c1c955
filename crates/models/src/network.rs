//! The seam between a classifier and what runs it: neither a classifier nor its users know which engine that is.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use candle_core::{Tensor, Var};

use crate::{
    batch::{Batch, Images, TrainingBatch},
    dropout::StepKey,
    error::Error,
    plan::Mode,
    results::{Evaluation, InputGradient, ParameterGradients},
    sharing::Sharing,
    stopwatch::Stopwatch,
};

/// Parameters and batch-norm statistics, by PyTorch's names, on the backend's device.
#[derive(Debug)]
pub(crate) struct Variables {
    pub(crate) parameters: BTreeMap<String, Var>,
    pub(crate) buffers: BTreeMap<String, Var>,
}

impl Variables {
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.parameters.iter().chain(&self.buffers)
    }
}

/// A network as an engine trains it. Weights are handed in: they are the classifier's.
pub(crate) trait Network: Debug + Send + Sync {
    /// Whether the network's windows fit on images of this many rows and columns.
    fn fits(&self, size: [usize; 2]) -> bool;

    /// The gradients of the parameters, which processes may share. In training mode the running statistics move, and `key` decides what dropout keeps.
    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        batch: TrainingBatch<'_>,
        mode: Mode,
        key: StepKey,
        sharing: &Sharing,
    ) -> Result<ParameterGradients, Error>;

    /// Adds the time of each step to a stopwatch, if steps end one after the other.
    fn time_steps(&self, _stopwatch: &Arc<Stopwatch>) {}

    /// The network with the weights as they are now.
    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error>;
}

/// What pixel gradients are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GradientOf {
    /// The batch's mean loss.
    Mean,
    /// Each image's own loss, times a power of two of its own.
    Scaled,
}

/// Takes what a block leaves of the images.
pub(crate) type Visit<'a> = dyn FnMut(usize, &Tensor) -> Result<(), Error> + 'a;

/// A network as an engine evaluates it and differentiates it with respect to its pixels.
pub(crate) trait FrozenNetwork: Debug + Send + Sync {
    /// Whether the network's windows fit on images of this many rows and columns.
    fn fits(&self, size: [usize; 2]) -> bool;

    /// (N, classes).
    fn logits(&self, images: Images<'_>) -> Result<Tensor, Error>;

    /// Logits, latent features and loss.
    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error>;

    /// The modules that blocks end with.
    fn blocks(&self) -> Vec<String>;

    /// Hands on what each block leaves of the images, one after the other: its number and (N, C, h, w) on the CPU.
    fn visit_blocks(&self, images: Images<'_>, visit: &mut Visit<'_>) -> Result<(), Error>;

    /// The gradient of cross-entropy with respect to the pixels.
    fn input_gradient(&self, batch: Batch<'_>, of: GradientOf) -> Result<InputGradient, Error>;

    /// The gradient of any function of the logits with respect to the pixels, from its gradient with respect to the logits,
    /// (N, classes).
    fn vector_jacobian_product(&self, images: Images<'_>, gradient: &Tensor) -> Result<Tensor, Error>;
}
