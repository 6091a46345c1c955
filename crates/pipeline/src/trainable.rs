//! A classifier as the trainer sees it.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use models::{Attack, Classifier, Frozen, Sharing};
use training::{BoxError, DeferredMetrics, StepOutput, Tally, TrainableModel};

use crate::{
    Adversary, DeviceBatch, Error,
    adversary::attacked,
    out_of_memory, tally,
    targets::{TargetedBatch, Targets},
};

/// A classifier that a [`training::Trainer`] trains. While it is evaluated its weights are packed once for all batches.
#[derive(Debug)]
pub struct TrainableClassifier {
    classifier: Classifier,
    frozen: Option<Frozen>,
    adversary: Adversary,
    targets: Targets,
    /// What dropout and mixing draw from.
    seed: u64,
    /// The next training step: epoch and batch.
    step: [u64; 2],
    /// Whether results are there as soon as they are returned.
    is_immediate: bool,
    sharing: Sharing,
}

impl TrainableClassifier {
    /// Trains this classifier on plain labels; the seed decides what dropout drops.
    pub fn new(classifier: Classifier, adversary: Adversary, seed: u64) -> Self {
        let is_immediate = classifier.parameters().values().all(|parameter| parameter.device().is_cpu());
        Self {
            classifier,
            frozen: None,
            adversary,
            targets: Targets::default(),
            seed,
            step: [0; 2],
            is_immediate,
            sharing: Sharing::default(),
        }
    }

    /// The same, that shares its training batches with other processes.
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.classifier.share(sharing.clone());
        Self { sharing, ..self }
    }

    /// The same on smoothed labels and mixed batches.
    pub fn with_targets(self, targets: Targets) -> Self {
        Self { targets, ..self }
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

    /// The images of a training batch as this process needs them: its own are changed if someone attacks.
    fn learned_from(&mut self, batch: &DeviceBatch) -> Result<Tensor, Error> {
        let (attack, own) = (self.adversary.training, self.sharing.own_images(batch.len()));
        if attack.is_none() || own == (0..batch.len()) {
            return self.seen(batch, attack);
        }
        let part = DeviceBatch {
            images: batch.images.narrow(0, own.start, own.len())?,
            labels: batch.labels[own.clone()].to_vec(),
        };
        let (_, channels, height, width) = batch.images.dims4()?;
        let place = [own, 0..channels, 0..height, 0..width];
        Ok(batch.images.slice_assign(&place, &self.seen(&part, attack)?)?)
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
        self.step = [epoch as u64, batch as u64];
        // More batches in an epoch than 2^32 nobody has.
        self.classifier.set_step(self.seed, (epoch as u64) << 32 | batch as u64);
    }

    fn weights_replaced(&mut self) {
        self.frozen = None;
    }

    fn learn(&mut self, batch: &DeviceBatch) -> Result<StepOutput, BoxError> {
        let images = self.learned_from(batch)?;
        self.frozen = None;
        let ([epoch, number], classes) = (self.step, self.classifier.classes());
        let targeted = self.targets.of(batch, images, classes, [self.seed, epoch, number]);
        let TargetedBatch { images, soft, labels } =
            targeted.map_err(|error| out_of_memory(error.into(), batch.len()))?;
        let found = match soft {
            Some(targets) => self.classifier.soft_parameter_gradients(&images, &targets),
            None => self.classifier.parameter_gradients(&images, &labels),
        };
        let mut found = found.map_err(|error| out_of_memory(error, batch.len()))?;
        let gradients = std::mem::take(&mut found.gradients);
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
