//! `inspect`: what is in a checkpoint or a data set, and weights in another format.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use datasets::catalog::Name;
use models::{Architecture, Program};
use runs::{TorchStyle, Wanted};

use super::{inspect_checkpoint, inspect_dataset, inspect_onnx};
use crate::cli::{
    self, UsageError,
    flags::{
        DatasetParser, ImageFlags, MachineFlags, NormaliserFlags, architecture, architectures_help,
        folder_to_write, without_networks,
    },
};

/// Says what is in checkpoints: keys, shapes, number of parameters, which architecture they fit, epoch and accuracy. With --convert it
/// writes the weights in another format. With --dataset and no checkpoint: what is in a data set, and its classes' spectral densities.
///
/// Reads safetensors, and files of any PyTorch (the zip format and the one before 1.6), whatever they are named. No code in a file is
/// ever run.
#[derive(Debug, Parser)]
#[command(name = "inspect", version, args_override_self = true, allow_negative_numbers = true)]
#[command(mut_args(without_networks))]
pub struct Flags {
    /// Checkpoint files
    #[arg(value_name = "CKPT")]
    checkpoints: Vec<PathBuf>,
    /// An ONNX file to look into instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["checkpoints", "arch", "weights", "convert"])]
    onnx: Option<PathBuf>,
    /// The architecture that the weights must fit; what does not fit is named [default: guessed by the shapes]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = architecture,
        long_help = architectures_help("The architecture that the weights must fit; what does not fit is named [default: guessed by the shapes]")
    )]
    arch: Option<Architecture>,
    /// Which weights of a file that holds several networks: the key of their dictionary, or what stands before their names
    #[arg(long, value_name = "KEY")]
    weights: Option<String>,
    #[command(flatten)]
    normaliser: NormaliserFlags,
    /// Write the weights to this file: .safetensors, or .pt and .pth (for `torch.load(…, weights_only=True)`)
    #[arg(long, value_name = "FILE")]
    convert: Option<PathBuf>,
    /// Names of the weights that --convert writes
    #[arg(long, value_enum, default_value_t = Style::Plain)]
    style: Style,
    /// Without checkpoints: the data set to look into. With --convert: the one that the weights were trained on, if the file does not say
    #[arg(long, value_name = "NAME", value_parser = DatasetParser)]
    dataset: Option<Name>,
    #[command(flatten)]
    images: ImageFlags,
    /// The folder for the picture of the classes' densities, {dataset}-density.png and .svg
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    out_dir: PathBuf,
    #[command(flatten)]
    machine: MachineFlags,
}

/// Names of weights in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    /// The network's own, the state dict alone: conv1.weight
    Plain,
    /// As the robustness library has it (.pt, .pth): model → module.model.conv1.weight, with normaliser, epoch and accuracy
    Robustness,
    /// torchvision's, of networks that it has
    Torchvision,
    /// timm's, of networks that it has
    Timm,
}

impl Style {
    /// What a .pt file holds, and whose names it has where these are not the network's own.
    fn parts(self) -> (TorchStyle, Option<Program>) {
        match self {
            Self::Plain => (TorchStyle::Plain, None),
            Self::Robustness => (TorchStyle::Robustness, None),
            Self::Torchvision => (TorchStyle::Plain, Some(Program::Torchvision)),
            Self::Timm => (TorchStyle::Plain, Some(Program::Timm)),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or does not fit --arch.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = cli::start_without_networks(&flags.machine)?;
    if let Some(path) = &flags.onnx {
        return inspect_onnx::run(path, flags.images.image_size, flags.machine.format);
    }
    match (flags.checkpoints.is_empty(), flags.dataset.clone()) {
        (false, _) => inspect_checkpoint::run(&flags.options()?),
        (true, Some(dataset)) if flags.convert.is_none() => {
            let data = flags.images.with_dataset(dataset);
            let stem = flags.out_dir.join(format!("{}-density", data.label()));
            inspect_dataset::run(&data, &stem, flags.machine.format, &session)
        }
        _ => Err(UsageError(flags.nothing_to_inspect()).into()),
    }
}

impl Flags {
    fn options(&self) -> anyhow::Result<inspect_checkpoint::Options<'_>> {
        let (style, names) = self.style.parts();
        Ok(inspect_checkpoint::Options {
            checkpoints: &self.checkpoints,
            wanted: Wanted { architecture: self.arch, weights: self.weights.as_deref() },
            normaliser: self.normaliser.given()?,
            convert: self.convert.as_deref(),
            style,
            names,
            trained_on: self.dataset.as_ref(),
            format: self.machine.format,
        })
    }

    /// What is missing beside the flags that are there.
    fn nothing_to_inspect(&self) -> String {
        match (&self.convert, &self.dataset, &self.images.data) {
            (Some(output), _, _) => {
                let output = output.display();
                format!("--convert {output}: which checkpoint? expected `inspect CKPT --convert {output}`")
            }
            (None, None, Some(data)) => format!(
                "--data {}: which data set is it? add --dataset cifar10, cifar100, folder, imagenet, resIN or generated",
                data.display()
            ),
            _ => "nothing to look into: expected `inspect CKPT`, a file of weights, or \
                  `inspect --dataset NAME --data DIR`"
                .to_owned(),
        }
    }
}
