//! Where the data set, the network and the trainer meet: none of their crates knows another.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use candle_core::{Tensor, Var};
use datasets::{Batch, Dataset};
use models::{Architecture, Attack, Backend, Classifier, Frozen, Normaliser};
use training::{BatchTally, Learned, Learner, Source, Tally};

use crate::{
    adversary,
    backend::explained,
    data,
    feed::{self, Fed, Feed},
    flags::DataFlags,
    resident::ResidentSets,
    session::Session,
    stored::StoredWeights,
};

/// A fresh network with seeded weights.
///
/// # Errors
/// If the weights cannot be drawn.
pub(crate) fn fresh(
    architecture: Architecture,
    classes: usize,
    normaliser: Normaliser,
    seed: u64,
    backend: &Backend,
) -> anyhow::Result<Classifier> {
    let weights = training::initialise(&architecture.graph(classes).shapes(), seed)?;
    Ok(Classifier::on(backend, architecture, classes, normaliser, &weights)?)
}

/// A network with the weights of a file, for evaluation. Says so where it was trained on another data set.
///
/// # Errors
/// If the file cannot be read or holds another network's weights; the message names it.
pub(crate) fn open(
    path: &Path,
    data: &DataFlags,
    arch: Architecture,
    classes: usize,
    session: &Session,
) -> anyhow::Result<Frozen> {
    let stored = StoredWeights::read(path)?;
    let normaliser = stored.normaliser.unwrap_or_else(|| data::normaliser(data.dataset));
    let measured_on = data.dataset.as_str();
    if let Some(other) = stored.info.dataset.filter(|trained_on| trained_on != measured_on) {
        let path = path.display();
        session
            .terminal
            .note(&format!("note: {path} was trained on {other} and is measured on {measured_on}"));
    }
    let classifier = Classifier::on(&session.backend, arch, classes, normaliser, &stored.tensors);
    Ok(classifier.with_context(|| path.display().to_string())?.freeze()?)
}

/// A classifier as the trainer sees it. While it is evaluated its weights are packed once for all batches.
#[derive(Debug)]
pub(crate) struct ClassifierLearner {
    classifier: Classifier,
    frozen: Option<Frozen>,
    adversary: Adversary,
    /// What dropout draws from.
    seed: u64,
    /// Whether results are there as soon as they are returned.
    is_immediate: bool,
}

/// Who changes images before a network sees them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Adversary {
    /// Those that it learns from.
    pub training: Option<Attack>,
    /// Those that it is tested on, besides the images themselves.
    pub testing: Option<Attack>,
}

impl Adversary {
    /// All that it does.
    pub(crate) fn attacks(&self) -> impl Iterator<Item = &Attack> {
        self.training.iter().chain(&self.testing)
    }
}

impl ClassifierLearner {
    /// A learner that trains this classifier; the seed decides what dropout drops.
    pub(crate) fn new(classifier: Classifier, adversary: Adversary, seed: u64) -> Self {
        let is_immediate = classifier.parameters().values().all(|parameter| parameter.device().is_cpu());
        Self { classifier, frozen: None, adversary, seed, is_immediate }
    }

    /// The network as it is now; kept until it learns.
    fn frozen(&mut self) -> candle_core::Result<&Frozen> {
        let frozen = match self.frozen.take() {
            Some(frozen) => frozen,
            None => self.classifier.freeze().map_err(candle_core::Error::wrap)?,
        };
        Ok(self.frozen.insert(frozen))
    }

    /// The images of a batch, changed if someone attacks.
    fn seen(&mut self, batch: &Fed, attack: Option<Attack>) -> candle_core::Result<Tensor> {
        let Some(attack) = attack else { return Ok(batch.images.clone()) };
        adversary::attacked(&attack, self.frozen()?, batch).map_err(|error| explained(error, batch.len()))
    }

    fn evaluate_on(&mut self, images: &Tensor, labels: &[u32]) -> candle_core::Result<Tally> {
        let found = self.frozen()?.evaluate(images, labels);
        let found = found.map_err(|error| explained(error, labels.len()))?;
        tally(found.loss, &found.logits, labels)
    }
}

impl Learner for ClassifierLearner {
    type Batch = Fed;

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

    fn learn(&mut self, batch: &Fed) -> candle_core::Result<Learned> {
        let images = self.seen(batch, self.adversary.training)?;
        self.frozen = None;
        let found = self.classifier.parameter_gradients(&images, &batch.labels);
        let mut found = found.map_err(|error| explained(error, batch.len()))?;
        let (gradients, labels) = (std::mem::take(&mut found.gradients), batch.labels.clone());
        let ask = move || tally(found.loss().map_err(candle_core::Error::wrap)?, &found.logits, &labels);
        let tally = if self.is_immediate { ask()?.into() } else { BatchTally::Later(Box::new(ask)) };
        Ok(Learned { tally, gradients })
    }

    fn evaluate(&mut self, batch: &Fed) -> candle_core::Result<Tally> {
        self.evaluate_on(&batch.images, &batch.labels)
    }

