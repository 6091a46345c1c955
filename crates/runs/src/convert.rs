//! The weights of a checkpoint in a file of another format.

use std::{collections::BTreeMap, path::Path};

use candle_core::Tensor;
use checkpoints::{TorchCheckpoint, TorchStyle};
use models::{Normaliser, Program};
use training::{Checkpoint, CheckpointInfo};

use crate::{Error, InspectedCheckpoint};

/// What a checkpoint is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointFormat {
    /// A safetensors file with PyTorch's names.
    Safetensors,
    /// A zip file for `torch.load(…, weights_only=True)`.
    Torch(TorchStyle),
}

impl CheckpointFormat {
    /// The format that the ending of a file's name says: `.safetensors`, or `.pt` and `.pth` with keys of this style.
    ///
    /// ```
    /// use runs::{CheckpointFormat, TorchStyle};
    /// let format = |name: &str| CheckpointFormat::of_name(name.as_ref(), TorchStyle::Plain);
    /// assert_eq!(format("a.safetensors"), Some(CheckpointFormat::Safetensors));
    /// assert_eq!(format("a.pth"), Some(CheckpointFormat::Torch(TorchStyle::Plain)));
    /// assert_eq!(format("a.onnx"), None);
    /// ```
    pub fn of_name(path: &Path, style: TorchStyle) -> Option<Self> {
        match path.extension()?.to_str()? {
            "safetensors" => Some(Self::Safetensors),
            "pt" | "pth" => Some(Self::Torch(style)),
            _ => None,
        }
    }
}

/// The data set that weights were trained on, where their file does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedOn {
    /// Its name.
    pub dataset: String,
    /// The normaliser of its networks.
    pub normaliser: Normaliser,
}

/// Writes the weights of a checkpoint in another format, under the architecture's names or those of a program, whole or not at all.
///
/// # Errors
/// If the file cannot be written, a file of the robustness style is to be written and no normaliser is known, or the program has no
/// such network.
pub fn convert(
    from: &InspectedCheckpoint,
    output: &Path,
    (format, names): (CheckpointFormat, Option<Program>),
    trained_on: Option<&TrainedOn>,
) -> Result<(), Error> {
    let tensors = match names {
        Some(program) => respelled(from, program)?,
        None => from.tensors.clone(),
    };
    let stored = &from.weights;
    let own = stored.normaliser.as_ref().map(|found| found.value);
    let normaliser = own.or_else(|| trained_on.map(|set| set.normaliser));
    let style = match format {
        CheckpointFormat::Safetensors => {
            let info = Some(info(from, normaliser, trained_on));
            return Ok(Checkpoint { tensors, info }.save(output)?);
        }
        CheckpointFormat::Torch(style) => style,
    };
    if style == TorchStyle::Robustness && normaliser.is_none() {
        return Err(checkpoints::Error::NoNormaliser.into());
    }
    let (epoch, nat_prec1) = (stored.info.epoch, stored.info.nat_prec1);
    let checkpoint = TorchCheckpoint { weights: tensors, normaliser, epoch, nat_prec1 };
    files::write_atomically_with(output, |file| {
        checkpoint.write(style, file).map_err(|error| match error {
            checkpoints::Error::Write(error) => error,
            error => std::io::Error::other(error),
        })
    })?;
    Ok(())
}

/// The weights as a program has them.
fn respelled(from: &InspectedCheckpoint, program: Program) -> Result<BTreeMap<String, Tensor>, Error> {
    let path = || from.path.clone();
    let fits = from.weights.fits();
    let its = fits.iter().find(|(architecture, _)| architecture.is_in(program)).or(fits.first());
    let (architecture, _) = its.ok_or_else(|| Error::UnknownNetwork { path: path(), program })?;
    let tensors = architecture.respelled(program, from.tensors.clone());
    tensors.map_err(|source| Error::Network { path: path(), source })
}

/// What the file said of itself, and what the caller and the shapes say.
fn info(
    from: &InspectedCheckpoint,
    normaliser: Option<Normaliser>,
    trained_on: Option<&TrainedOn>,
) -> CheckpointInfo {
    let known = &from.weights.info;
    // Shapes that fit several architectures name none.
    let guessed = match from.weights.fits() {
        [one] => Some(*one),
        _ => None,
    };
    CheckpointInfo {
        arch: guessed.map(|(arch, _)| arch.name().to_owned()).or_else(|| known.arch.clone()),
        classes: guessed.map(|(_, classes)| classes).or(known.classes),
        dataset: known.dataset.clone().or_else(|| trained_on.map(|set| set.dataset.clone())),
        mean: normaliser.map(|normaliser| normaliser.mean()),
        std: normaliser.map(|normaliser| normaliser.std()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..known.clone()
    }
}
