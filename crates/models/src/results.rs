//! What passes over a network give.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::error::Error;

/// A forward pass in evaluation mode. Tensors are on the classifier's device.
#[derive(Debug)]
pub struct Evaluation {
    /// Mean cross-entropy over the batch, in nats.
    pub loss: f32,
    /// (N, classes).
    pub logits: Tensor,
    /// (N, features): the input of the linear head; of a network that ends in a convolution, its last activations.
    pub latent: Tensor,
}

/// The gradient of the batch's mean loss, or of each image's own, with respect to its pixels. Tensors are on the classifier's device.
#[derive(Debug)]
pub struct InputGradient {
    /// Mean cross-entropy over the batch, in nats.
    pub loss: f32,
    /// (N, classes).
    pub logits: Tensor,
    /// (N, 3, H, W): ∂loss/∂pixel, pixels in [0, 1].
    pub gradient: Tensor,
}

/// The gradient of the batch's mean loss with respect to the parameters. Tensors are on the classifier's device.
#[derive(Debug)]
pub struct ParameterGradients {
    /// A scalar.
    loss: Tensor,
    /// (N, classes).
    pub logits: Tensor,
    /// By parameter name; same shapes as the parameters.
    pub gradients: BTreeMap<String, Tensor>,
}

impl ParameterGradients {
    pub(crate) fn new(loss: Tensor, logits: Tensor, gradients: BTreeMap<String, Tensor>) -> Self {
        Self { loss, logits, gradients }
    }

    /// Mean cross-entropy over the batch, in nats. Waits for a device that is still at work.
    ///
    /// # Errors
    /// If the device failed.
    pub fn loss(&self) -> Result<f32, Error> {
        Ok(self.loss.to_scalar()?)
    }
}
