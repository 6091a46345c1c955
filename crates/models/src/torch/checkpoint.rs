//! What a checkpoint holds.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::normaliser::Normaliser;

/// What a PyTorch checkpoint of a classifier holds.
#[derive(Debug)]
pub struct TorchCheckpoint {
    /// Parameters and batch-norm statistics, f32, by the names that [`Graph::shapes`](crate::Graph::shapes) has.
    pub weights: BTreeMap<String, Tensor>,
    /// The normaliser, where the file carries one (those of the `robustness` library do).
    pub normaliser: Option<Normaliser>,
    /// The epoch after which it was taken, 0-based, where the file says so.
    pub epoch: Option<usize>,
    /// Accuracy on the test images, in percent, where the file says so.
    pub nat_prec1: Option<f64>,
}
