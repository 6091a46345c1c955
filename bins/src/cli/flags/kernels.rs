//! Flags of the programs that make data sets of data sets, named as in the published scripts.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use datasets::catalog::Name;
use derived::{hybrids, kernels};
use serde::Serialize;

use super::names::stands_for;
use super::{DataFlags, DatasetParser, ImageFlags, data::name_if_any, values::folder_to_write};

/// Which images.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct SourceFlags {
    /// The data set [default: cifar10 with --data or --download, else synthetic, which is generated and needs nothing on disk]
    #[arg(long, value_name = "NAME", value_parser = DatasetParser)]
    #[serde(serialize_with = "name_if_any")]
    pub(crate) dataset: Option<Name>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) images: ImageFlags,
}

impl SourceFlags {
    /// The same as the flags of other programs.
    pub(crate) fn resolve(&self) -> DataFlags {
        let is_elsewhere = self.images.data.is_some() || self.images.download;
        let usual = if is_elsewhere { Name::Cifar10 } else { Name::Synthetic };
        self.images.with_dataset(self.dataset.clone().unwrap_or(usual))
    }
}

/// Which kernels, and where they are kept.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct KernelFlags {
    /// SCR: a kernel set for each class (strongly class-related spectra); WCR: one for all (weakly class-related)
    #[arg(long, value_enum, ignore_case = true, value_name = "NAME", default_value_t = Experiment::Scr)]
    pub(crate) exp_name: Experiment,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    pub(crate) out_dir: PathBuf,
}

impl KernelFlags {
    /// `{out-dir}/{exp_name}`: kernels.
    pub(crate) fn folder(&self) -> PathBuf {
        self.out_dir.join(derived::Experiment::from(self.exp_name).as_str())
    }

    /// `{out-dir}/{exp_name}-Toy-Dataset`: images.
    pub(crate) fn dataset_folder(&self) -> PathBuf {
        self.out_dir.join(format!("{}-Toy-Dataset", derived::Experiment::from(self.exp_name).as_str()))
    }
}

/// `{out-dir}/{dataset}-freq`: hybrids and filtered copies.
pub(crate) fn hybrids_folder(out_dir: &Path, data: &DataFlags) -> PathBuf {
    out_dir.join(format!("{}-freq", data.label()))
}

/// The names of [`derived::Experiment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Experiment {
    /// Strongly class-related spectra.
    #[value(name = "SCR")]
    #[serde(rename = "SCR")]
    Scr,
    /// Weakly class-related spectra.
    #[value(name = "WCR")]
    #[serde(rename = "WCR")]
    Wcr,
}

stands_for!(Experiment => derived::Experiment { Scr, Wcr });

/// The names of [`kernels::FitOn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FitOn {
    /// Training and test images, as published
    All,
    /// Training images alone
    Train,
}

stands_for!(FitOn => kernels::FitOn { All, Train });

/// The names of [`hybrids::Part`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// Frequencies below r
    Low,
    /// Frequencies from r on
    High,
}

stands_for!(Part => hybrids::Part { Low, High });

/// Filtered copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Copies {
    /// Low-pass copies
    Low,
    /// High-pass copies
    High,
    /// None at all
    None,
}

impl Copies {
    /// The parts that are wanted, each once.
    pub(crate) fn parts(wanted: &[Self]) -> Vec<hybrids::Part> {
        let known = [(Self::Low, hybrids::Part::Low), (Self::High, hybrids::Part::High)];
        known.into_iter().filter(|(copies, _)| wanted.contains(copies)).map(|(_, part)| part).collect()
    }
}
