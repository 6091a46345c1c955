//! A network as the trainer sees it, and where its batches come from.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use crate::tally::Tally;

/// An error of a network or of its images, whose type the trainer does not know.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a batch gave, and the gradients of its mean loss by parameter.
#[derive(Debug)]
pub struct StepOutput {
    /// Loss and accuracy before the step.
    pub tally: DeferredMetrics,
    /// By parameter name.
    pub gradients: BTreeMap<String, Tensor>,
}

/// What a batch gave: known at once, or by a device that may still be at work on it.
pub enum DeferredMetrics {
    /// It is known.
    Known(Tally),
    /// It is asked for when the next step is under way, so that the device need not wait for the question.
    Later(Box<dyn FnOnce() -> Result<Tally, BoxError>>),
}

impl DeferredMetrics {
    pub(crate) fn wait(self) -> Result<Tally, BoxError> {
        match self {
            Self::Known(tally) => Ok(tally),
            Self::Later(ask) => ask(),
        }
    }
}

impl From<Tally> for DeferredMetrics {
    fn from(tally: Tally) -> Self {
        Self::Known(tally)
    }
}

impl std::fmt::Debug for DeferredMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(tally) => f.debug_tuple("Known").field(tally).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// A network as the trainer sees it.
pub trait TrainableModel {
    /// What it learns from at once.
    type Batch;

    /// What the optimiser moves.
    fn parameters(&self) -> &BTreeMap<String, Var>;

    /// What is saved but not optimised: batch-norm statistics.
    fn buffers(&self) -> &BTreeMap<String, Var>;

    /// Says which batch of which epoch is learned next: what is drawn for it must depend on nothing else, so that a run that is
    /// resumed goes on as it would have. Learners that draw nothing need not care.
    fn begin_step(&mut self, _epoch: usize, _batch: usize) {}

    /// Says that other values were put into parameters and buffers: what was kept of the earlier ones no longer holds.
    fn weights_replaced(&mut self) {}

    /// The gradients of a batch, in training mode.
    ///
    /// # Errors
    /// Those of the network, and of tensor operations.
    fn learn(&mut self, batch: &Self::Batch) -> Result<StepOutput, BoxError>;

    /// What a batch gives in evaluation mode.
    ///
    /// # Errors
    /// Those of the network, and of tensor operations.
    fn evaluate(&mut self, batch: &Self::Batch) -> Result<Tally, BoxError>;

    /// What a batch gives in evaluation mode once an adversary changed its images; absent without one.
    ///
    /// # Errors
    /// Those of the network, and of tensor operations.
    fn evaluate_attacked(&mut self, _batch: &Self::Batch) -> Result<Option<Tally>, BoxError> {
        Ok(None)
    }
}

/// Where batches come from. The batches of an epoch are the same whenever they are asked for; an error ends the run.
pub trait Source {
    /// What a model takes.
    type Batch;

    /// The training batches of an epoch, from batch `start` on.
    fn train(&self, epoch: usize, start: usize) -> impl Iterator<Item = Result<Self::Batch, BoxError>>;

    /// How many training batches an epoch has.
    fn train_batches(&self) -> usize;

    /// How many training images there are.
    fn train_images(&self) -> usize;

    /// How many test images there are.
    fn test_images(&self) -> usize;

    /// A checksum of all images and labels: a run is not resumed on other ones. Without one of its own a source is known
    /// by its numbers of images alone.
    fn images_checksum(&self) -> u32 {
        0
    }

    /// The test batches from number `first` on, every so-manieth: those of one of several processes that share them.
    fn test(&self, first: usize, every: usize) -> impl Iterator<Item = Result<Self::Batch, BoxError>>;
}
