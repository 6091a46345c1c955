//! A classifier as the trainer sees it.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use models::{Attack, Classifier, Frozen};
use training::{BoxError, DeferredMetrics, StepOutput, Tally, TrainableModel};

use crate::{Adversary, DeviceBatch, Error, adversary::attacked, out_of_memory, tally};

/// A classifier that a [`training::Trainer`] trains. While it is evaluated its weights are packed once for all batches.
#[derive(Debug)]
pub struct TrainableClassifier {
    classifier: Classifier,
    frozen: Option<Frozen>,
    adversary: Adversary,
    /// What dropout draws from.
    seed: u64,
    /// Whether results are there as soon as they are returned.
    is_immediate: bool,
}

impl TrainableClassifier {
    /// Trains this classifier; the seed decides what dropout drops.
    pub fn new(classifier: Classifier, adversary: Adversary, seed: u64) -> Self {
        let is_immediate = classifier.parameters().values().all(|parameter| parameter.device().is_cpu());
        Self { classifier, frozen: None, adversary, seed, is_immediate }
    }

    /// The network as it is now; kept until it learns.
    fn frozen(&mut self) -> Result<&Frozen, Error> {
        let frozen = match self.frozen.take() {
            Some(frozen) => frozen,
            None => self.classifier.freeze()?,
        };
        Ok(self.frozen.insert(frozen))
    }

    /// The images of a batch, changed if someone attacks.
    fn seen(&mut self, batch: &DeviceBatch, attack: Option<Attack>) -> Result<Tensor, Error> {
        let Some(attack) = attack else { return Ok(batch.images.clone()) };
        attacked(&attack, self.frozen()?, batch).map_err(|error| out_of_memory(error, batch.len()))
    }

    fn evaluate_on(&mut self, images: &Tensor, labels: &[u32]) -> Result<Tally, Error> {
        let found = self.frozen()?.evaluate(images, labels);
        let found = found.map_err(|error| out_of_memory(error, labels.len()))?;
        Ok(tally(found.loss, &found.logits, labels)?)
    }
}

impl TrainableModel for TrainableClassifier {
    type Batch = DeviceBatch;

    fn parameters(&self) -> &BTreeMap<String, Var> {
        self.classifier.parameters()
    }

    fn buffers(&self) -> &BTreeMap<String, Var> {
        self.classifier.buffers()
    }

    fn begin_step(&mut self, epoch: usize, batch: usize) {
        // More batches in an epoch than 2^32 nobody has.
        self.classifier.set_step(self.seed, (epoch as u64) << 32 | batch as u64);
    }

    fn learn(&mut self, batch: &DeviceBatch) -> Result<StepOutput, BoxError> {
        let images = self.seen(batch, self.adversary.training)?;
        self.frozen = None;
        let found = self.classifier.parameter_gradients(&images, &batch.labels);
        let mut found = found.map_err(|error| out_of_memory(error, batch.len()))?;
        let (gradients, labels) = (std::mem::take(&mut found.gradients), batch.labels.clone());
        let ask = move || Ok(tally(found.loss()?, &found.logits, &labels)?);
        let tally = if self.is_immediate { ask()?.into() } else { DeferredMetrics::Later(Box::new(ask)) };
        Ok(StepOutput { tally, gradients })
    }

    fn evaluate(&mut self, batch: &DeviceBatch) -> Result<Tally, BoxError> {
        Ok(self.evaluate_on(&batch.images, &batch.labels)?)
    }

    fn evaluate_attacked(&mut self, batch: &DeviceBatch) -> Result<Option<Tally>, BoxError> {
        let Some(attack) = self.adversary.testing else { return Ok(None) };
        let images = self.seen(batch, Some(attack))?;
        Ok(Some(self.evaluate_on(&images, &batch.labels)?))
    }
}
