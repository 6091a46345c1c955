//! Networks that somebody else computes: a model of another library, behind two functions.

use std::fmt::Debug;

use candle_core::{DType, Device, Tensor};

use crate::{
    batch::{Batch, Images},
    error::{Error, ForeignError},
    network::{FrozenNetwork, GradientOf, Visit},
    results::{Evaluation, InputGradient},
};

/// A network that somebody else computes. Images are (N, 3, H, W) f32 in [0, 1], on the CPU: a normaliser is part of the network.
pub trait ForeignNetwork: Debug + Send + Sync {
    /// How many classes it has.
    fn classes(&self) -> usize;

    /// The logits (N, classes), in evaluation mode.
    ///
    /// # Errors
    /// Whatever it reports.
    fn logits(&self, images: &Tensor) -> Result<Tensor, ForeignError>;

    /// The gradient of each image's own cross-entropy with respect to its pixels, (N, 3, H, W).
    ///
    /// # Errors
    /// Whatever it reports.
    fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor, ForeignError>;

    /// The same times any positive number of each image's own, for what only asks for the direction: where a network is sure, the
    /// gradient itself may leave the range of its numbers.
    ///
    /// # Errors
    /// Whatever it reports.
    fn scaled_input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor, ForeignError> {
        self.input_gradient(images, labels)
    }
}

/// Such a network in the place of an engine.
#[derive(Debug)]
pub(crate) struct Foreign<N>(pub(crate) N);

impl<N: ForeignNetwork> Foreign<N> {
    fn checked_logits(&self, images: Images<'_>) -> Result<Tensor, Error> {
        let logits = self.0.logits(images.0).map_err(Error::Foreign)?;
        let expected = [images.count(), self.0.classes()];
        plain("logits", &logits, &expected)
    }

    /// Mean cross-entropy in nats, and the logits.
    fn loss(&self, batch: Batch<'_>) -> Result<(f32, Tensor), Error> {
        let logits = self.checked_logits(batch.images)?;
        let (loss, _) = kernels::device::scaled_cross_entropy(&logits, batch.labels)?;
        Ok((loss, logits))
    }
}

/// Numbers of somebody else as f32 on the CPU, if they have the right shape.
fn plain(what: &'static str, found: &Tensor, expected: &[usize]) -> Result<Tensor, Error> {
    if found.dims() != expected {
        return Err(Error::ForeignShape { what, found: found.dims().to_vec(), expected: expected.to_vec() });
    }
    Ok(found.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.contiguous()?)
}

impl<N: ForeignNetwork> FrozenNetwork for Foreign<N> {
    fn fits(&self, _size: [usize; 2]) -> bool {
        true
    }

    fn logits(&self, images: Images<'_>) -> Result<Tensor, Error> {
        self.checked_logits(images)
    }

    fn evaluate(&self, batch: Batch<'_>) -> Result<Evaluation, Error> {
        let (loss, logits) = self.loss(batch)?;
        Ok(Evaluation { loss, latent: logits.clone(), logits })
    }

    /// What lies between pixels and logits is not known.
    fn blocks(&self) -> Vec<String> {
        Vec::new()
    }

    fn visit_blocks(&self, _images: Images<'_>, _visit: &mut Visit<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn input_gradient(&self, batch: Batch<'_>, of: GradientOf) -> Result<InputGradient, Error> {
        let (loss, logits) = self.loss(batch)?;
        let gradient = match of {
            GradientOf::Mean => self.0.input_gradient(batch.images.0, batch.labels),
            GradientOf::Scaled => self.0.scaled_input_gradient(batch.images.0, batch.labels),
        };
        let gradient = plain("a pixel gradient", &gradient.map_err(Error::Foreign)?, batch.images.0.dims())?;
        let share = match of {
            GradientOf::Mean => 1.0 / batch.images.count() as f64,
            GradientOf::Scaled => 1.0,
        };
        let gradient = (gradient * share)?;
        Ok(InputGradient { loss, logits, gradient })
    }

    fn vector_jacobian_product(&self, _images: Images<'_>, _gradient: &Tensor) -> Result<Tensor, Error> {
        Err(Error::NoJacobian)
    }
}
