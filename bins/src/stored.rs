//! Weights out of files, ours (`.safetensors`) or PyTorch's (`.pt`, `.pth`), whatever they are named.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use anyhow::Context;
use candle_core::Tensor;
use models::{Normaliser, Shapes, TorchFile};
use training::{Checkpoint, CheckpointInfo};

/// What a checkpoint file holds.
#[derive(Debug)]
pub(crate) struct StoredWeights {
    /// What kind of file it is, as people call it.
    pub format: String,
    /// Parameters and batch-norm statistics, f32, by PyTorch's names.
    pub tensors: BTreeMap<String, Tensor>,
    /// The normaliser, where the file names one.
    pub normaliser: Option<Normaliser>,
    /// What else the file says of itself.
    pub info: CheckpointInfo,
}

impl StoredWeights {
    /// Reads a checkpoint by what it is, whatever its name.
    ///
    /// # Errors
    /// If it cannot be read; the message names the file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        if is_torch(path)? { Self::of_torch(TorchFile::open(path)?) } else { Self::of_safetensors(path) }
    }

    fn of_torch(file: TorchFile) -> anyhow::Result<Self> {
        let format = format!("PyTorch, {} format", file.format());
        let found = file.load()?;
        let (epoch, nat_prec1) = (found.epoch, found.nat_prec1);
        let info = CheckpointInfo { epoch, nat_prec1, ..CheckpointInfo::default() };
        Ok(Self { format, tensors: found.weights, normaliser: found.normaliser, info })
    }

    fn of_safetensors(path: &Path) -> anyhow::Result<Self> {
        let Checkpoint { tensors, info } = Checkpoint::load(path)?;
        let info = info.unwrap_or_default();
        let normaliser = info.mean.zip(info.std).map(|(mean, std)| Normaliser::new(mean, std)).transpose();
        let normaliser = normaliser.with_context(|| path.display().to_string())?;
        let named = tensors
            .into_iter()
            .filter_map(|(key, tensor)| Some((models::canonical_name(&key)?.to_owned(), tensor)));
        Ok(Self { format: "safetensors".to_owned(), tensors: named.collect(), normaliser, info })
    }

    /// Names and shapes.
    pub(crate) fn shapes(&self) -> Shapes {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect()
    }
}

/// A tensor as the file has it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct StoredTensor {
    /// Its key, prefixes included.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub dtype: String,
}

/// The tensors of a file, in its order.
///
/// # Errors
/// If it cannot be read; the message names the file.
pub(crate) fn tensors(path: &Path) -> anyhow::Result<Vec<StoredTensor>> {
    if !is_torch(path)? {
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

/// The epoch that a file says it is of.
pub(crate) fn epoch(path: &Path) -> Option<usize> {
    match is_torch(path).ok()? {
        true => TorchFile::open(path).ok()?.epoch(),
        false => CheckpointInfo::of(path)?.epoch,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
