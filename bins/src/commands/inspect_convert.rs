//! The weights of a checkpoint in a file of another format.

use std::path::{Path, PathBuf};

use models::{Normaliser, TorchCheckpoint};
use training::{Checkpoint, CheckpointInfo};

use super::{
    inspect::{Flags, Style},
    inspect_checkpoint::Inspected,
};
use crate::{data, launch::UnusableFlags};

/// What --convert writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Safetensors,
    Torch,
}

/// Refuses what cannot be converted before anything is read.
///
/// # Errors
/// If --convert has another ending, names a file that exists, or there are several checkpoints.
pub(super) fn check(flags: &Flags) -> anyhow::Result<()> {
    let Some(output) = &flags.convert else { return Ok(()) };
    let unusable =
        |problem: &str| Err(UnusableFlags(format!("--convert {}: {problem}", output.display())).into());
    if flags.checkpoints.len() != 1 {
        return unusable("expected one checkpoint to convert");
    }
    let Some(format) = format(output) else {
        return unusable("expected a file name that ends in .safetensors, .pt or .pth");
    };
    if format == Format::Safetensors && flags.style == Style::Robustness {
        return unusable("--style robustness is for .pt and .pth; leave it out or choose such a name");
    }
    if output.exists() {
        return unusable("there is a file of this name; remove it or choose another");
    }
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        return unusable(&format!(
            "there is no folder {}; make it first, or choose another",
            folder.display()
        ));
    }
    Ok(())
}

fn format(output: &Path) -> Option<Format> {
    match output.extension()?.to_str()? {
        "safetensors" => Some(Format::Safetensors),
        "pt" | "pth" => Some(Format::Torch),
        _ => None,
    }
}

/// Writes the weights, whole or not at all; where they are then.
///
/// # Errors
/// If the file cannot be written, or a robustness file is to be written and no normaliser is known.
pub(super) fn write(flags: &Flags, from: &Inspected, output: &Path) -> anyhow::Result<PathBuf> {
    let stored = &from.stored;
    let normaliser = stored.normaliser.or_else(|| flags.dataset.map(data::normaliser));
    let weights = stored.tensors.clone();
    if format(output) == Some(Format::Safetensors) {
        Checkpoint { tensors: weights, info: Some(info(flags, from, normaliser)) }.save(output)?;
        return Ok(output.to_owned());
    }
    if flags.style == Style::Robustness && normaliser.is_none() {
        let problem =
            "--style robustness: the checkpoint names no normaliser; --dataset NAME takes that of a data set";
        return Err(UnusableFlags(problem.to_owned()).into());
    }
    let (epoch, nat_prec1) = (stored.info.epoch, stored.info.nat_prec1);
    let checkpoint = TorchCheckpoint { weights, normaliser, epoch, nat_prec1 };
    training::write_atomically_with(output, |file| {
        checkpoint.write(flags.style.into(), file).map_err(|error| match error {
            models::Error::Write(error) => error,
            error => std::io::Error::other(error),
        })
    })?;
    Ok(output.to_owned())
}

/// What the file said of itself, and what flags and shapes say.
fn info(flags: &Flags, from: &Inspected, normaliser: Option<Normaliser>) -> CheckpointInfo {
    let known = &from.stored.info;
    // Shapes that fit several architectures name none.
    let guessed = match from.fits.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    CheckpointInfo {
        arch: guessed.map(|(arch, _)| arch.name().to_owned()).or_else(|| known.arch.clone()),
        classes: guessed.map(|(_, classes)| classes).or(known.classes),
        dataset: known.dataset.clone().or_else(|| flags.dataset.map(|dataset| dataset.as_str().to_owned())),
        mean: normaliser.map(|normaliser| normaliser.mean()),
        std: normaliser.map(|normaliser| normaliser.std()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..known.clone()
    }
}
