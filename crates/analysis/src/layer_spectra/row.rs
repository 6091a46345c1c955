//! What is found of a network.

use serde::{Deserialize, Serialize};

/// What was found of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSpectraRow {
    /// How many images were measured.
    pub images: u64,
    /// Its blocks, from the pixels to the logits; those that leave a single pixel are left out.
    pub blocks: Vec<BlockSpectrum>,
}

/// What a block leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockSpectrum {
    /// The module that it ends with.
    pub name: String,
    /// Rows and columns.
    pub size: [usize; 2],
    /// log E|F z| along the diagonal, from zero to the highest frequency, less its value at zero, in nats. What a block leaves may be zero at
    /// some frequencies: these have none.
    pub log_amplitude: Vec<Option<f64>>,
    /// The value at the highest frequency, Δ.
    pub delta: Option<f64>,
    /// Its 95 % interval.
    pub delta_interval: Option<[f64; 2]>,
}
