//! What runs a network, by name.

use candle_core::Device;
use kernels::Precision;

use crate::{
    engines::{candle::CandleNetwork, cpu::CpuNetwork},
    error::Error,
    graph::Graph,
    network::Network,
    normaliser::Normaliser,
};

/// What runs a network.
///
/// ```
/// use models::Backend;
///
/// assert_eq!(Backend::default().to_string(), "cpu");
/// assert_eq!(Backend::candle_cpu().to_string(), "cpu-plain");
/// ```
#[derive(Debug, Clone)]
pub enum Backend {
    /// The CPU, with operations of our own in a layout of our own: the fast one there. It has no TF32: that is computed in f32.
    Cpu(Precision),
    /// candle's tensors on a device, with the operations of [`kernels::device`].
    Candle {
        /// Where weights are and images go.
        device: Device,
        /// How products are computed.
        precision: Precision,
    },
}

impl Default for Backend {
    /// The CPU, in f32.
    fn default() -> Self {
        Self::Cpu(Precision::Full)
    }
}

impl Backend {
    /// A CUDA device, by its number.
    ///
    /// # Errors
    /// If this build has no CUDA, or the system has no such device or driver.
    pub fn cuda(number: usize, precision: Precision) -> Result<Self, Error> {
        Ok(Self::Candle { device: Device::new_cuda(number)?, precision })
    }

    /// What CUDA devices run, on the CPU: to compare with.
    pub fn candle_cpu() -> Self {
        Self::Candle { device: Device::Cpu, precision: Precision::Full }
    }

    /// Where weights are.
    pub fn device(&self) -> &Device {
        match self {
            Self::Cpu(_) => &Device::Cpu,
            Self::Candle { device, .. } => device,
        }
    }

    pub(crate) fn network(&self, graph: &Graph, normaliser: Normaliser) -> Result<Box<dyn Network>, Error> {
        Ok(match self {
            Self::Cpu(precision) => Box::new(CpuNetwork::new(graph, normaliser, *precision)),
            Self::Candle { device, precision } => {
                Box::new(CandleNetwork::new(graph, normaliser, device, *precision)?)
            }
        })
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.device().location()) {
            (Self::Cpu(_), _) => write!(f, "cpu"),
            (_, candle_core::DeviceLocation::Cuda { gpu_id }) => write!(f, "cuda:{gpu_id}"),
            (_, candle_core::DeviceLocation::Metal { gpu_id }) => write!(f, "metal:{gpu_id}"),
            (_, candle_core::DeviceLocation::Cpu) => write!(f, "cpu-plain"),
        }
    }
}
