//! What runs a network, and the seam to it: two engines do, and neither a classifier nor its users know which.

use std::{collections::BTreeMap, fmt::Debug};

use candle_core::{Device, Tensor, Var};
use kernels::Math;

use crate::{
    Error, Evaluation, InputGradient, Normaliser, ParameterGradients, engine::BlockedNetwork, graph::Graph,
    tensors::TensorNetwork,
};

/// What runs a network.
///
/// ```
/// use models::Backend;
///
/// assert_eq!(Backend::default().to_string(), "cpu");
/// assert_eq!(Backend::plain().to_string(), "cpu-plain");
/// ```
#[derive(Debug, Clone)]
pub enum Backend {
    /// The CPU, with operations of our own in a layout of our own: the fast one there. It has no TF32: that is computed in f32.
    Blocked(Math),
    /// candle's tensors on a device, with the operations of [`kernels::device`].
    Tensors {
        /// Where weights are and images go.
        device: Device,
        /// How products are computed.
        math: Math,
    },
}

impl Default for Backend {
    /// The CPU, in f32.
    fn default() -> Self {
        Self::Blocked(Math::Full)
    }
}

impl Backend {
    /// A CUDA device, by its number.
    ///
    /// # Errors
    /// If this build has no CUDA, or the system has no such device or driver.
    pub fn cuda(number: usize, math: Math) -> Result<Self, Error> {
        Ok(Self::Tensors { device: Device::new_cuda(number)?, math })
    }

    /// What CUDA devices run, on the CPU: to compare with.
    pub fn plain() -> Self {
        Self::Tensors { device: Device::Cpu, math: Math::Full }
    }

    /// Where weights are.
    pub fn device(&self) -> &Device {
        match self {
            Self::Blocked(_) => &Device::Cpu,
            Self::Tensors { device, .. } => device,
        }
    }

    pub(crate) fn network(&self, graph: &Graph, normaliser: Normaliser) -> Result<Box<dyn Network>, Error> {
        Ok(match self {
            Self::Blocked(math) => Box::new(BlockedNetwork::new(graph, normaliser, *math)),
            Self::Tensors { device, math } => Box::new(TensorNetwork::new(graph, normaliser, device, *math)?),
        })
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.device().location()) {
            (Self::Blocked(_), _) => write!(f, "cpu"),
            (_, candle_core::DeviceLocation::Cuda { gpu_id }) => write!(f, "cuda:{gpu_id}"),
            (_, candle_core::DeviceLocation::Metal { gpu_id }) => write!(f, "metal:{gpu_id}"),
            (_, candle_core::DeviceLocation::Cpu) => write!(f, "cpu-plain"),
        }
    }
}

/// Where batch-norm takes its statistics from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the batch.
    Train,
    /// From the running statistics.
    Evaluate,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Logits only.
    Evaluation,
    /// The gradient of the pixels.
    Pixels,
    /// The gradients of the parameters.
    Parameters,
}

/// How much of a batch's moments enters the running statistics (PyTorch's default momentum).
pub(crate) const RUNNING_MOMENTUM: f64 = 0.1;

/// The ε of every batch-norm (PyTorch's default).
pub(crate) const EPSILON: f64 = 1e-5;

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

/// A batch that fits the network: (N, 3, H, W) with a label in range for each image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) images: &'a Tensor,
    pub(crate) labels: &'a [u32],
}

impl<'a> Batch<'a> {
    /// Checks a batch.
    ///
    /// # Errors
    /// If it is empty, is not (N, 3, H, W), is too small for the network, or has other labels than images.
    pub(crate) fn new(
        images: &'a Tensor,
        labels: &'a [u32],
        classes: usize,
        fits: impl FnOnce([usize; 2]) -> bool,
    ) -> Result<Self, Error> {
        let &[count, 3, height, width] = images.dims() else {
            return Err(Error::BatchShape { found: images.dims().to_vec() });
        };
        if count != labels.len() || count == 0 {
            return Err(Error::BatchMismatch { images: count, labels: labels.len() });
        }
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= classes) {
            return Err(Error::LabelOutOfRange { label, classes });
        }
        if height == 0 || width == 0 || !fits([height, width]) {
            return Err(Error::ImageTooSmall { height, width });
        }
        Ok(Self { images, labels })
    }
}

/// A network as a backend trains it. Weights are handed in: they are the classifier's.
pub(crate) trait Network: Debug + Send + Sync {
    /// Whether the network's windows fit on images of this many rows and columns.
    fn fits(&self, size: [usize; 2]) -> bool;

    /// The gradients of the parameters. In training mode the running statistics move, and `key` decides what dropout keeps.
    fn parameter_gradients(
        &mut self,
        variables: &Variables,
        batch: Batch<'_>,
        mode: Mode,
        key: u64,
    ) -> Result<ParameterGradients, Error>;

    /// The network with the weights as they are now.
    fn freeze(&self, variables: &Variables) -> Result<Box<dyn FrozenNetwork>, Error>;
}

/// A network as a backend evaluates it and differentiates it with respect to its pixels.
pub(crate) trait FrozenNetwork: Debug + Send + Sync {
    /// Whether the network's windows fit on images of this many rows and columns.
    fn fits(&self, size: [usize; 2]) -> bool;

    /// Logits, latent features and loss.
    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error>;

    /// The gradient of the pixels.
    fn input_gradient(&self, batch: Batch<'_>) -> Result<InputGradient, Error>;
}
