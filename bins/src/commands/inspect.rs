//! `inspect`: what is in a checkpoint or a data set, and weights in another format.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use models::{Architecture, TorchStyle};

use super::{inspect_checkpoint, inspect_dataset};
use crate::{
    flags::{DataFlags, DatasetName, LabelKind, MachineFlags, OnCorrupt, at_least_one, image_size},
    launch::UnusableFlags,
    session::Session,
};

/// Says what is in checkpoints: keys, shapes, number of parameters, which architecture they fit, epoch and accuracy. With --convert it
/// writes the weights in another format. With --dataset and no checkpoint: what is in a data set, and its classes' spectral densities.
///
/// Reads .safetensors, and .pt and .pth of any PyTorch (the zip format and the one before 1.6). No code in a file is ever run.
#[derive(Debug, Parser)]
#[command(name = "inspect", version, args_override_self = true)]
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
    #[command(flatten)]
    pub(super) machine: MachineFlags,
}

/// Which images, when a data set is looked into.
#[derive(Debug, Args)]
struct ImageFlags {
    /// The data set's root, the folder that holds its batches, or its archive
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Which labels of cifar100: its 100 classes, or its 20 superclasses
    #[arg(long, value_enum, value_name = "KIND", default_value_t = LabelKind::Fine)]
    labels: LabelKind,
    /// Rows and columns of an image, for imagenet, resIN and folder [default: 224; folder: the size of its images if all have one]
    #[arg(long, value_name = "N", value_parser = image_size)]
    image_size: Option<usize>,
    /// What becomes of images in a folder that cannot be decoded
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnCorrupt::Error)]
    on_corrupt: OnCorrupt,
    /// Use only the first N training images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_train: Option<usize>,
    /// Use only the first N test images
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_test: Option<usize>,
    /// The folder for the picture of the classes' densities, {dataset}-density.png and .svg
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out_dir: PathBuf,
}

impl ImageFlags {
    /// The same as the flags of other programs.
    fn of(&self, dataset: DatasetName) -> DataFlags {
        let Self { ref data, labels, image_size, on_corrupt, limit_train, limit_test, .. } = *self;
        let (data, download, batch_size, workers) = (data.clone(), false, None, 1);
        DataFlags {
            dataset,
            data,
            download,
            labels,
            image_size,
            on_corrupt,
            limit_train,
            limit_test,
            batch_size,
            workers,
        }
    }
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
            let stem = flags.images.out_dir.join(format!("{}-density", data.label()));
            inspect_dataset::run(&data, &stem, flags.machine.format, &session)
        }
        _ => Err(UnusableFlags(
            "nothing to look into: expected `inspect CKPT`, a .safetensors, .pt or .pth file, or `inspect --dataset NAME --data DIR`"
                .to_owned(),
        )
        .into()),
    }
}
