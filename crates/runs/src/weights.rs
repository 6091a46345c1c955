//! Weights out of files, ours (`.safetensors`) or PyTorch's (`.pt`, `.pth`), whatever they are named.

use std::{collections::BTreeMap, path::Path};

use candle_core::Tensor;
use models::{Normaliser, Shapes, TorchFile};
use training::{Checkpoint, CheckpointInfo};

use crate::{
    Error,
    kind::{self, Kind},
};

/// What a checkpoint file holds.
#[derive(Debug)]
pub struct Weights {
    /// What kind of file it is, as people call it.
    pub format: String,
    /// Parameters and batch-norm statistics, f32, by PyTorch's names.
    pub tensors: BTreeMap<String, Tensor>,
    /// The normaliser, where the file names one.
    pub normaliser: Option<Normaliser>,
    /// What else the file says of itself.
    pub info: CheckpointInfo,
}

impl Weights {
    /// Reads a checkpoint by what it is, whatever its name. No code in it is run.
    ///
    /// # Errors
    /// If it cannot be read; the message names the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match kind::detect(path)? {
            Kind::Torch => Self::from_torch(TorchFile::open(path)?),
            Kind::Safetensors => Self::from_safetensors(path),
        }
    }

    fn from_torch(file: TorchFile) -> Result<Self, Error> {
        let format = format!("PyTorch, {} format", file.format());
        let found = file.load()?;
        let (epoch, nat_prec1) = (found.epoch, found.nat_prec1);
        let info = CheckpointInfo { epoch, nat_prec1, ..CheckpointInfo::default() };
        Ok(Self { format, tensors: found.weights, normaliser: found.normaliser, info })
    }

    fn from_safetensors(path: &Path) -> Result<Self, Error> {
        let Checkpoint { tensors, info } = Checkpoint::load(path)?;
        let info = info.unwrap_or_default();
        let normaliser = info.mean.zip(info.std).map(|(mean, std)| Normaliser::new(mean, std)).transpose();
        let normaliser = normaliser.map_err(|source| Error::Network { path: path.to_owned(), source })?;
        let named = tensors
            .into_iter()
            .filter_map(|(key, tensor)| Some((models::canonical_name(&key)?.to_owned(), tensor)));
        Ok(Self { format: "safetensors".to_owned(), tensors: named.collect(), normaliser, info })
    }

    /// Names and shapes.
    pub fn shapes(&self) -> Shapes {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect()
    }
}

/// A tensor as the file has it.
#[derive(Debug, serde::Serialize)]
pub struct StoredTensor {
    /// Its key, prefixes included.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub dtype: String,
}

/// The tensors of a checkpoint file, in its order, without their values.
///
/// # Errors
/// If it cannot be read; the message names the file.
pub fn stored_tensors(path: &Path) -> Result<Vec<StoredTensor>, Error> {
    if kind::detect(path)? == Kind::Safetensors {
        let found = training::stored_tensors(path)?;
        return Ok(found.into_iter().map(|(key, shape, dtype)| StoredTensor { key, shape, dtype }).collect());
    }
    let file = TorchFile::open(path)?;
    let stored = |tensor: &models::TorchTensor| {
        let (key, shape) = (tensor.key.clone(), tensor.shape.clone());
        StoredTensor { key, shape, dtype: tensor.dtype.to_owned() }
    };
    Ok(file.tensors().map(stored).collect())
}