    fn evaluate_attacked(&mut self, batch: &Fed) -> candle_core::Result<Option<Tally>> {
        let Some(attack) = self.adversary.testing else { return Ok(None) };
        let images = self.seen(batch, Some(attack))?;
        self.evaluate_on(&images, &batch.labels).map(Some)
    }
}

/// The batches of a data set as the trainer asks for them.
#[derive(Debug)]
pub(crate) struct DatasetSource<'a> {
    /// The images.
    pub dataset: &'a Dataset,
    /// Batch size and workers.
    pub flags: &'a DataFlags,
    /// The seed of order and augmentation.
    pub seed: u64,
    /// Who changes images before the network sees them.
    pub adversary: Adversary,
    /// The way to the device.
    pub feed: Feed,
    /// The images, if they are on the device already.
    pub resident: Option<ResidentSets>,
}

impl DatasetSource<'_> {
    /// Where batches with pixels go: those that an adversary changes stay with it.
    fn fed<'a>(
        &'a self,
        batches: impl Iterator<Item = candle_core::Result<Batch>> + 'a,
        attack: Option<&Attack>,
    ) -> FedBatches<'a> {
        if attack.is_some() {
            return Box::new(feed::on_host(batches));
        }
        self.feed.batches(batches).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
    }
}

type FedBatches<'a> = Box<dyn Iterator<Item = candle_core::Result<Fed>> + 'a>;

impl Source for DatasetSource<'_> {
    type Batch = Fed;

    fn train(&self, epoch: usize, start: usize) -> impl Iterator<Item = candle_core::Result<Fed>> {
        let (train, pixels) = (&self.dataset.train, self.resident.is_none());
        let batches = data::training_batches(train, self.flags, self.seed, epoch, start, pixels);
        let batches = batches.map(|batch| batch.map_err(candle_core::Error::wrap));
        match &self.resident {
            Some(resident) => Box::new(batches.map(|batch| resident.train(batch?))) as FedBatches<'_>,
            None => self.fed(batches, self.adversary.training.as_ref()),
        }
    }

    fn train_batches(&self) -> usize {
        self.dataset.train.len().div_ceil(data::training_batch_size(self.flags))
    }

    fn train_images(&self) -> usize {
        self.dataset.train.len()
    }

    fn test_images(&self) -> usize {
        self.dataset.test.len()
    }

    fn images_checksum(&self) -> u32 {
        self.dataset.checksum()
    }

    fn test(&self) -> impl Iterator<Item = candle_core::Result<Fed>> {
        let (test, size) = (&self.dataset.test, data::training_batch_size(self.flags));
        let wrapped = |batch: Result<Batch, _>| batch.map_err(candle_core::Error::wrap);
        match &self.resident {
            Some(resident) => {
                let batches = data::test_indices(test, size).map(wrapped);
                Box::new(batches.map(|batch| resident.test(batch?))) as FedBatches<'_>
            }
            None => {
                let batches = data::test_batches(test, size, self.flags.workers).map(wrapped);
                self.fed(batches, self.adversary.testing.as_ref())
            }
        }
    }
}

/// Counts what a batch got right. `loss` is the batch's mean.
///
/// # Errors
/// If the logits are not (B, classes).
pub(crate) fn tally(loss: f32, logits: &Tensor, labels: &[u32]) -> candle_core::Result<Tally> {
    let rows = logits.to_vec2::<f32>()?;
    let ranks: Vec<usize> = rows.iter().zip(labels).map(|(row, &label)| rank(row, label as usize)).collect();
    let within = |limit: usize| ranks.iter().filter(|&&rank| rank < limit).count();
    let loss_sum = f64::from(loss) * labels.len() as f64;
    Ok(Tally { examples: labels.len(), loss_sum, correct: within(1), correct5: within(5) })
}

/// How many classes score higher than the label; among equals the first class wins.
fn rank(row: &[f32], label: usize) -> usize {
    let Some(&own) = row.get(label) else { return row.len() };
    row.iter().enumerate().filter(|&(class, &score)| score > own || (score == own && class < label)).count()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn ranks_count_the_better_classes() {
        assert_eq!(rank(&[0.1, 0.7, 0.2], 1), 0);
        assert_eq!(rank(&[0.1, 0.7, 0.2], 0), 2);
        assert_eq!(rank(&[0.5, 0.5, 0.5], 2), 2, "ties go to the first class");
    }

    #[test]
    fn a_batch_is_counted_once_per_image() -> candle_core::Result<()> {
        let logits = Tensor::new(&[[3f32, 1., 2., 0., 0., 0.], [0., 5., 4., 3., 2., 1.]], &Device::Cpu)?;
        let found = tally(0.5, &logits, &[0, 5])?;
        assert_eq!((found.examples, found.correct, found.correct5), (2, 1, 2));
        assert!((found.loss_sum - 1.0).abs() < 1e-12);
        Ok(())
    }
}
