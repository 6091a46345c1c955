//! What is in a checkpoint.

use std::path::{Path, PathBuf};

use files::{Action, failed};
use models::Architecture;
use serde_json::{Value, json};

use crate::{
    Error,
    weights::{StoredTensor, Weights, stored_tensors},
};

/// A checkpoint that was read, and what it may be.
#[derive(Debug)]
pub struct InspectedCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its weights.
    pub weights: Weights,
    /// The architectures that the weights fit, with the number of classes.
    pub fits: Vec<(Architecture, usize)>,
    /// All tensors as the file has them.
    pub tensors: Vec<StoredTensor>,
}

impl InspectedCheckpoint {
    /// Reads a checkpoint; its architecture is the given one, or guessed by the shapes.
    ///
    /// # Errors
    /// If it cannot be read, or does not fit the given architecture.
    pub fn read(path: &Path, architecture: Option<Architecture>) -> Result<Self, Error> {
        let (tensors, weights) = (stored_tensors(path)?, Weights::read(path)?);
        let bytes = path.metadata().map_err(failed(Action::Read, path))?.len();
        let shapes = weights.shapes();
        let fits = match architecture {
            Some(architecture) => {
                let classes = architecture.classes(&shapes).unwrap_or(1);
                let fit = architecture.check_fit(classes, &shapes);
                fit.map_err(|source| Error::Network { path: path.to_owned(), source })?;
                vec![(architecture, classes)]
            }
            None => Architecture::guess(&shapes),
        };
        Ok(Self { path: path.to_owned(), bytes, weights, fits, tensors })
    }

    /// Numbers that are learned.
    pub fn parameters(&self) -> usize {
        self.count(false)
    }

    /// Numbers that are tracked: means and variances of batch-norm.
    pub fn statistics(&self) -> usize {
        self.count(true)
    }

    fn count(&self, tracked: bool) -> usize {
        let is_statistic = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
        let of_kind = self.weights.tensors.iter().filter(|(name, _)| is_statistic(name) == tracked);
        of_kind.map(|(_, tensor)| tensor.elem_count()).sum()
    }

    /// All of it but the values.
    pub fn json(&self) -> Value {
        let info = &self.weights.info;
        let fits = self.fits.iter().map(|(arch, classes)| json!({"arch": arch.name(), "classes": classes}));
        json!({
            "file": self.path,
            "format": self.weights.format,
            "bytes": self.bytes,
            "architectures": fits.collect::<Vec<_>>(),
            "parameters": self.parameters(),
            "statistics": self.statistics(),
            "dataset": info.dataset,
            "epoch": info.epoch,
            "nat_prec1": info.nat_prec1,
            "normaliser": self.weights.normaliser.map(|found| json!({"mean": found.mean(), "std": found.std()})),
            "tensors": self.tensors,
        })
    }
}
