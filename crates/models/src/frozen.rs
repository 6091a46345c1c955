//! A network whose weights stand still.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use candle_core::{Device, Tensor};
use kernels::blocked::cross_entropy;

use crate::{
    Error,
    classifier::{batch, borrow},
    engine::{Engine, Mode, Packed, Pass, Pixels, Purpose},
};

/// A classifier in evaluation mode: its weights are packed once, for any number of batches.
#[derive(Debug)]
pub struct Frozen {
    engine: Arc<Engine>,
    values: BTreeMap<String, Vec<f32>>,
    classes: usize,
    for_evaluation: OnceLock<Packed>,
    for_pixels: OnceLock<Packed>,
}

/// A forward pass in evaluation mode.
#[derive(Debug)]
pub struct Evaluation {
    /// Mean cross-entropy over the batch, in nats.
    pub loss: f32,
    /// (N, classes).
    pub logits: Tensor,
    /// (N, features): the input of the linear head; of a network that ends in a convolution, its last activations.
    pub latent: Tensor,
}

/// The gradient of the batch's mean loss with respect to its pixels.
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
    pub(crate) fn new(engine: Arc<Engine>, values: BTreeMap<String, Vec<f32>>, classes: usize) -> Self {
        Self { engine, values, classes, for_evaluation: OnceLock::new(), for_pixels: OnceLock::new() }
    }

    /// Logits, latent features and loss.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W) or too small for the network, or has other labels than images.
    pub fn evaluate(&self, images: &Tensor, labels: &[u32]) -> Result<Evaluation, Error> {
        let (pixels, dims) = batch(&self.engine, images, labels, self.classes)?;
        let weights = borrow(&self.values);
        let packed = self.for_evaluation.get_or_init(|| self.engine.pack(&weights, Purpose::Evaluation));
        let pixels = Pixels { values: &pixels, dims };
        let pass =
            Pass { weights: &weights, packed, mode: Mode::Evaluate, purpose: Purpose::Evaluation, key: 0 };
        let tape = self.engine.forward(pixels, pass);
        let (loss, _) = cross_entropy(&tape.logits, labels);
        Ok(Evaluation { loss, logits: rows(tape.logits, labels)?, latent: rows(tape.latent, labels)? })
    }

    /// The gradient with respect to the pixels; no parameter's gradient is computed.
    ///
    /// # Errors
    /// As [`Frozen::evaluate`].
    pub fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<InputGradient, Error> {
        let (pixels, dims) = batch(&self.engine, images, labels, self.classes)?;
        let weights = borrow(&self.values);
        let packed = self.for_pixels.get_or_init(|| self.engine.pack(&weights, Purpose::Pixels));
        let pixels = Pixels { values: &pixels, dims };
        let pass = Pass { weights: &weights, packed, mode: Mode::Evaluate, purpose: Purpose::Pixels, key: 0 };
        let tape = self.engine.forward(pixels, pass);
        let logits = rows(tape.logits.clone(), labels)?;
        let (loss, gradient) = cross_entropy(&tape.logits, labels);
        let found = self.engine.backward(tape, &gradient, pass);
        Ok(InputGradient {
            loss,
            logits,
            gradient: Tensor::from_vec(found.pixels, images.shape(), &Device::Cpu)?,
        })
    }
}

/// One row an image.
fn rows(values: Vec<f32>, labels: &[u32]) -> Result<Tensor, Error> {
    let columns = values.len() / labels.len();
    Ok(Tensor::from_vec(values, (labels.len(), columns), &Device::Cpu)?)
}
