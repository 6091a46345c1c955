//! Trains ResNet-20 on synthetic images for an epoch: a [`Learner`] and a [`Source`] of your own, moved by [`Trainer`].
//!
//! `cargo run -p examples --example train_classifier -- train_classifier`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::{collections::BTreeMap, path::PathBuf, sync::atomic::AtomicBool};

use candle_core::{Device, Error, Result, Tensor, Var};
use datasets::{Augmentation, Batch, BatchOptions, Dataset, Order, synthetic::Synthetic};
use models::{Architecture, Classifier, Normaliser};
use training::{CheckpointInfo, Learned, Learner, RunFolder, Schedule, Source, Start, Tally, Trainer};

fn main() -> anyhow::Result<()> {
    let path = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "train_classifier".to_owned()));
    let (architecture, normaliser): (Architecture, _) = ("resnet20".parse()?, Normaliser::CIFAR10);
    let weights = training::initialise(&architecture.graph(10).shapes(), 0)?;
    let mut network = Network(Classifier::new(architecture, 10, normaliser, &weights)?);
    let images = Images(Synthetic { seed: 0, train: 1280, test: 256 }.generate());
    let info = CheckpointInfo {
        epoch: None,
        arch: Some(architecture.name().to_owned()),
        dataset: Some(images.0.name.clone()),
        classes: Some(10),
        mean: Some(normaliser.mean()),
        std: Some(normaliser.std()),
        nat_prec1: None,
        seed: Some(0),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (lr, momentum, weight_decay, schedule) = (0.05, 0.9, 5e-4, Schedule::Constant);
    let (epochs, batch_size, config) = (1, BATCH, Default::default());
    let trainer = Trainer {
        epochs,
        lr,
        momentum,
        weight_decay,
        schedule,
        batch_size,
        checkpoint_every: 1,
        learner: String::new(),
        info,
        config,
    };
    let folder = RunFolder::begin(path, Start::Overwrite)?;
    trainer.run(&mut network, &images, &folder, &AtomicBool::new(false), &mut |_| Ok(()))?;
    let metrics = folder.metrics()?.pop().expect("a line of each epoch");
    println!("{:.3} nats, {:.1} images/s", metrics.train_loss, metrics.images_per_second);
    println!("wrote {}", folder.checkpoint_path(0).display());
    assert!(metrics.train_loss < 10f64.ln(), "better than guessing: {}", metrics.train_loss);
    Ok(())
}

const BATCH: usize = 64;

/// The network that learns.
struct Network(Classifier);

impl Learner for Network {
    type Batch = Batch;

    fn parameters(&self) -> &BTreeMap<String, Var> {
        self.0.parameters()
    }

    fn buffers(&self) -> &BTreeMap<String, Var> {
        self.0.buffers()
    }

    fn learn(&mut self, batch: &Batch) -> Result<Learned> {
        let found = self.0.parameter_gradients(&pixels(batch)?, &batch.labels).map_err(Error::wrap)?;
        Ok(Learned {
            tally: tally(found.loss().map_err(Error::wrap)?, &found.logits, batch)?.into(),
            gradients: found.gradients,
        })
    }

    fn evaluate(&mut self, batch: &Batch) -> Result<Tally> {
        let frozen = self.0.freeze().map_err(Error::wrap)?;
        let found = frozen.evaluate(&pixels(batch)?, &batch.labels).map_err(Error::wrap)?;
        tally(found.loss, &found.logits, batch)
    }
}

fn pixels(batch: &Batch) -> Result<Tensor> {
    Tensor::from_slice(&batch.images, (batch.len(), 3, 32, 32), &Device::Cpu)
}

/// What a batch gave: `loss` is its mean, a label is found if fewer classes score higher than are asked for.
fn tally(loss: f32, logits: &Tensor, batch: &Batch) -> Result<Tally> {
    let rows = logits.to_vec2::<f32>()?;
    let higher =
        |(row, &label): (&Vec<f32>, &u32)| row.iter().filter(|&&score| score > row[label as usize]).count();
    let ranks: Vec<usize> = rows.iter().zip(&batch.labels).map(higher).collect();
    let within = |best: usize| ranks.iter().filter(|&&rank| rank < best).count();
    let loss_sum = f64::from(loss) * batch.len() as f64;
    Ok(Tally { examples: batch.len(), loss_sum, correct: within(1), correct5: within(5) })
}

/// Where its batches come from.
struct Images(Dataset);

impl Source for Images {
    type Batch = Batch;

    fn train(&self, epoch: usize, start_batch: usize) -> impl Iterator<Item = Result<Batch>> {
        let order = Order::Shuffled { seed: 0, epoch: epoch as u64 };
        let augmentation = Some(Augmentation::default());
        let shared = BatchOptions { batch_size: BATCH, ..BatchOptions::default() };
        self.0
            .train
            .batches(BatchOptions { order, augmentation, start_batch, ..shared })
            .map(|batch| batch.map_err(candle_core::Error::wrap))
    }

    fn train_batches(&self) -> usize {
        self.train_images().div_ceil(BATCH)
    }

    fn train_images(&self) -> usize {
        self.0.train.len()
    }

    fn test_images(&self) -> usize {
        self.0.test.len()
    }

    fn test(&self) -> impl Iterator<Item = Result<Batch>> {
        self.0.test.batches(BatchOptions::default()).map(|batch| batch.map_err(candle_core::Error::wrap))
    }
}
