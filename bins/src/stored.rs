//! Weights out of files, ours (`.safetensors`) or PyTorch's (`.pt`, `.pth`), whatever they are named.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use anyhow::Context;
use candle_core::Tensor;
use models::{Normaliser, Shapes, TorchFile};
use training::{Checkpoint, CheckpointInfo};

use crate::{checkpoints, launch::UnusableFlags};

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
        match kind(path)? {
            Kind::Torch => Self::of_torch(TorchFile::open(path)?),
            Kind::Safetensors => Self::of_safetensors(path),
        }
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
    if kind(path)? == Kind::Safetensors {
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
    match kind(path).ok()? {
        Kind::Torch => TorchFile::open(path).ok()?.epoch(),
        Kind::Safetensors => CheckpointInfo::of(path)?.epoch,
    }
}

/// Which kind of checkpoint a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A zip archive, or pickles.
    Torch,
    Safetensors,
}

/// The kind that a file's first bytes say it is, whatever its name.
///
/// # Errors
/// If it cannot be read or is neither; the message says what it is, where its first bytes tell.
fn kind(path: &Path) -> anyhow::Result<Kind> {
    if path.is_dir() {
        let advice = checkpoints::in_folder(path);
        return Err(UnusableFlags(format!(
            "{}: this is a folder, not a checkpoint; {advice}",
            path.display()
        ))
        .into());
    }
    if path.exists() && !path.is_file() {
        return Err(UnusableFlags(format!(
            "{}: this is a pipe or a device, expected a file",
            path.display()
        ))
        .into());
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    read.with_context(|| path.display().to_string())?;
    // The header of a safetensors file follows its length in eight bytes.
    if start.get(8) == Some(&b'{') {
        return Ok(Kind::Safetensors);
    }
    if start.starts_with(b"PK") || start.starts_with(b"\x80") {
        return Ok(Kind::Torch);
    }
    Err(anyhow::anyhow!(
        "{}: this is {}, not a checkpoint; expected a .safetensors file, or PyTorch's .pt or .pth",
        path.display(),
        what_else(&start)
    ))
}

/// What people take for checkpoints, by how it begins.
const OTHERS: [(&[u8], &str); 14] = [
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"RIFF", "a WebP picture or a recording"),
    (b"\x1f\x8b", "a file compressed by gzip"),
    (b"\xfd7zXZ", "a file compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file (Keras, MATLAB)"),
    (b"GGUF", "a GGUF file"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
];

fn what_else(start: &[u8]) -> String {
    let known = OTHERS.iter().find(|(bytes, _)| start.starts_with(bytes));
    let is_text = || {
        // A character may be cut off where reading stopped.
        let text = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&start[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        text.is_some_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
    };
    match known {
        Some((_, name)) => (*name).to_owned(),
        None if start.is_empty() => "an empty file".to_owned(),
        None if is_text() => "a text".to_owned(),
        None => format!("a file that begins with the bytes {:02x?}", &start[..start.len().min(8)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_known_by_its_content() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let cases: [(&str, &[u8], Kind); 3] = [
            ("zip.safetensors", b"PK\x03\x04 and so on", Kind::Torch),
            ("pickle.bin", b"\x80\x02}q\x00 and so on", Kind::Torch),
            ("ours.pt", b"\x80\x01\0\0\0\0\0\0{\"a\": 1}", Kind::Safetensors),
        ];
        for (name, content, expected) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, content)?;
            assert_eq!(kind(&path)?, expected, "{name}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_checkpoint_is_called_what_it_is() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("photo.jpg");
        let cases: [(&[u8], &str); 5] = [
            (b"\xff\xd8\xff\xe0 and so on", "this is a JPEG picture, not a checkpoint"),
            (b"", "this is an empty file"),
            ("not one: wörds\n".as_bytes(), "this is a text"),
            (&[255; 64], "begins with the bytes [ff, ff, ff, ff, ff, ff, ff, ff]"),
            (b"\x93NUMPY\x01", "this is a NumPy array"),
        ];
        for (content, words) in cases {
            std::fs::write(&path, content)?;
            let said = kind(&path).expect_err("no checkpoint").to_string();
            assert!(
                said.contains(words) && said.contains("photo.jpg") && said.contains(".safetensors"),
                "{said}"
            );
        }
        Ok(())
    }
}
