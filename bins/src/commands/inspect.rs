//! `inspect`: what is in a checkpoint or a data set, and weights in another format.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use models::{Architecture, TorchStyle};

use super::{inspect_checkpoint, inspect_dataset};
use crate::{
    flags::{DatasetName, ImageFlags, MachineFlags},
    launch::UnusableFlags,
    session::Session,
};

/// Says what is in checkpoints: keys, shapes, number of parameters, which architecture they fit, epoch and accuracy. With --convert it
/// writes the weights in another format. With --dataset and no checkpoint: what is in a data set, and its classes' spectral densities.
///
/// Reads .safetensors, and .pt and .pth of any PyTorch (the zip format and the one before 1.6). No code in a file is ever run.
#[derive(Debug, Parser)]
#[command(name = "inspect", version, args_override_self = true, allow_negative_numbers = true)]
#[command(mut_args(crate::flags::without_networks))]
pub struct Flags {
    /// Checkpoint files
    #[arg(value_name = "CKPT")]
    pub(super) checkpoints: Vec<PathBuf>,
    /// The architecture that the weights must fit; what does not fit is named [default: guessed by the shapes]
    #[arg(long, value_name = "NAME", value_parser = crate::flags::architecture)]
    pub(super) arch: Option<Architecture>,
    /// Write the weights to this file: .safetensors, or .pt and .pth (for `torch.load(…, weights_only=True)`)
    #[arg(long, value_name = "FILE")]
    pub(super) convert: Option<PathBuf>,
    /// Key names of a .pt file that --convert writes
    #[arg(long, value_enum, default_value_t = Style::Plain)]
    pub(super) style: Style,
    /// Without checkpoints: the data set to look into. With --convert: the one that the weights were trained on, if the file does not say
    #[arg(long, value_enum)]
    pub(super) dataset: Option<DatasetName>,
    #[command(flatten)]
    images: ImageFlags,
    /// The folder for the picture of the classes' densities, {dataset}-density.png and .svg
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = crate::flags::folder_to_write())]
    out_dir: PathBuf,
    #[command(flatten)]
    pub(super) machine: MachineFlags,
}

/// Key names of a .pt file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    /// The state dict alone: conv1.weight
    Plain,
    /// As the robustness library has it: model → module.model.conv1.weight, with normaliser, epoch and accuracy
    Robustness,
}

impl From<Style> for TorchStyle {
    fn from(style: Style) -> Self {
        match style {
            Style::Plain => Self::Plain,
            Style::Robustness => Self::Robustness,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or does not fit --arch.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = Session::without_networks(&flags.machine)?;
    match (flags.checkpoints.is_empty(), flags.dataset) {
        (false, _) => inspect_checkpoint::run(&flags),
        (true, Some(dataset)) if flags.convert.is_none() => {
            let data = flags.images.of(dataset);
            let stem = flags.out_dir.join(format!("{}-density", data.label()));
            inspect_dataset::run(&data, &stem, flags.machine.format, &session)
        }
        (true, dataset) => Err(UnusableFlags(flags.nothing_to_inspect(dataset)).into()),
    }
}

impl Flags {
    /// What is missing beside the flags that are there.
    fn nothing_to_inspect(&self, dataset: Option<DatasetName>) -> String {
        match (&self.convert, dataset, &self.images.data) {
            (Some(output), _, _) => {
                let output = output.display();
                format!("--convert {output}: which checkpoint? expected `inspect CKPT --convert {output}`")
            }
            (None, None, Some(data)) => format!(
                "--data {}: which data set is it? add --dataset cifar10, cifar100, folder, imagenet, resIN or generated",
                data.display()
            ),
            _ => "nothing to look into: expected `inspect CKPT`, a .safetensors, .pt or .pth file, or \
                  `inspect --dataset NAME --data DIR`"
                .to_owned(),
        }
    }
}
