//! A network whose weights stand still.

use candle_core::Tensor;

use crate::{
    Error,
    backend::{Batch, FrozenNetwork},
};

/// A classifier in evaluation mode: its weights are made ready once, for any number of batches.
#[derive(Debug)]
pub struct Frozen {
    network: Box<dyn FrozenNetwork>,
    classes: usize,
}

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

/// The gradient of the batch's mean loss with respect to its pixels. Tensors are on the classifier's device.
#[derive(Debug)]
pub struct InputGradient {
    /// Mean cross-entropy over the batch, in nats.
    pub loss: f32,
    /// (N, classes).
    pub logits: Tensor,
    /// (N, 3, H, W): ∂loss/∂pixel, pixels in [0, 1].
    pub gradient: Tensor,
}

impl Frozen {
    pub(crate) fn new(network: Box<dyn FrozenNetwork>, classes: usize) -> Self {
        Self { network, classes }
    }

    /// Logits, latent features and loss.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W) or too small for the network, or has other labels than images.
    pub fn evaluate(&self, images: &Tensor, labels: &[u32]) -> Result<Evaluation, Error> {
        self.network.evaluate(self.batch(images, labels)?)
    }

    /// The gradient with respect to the pixels; no parameter's gradient is computed.
    ///
    /// # Errors
    /// As [`Frozen::evaluate`].
    pub fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<InputGradient, Error> {
        self.network.input_gradient(self.batch(images, labels)?)
    }

    fn batch<'a>(&self, images: &'a Tensor, labels: &'a [u32]) -> Result<Batch<'a>, Error> {
        Batch::new(images, labels, self.classes, |size| self.network.fits(size))
    }
}
