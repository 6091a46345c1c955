//! Where the data set, the network and the trainer meet: none of their crates knows another.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use anyhow::Context;
use candle_core::{Device, Tensor, Var};
use datasets::{Batch, Dataset};
use models::{Architecture, Classifier, Frozen, Normaliser};
use training::{Learned, Learner, Source, Tally};

use crate::{data, flags::DataFlags, terminal::Terminal};

/// A fresh network with seeded weights.
///
/// # Errors
/// If the weights cannot be drawn.
pub(crate) fn fresh(
    architecture: Architecture,
    classes: usize,
    normaliser: Normaliser,
    seed: u64,
) -> anyhow::Result<Classifier> {
    let weights = training::initialise(&architecture.graph(classes).shapes(), seed)?;
    Ok(Classifier::new(architecture, classes, normaliser, &weights)?)
}

/// The images of a batch as a tensor, (N, C, H, W), in [0, 1].
///
/// # Errors
/// If the batch is not as long as its shape says.
pub(crate) fn pixels(batch: &Batch) -> candle_core::Result<Tensor> {
    let shape = batch.shape;
    Tensor::from_slice(&batch.images, (batch.len(), shape.channels, shape.height, shape.width), &Device::Cpu)
}

/// Weights out of a file: ours (`.safetensors`) or PyTorch's (`.pt`, `.pth`).
#[derive(Debug)]
pub(crate) struct StoredWeights {
    /// Parameters and batch-norm statistics, by PyTorch's names.
    pub tensors: BTreeMap<String, Tensor>,
    /// The normaliser, where the file names one.
    pub normaliser: Option<Normaliser>,
    /// The data set that it was trained on, where the file says so.
    pub dataset: Option<String>,
}

impl StoredWeights {
    /// Reads a checkpoint by what it is, whatever its name.
    ///
    /// # Errors
    /// If it cannot be read; the message names the file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        if is_torch(path)? {
            let checkpoint = models::load_torch(path)?;
            let models::TorchCheckpoint { weights, normaliser } = checkpoint;
            return Ok(Self { tensors: weights, normaliser, dataset: None });
        }
        let checkpoint = training::Checkpoint::load(path)?;
        let info = checkpoint.info.as_ref();
        let normaliser = info.map(|info| Normaliser::new(info.mean, info.std)).transpose();
        let normaliser = normaliser.with_context(|| path.display().to_string())?;
        let tensors = checkpoint.tensors.into_iter();
        let named =
            tensors.filter_map(|(key, tensor)| Some((models::canonical_name(&key)?.to_owned(), tensor)));
        Ok(Self { normaliser, tensors: named.collect(), dataset: checkpoint.info.map(|info| info.dataset) })
    }
}

/// A network with the weights of a file, for evaluation. Says so where it was trained on another data set.
///
/// # Errors
/// If the file cannot be read or holds another network's weights; the message names it.
pub(crate) fn open(
    path: &Path,
    data: &DataFlags,
    arch: Architecture,
    dataset: &Dataset,
    terminal: Terminal,
) -> anyhow::Result<Frozen> {
    let stored = StoredWeights::read(path)?;
    let normaliser = stored.normaliser.unwrap_or_else(|| data::normaliser(data.dataset));
    let measured_on = data.dataset.as_str();
    if let Some(other) = stored.dataset.filter(|trained_on| trained_on != measured_on) {
        let path = path.display();
        terminal.note(&format!("note: {path} was trained on {other} and is measured on {measured_on}"));
    }
    let classifier = Classifier::new(arch, dataset.test.classes().len(), normaliser, &stored.tensors);
    Ok(classifier.with_context(|| path.display().to_string())?.freeze()?)
}

/// Whether a file is PyTorch's: a zip archive or a bare pickle, or one named so that is nothing else either.
fn is_torch(path: &Path) -> anyhow::Result<bool> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(9).read_to_end(&mut start));
    read.with_context(|| path.display().to_string())?;
    // The header of a safetensors file follows its length in eight bytes.
    let is_safetensors = start.get(8) == Some(&b'{');
    let is_named_so = path.extension().is_some_and(|extension| extension == "pt" || extension == "pth");
    Ok(start.starts_with(b"PK") || !is_safetensors && (is_named_so || start.starts_with(b"\x80")))
}

/// A classifier as the trainer sees it. While it is evaluated its weights are packed once for all batches.
#[derive(Debug)]
pub(crate) struct ClassifierLearner {
    classifier: Classifier,
    frozen: Option<Frozen>,
}

impl ClassifierLearner {
    /// A learner that trains this classifier.
    pub(crate) fn new(classifier: Classifier) -> Self {
        Self { classifier, frozen: None }
    }
}

impl Learner for ClassifierLearner {
    type Batch = Batch;

    fn parameters(&self) -> &BTreeMap<String, Var> {
        self.classifier.parameters()
    }

    fn buffers(&self) -> &BTreeMap<String, Var> {
        self.classifier.buffers()
    }

    fn learn(&mut self, batch: &Batch) -> candle_core::Result<Learned> {
        self.frozen = None;
        let found = self.classifier.parameter_gradients(&pixels(batch)?, &batch.labels);
        let found = found.map_err(candle_core::Error::wrap)?;
        Ok(Learned { tally: tally(found.loss, &found.logits, &batch.labels)?, gradients: found.gradients })
    }

    fn evaluate(&mut self, batch: &Batch) -> candle_core::Result<Tally> {
        let frozen = match self.frozen.take() {
            Some(frozen) => frozen,
            None => self.classifier.freeze().map_err(candle_core::Error::wrap)?,
        };
        let found = frozen.evaluate(&pixels(batch)?, &batch.labels).map_err(candle_core::Error::wrap)?;
        self.frozen = Some(frozen);
        tally(found.loss, &found.logits, &batch.labels)
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
}

impl Source for DatasetSource<'_> {
    type Batch = Batch;

    fn train(&self, epoch: usize, start: usize) -> impl Iterator<Item = candle_core::Result<Batch>> {
        data::training_batches(&self.dataset.train, self.flags, self.seed, epoch, start)
            .map(|batch| batch.map_err(candle_core::Error::wrap))
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

    fn test(&self) -> impl Iterator<Item = candle_core::Result<Batch>> {
        data::test_batches(&self.dataset.test, data::training_batch_size(self.flags), self.flags.workers)
            .map(|batch| batch.map_err(candle_core::Error::wrap))
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

    #[test]
    fn a_checkpoint_is_known_by_its_content() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let cases: [(&str, &[u8], bool); 5] = [
            ("zip.safetensors", b"PK\x03\x04 and so on", true),
            ("pickle.bin", b"\x80\x02}q\x00 and so on", true),
            ("ours.pt", b"\x80\x01\0\0\0\0\0\0{\"a\": 1}", false),
            ("nonsense.pt", b"nonsense", true),
            ("nonsense.safetensors", b"nonsense", false),
        ];
        for (name, content, expected) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, content)?;
            assert_eq!(is_torch(&path)?, expected, "{name}");
        }
        Ok(())
    }
}
