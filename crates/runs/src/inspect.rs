//! What is in a checkpoint.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use candle_core::Tensor;
use checkpoints::{StoredTensor, Wanted};
use models::{Normaliser, Shapes};
use serde_json::{Value, json};

use crate::{Error, StoredWeights};

/// A checkpoint that was read, and what it may be.
#[derive(Debug)]
pub struct InspectedCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// Where its weights are, and what the file says of them.
    pub weights: StoredWeights,
    /// The weights themselves: a file whose numbers are damaged is no checkpoint.
    pub(crate) tensors: BTreeMap<String, Tensor>,
}

impl InspectedCheckpoint {
    /// Reads a checkpoint; its architecture is the one that is wanted, or guessed by names and shapes, and its normaliser the one
    /// that is given, or its own.
    ///
    /// # Errors
    /// If it cannot be read, or its weights are not those that are wanted.
    pub fn read(path: &Path, wanted: Wanted<'_>, given: Option<Normaliser>) -> Result<Self, Error> {
        let mut weights = StoredWeights::open(path, wanted, given)?;
        Ok(Self { path: path.to_owned(), tensors: weights.load()?, weights })
    }

    /// Numbers that are learned.
    pub fn parameters(&self) -> usize {
        count(&self.weights.shapes(), false)
    }

    /// Numbers that are tracked: means and variances of batch-norm.
    pub fn statistics(&self) -> usize {
        count(&self.weights.shapes(), true)
    }

    /// Tensors of the file that are none of the weights.
    pub fn others(&self) -> usize {
        self.weights.tensors_in_file() - self.weights.tensors().count()
    }

    /// All of it but the values.
    pub fn json(&self) -> Value {
        let weights = &self.weights;
        let fits =
            weights.fits().iter().map(|(arch, classes)| json!({"arch": arch.name(), "classes": classes}));
        let tensor = |tensor: &StoredTensor| json!({"key": tensor.key, "shape": tensor.shape, "dtype": tensor.kind.name()});
        let normaliser = weights
            .normaliser
            .as_ref()
            .map(|found| json!({"mean": found.value.mean(), "std": found.value.std(), "from": found.origin}));
        let notes = weights.notes().iter().map(ToString::to_string);
        let notes = notes.chain(weights.image_words()).chain(weights.not_done());
        json!({
            "file": self.path,
            "format": weights.format(),
            "bytes": weights.bytes(),
            "architectures": fits.collect::<Vec<_>>(),
            "parameters": self.parameters(),
            "statistics": self.statistics(),
            "dataset": weights.info.dataset,
            "epoch": weights.info.epoch,
            "nat_prec1": weights.info.nat_prec1,
            "best_prec1": weights.best_accuracy(),
            "normaliser": normaliser,
            "notes": notes.collect::<Vec<_>>(),
            "tensors": weights.tensors().map(tensor).collect::<Vec<_>>(),
        })
    }
}

fn count(shapes: &Shapes, tracked: bool) -> usize {
    let is_statistic = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
    let of_kind = shapes.iter().filter(|(name, _)| is_statistic(name) == tracked);
    of_kind.map(|(_, shape)| shape.iter().product::<usize>()).sum()
}
