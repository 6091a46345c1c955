//! Flags of the programs of CDES, named as in the published scripts.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::flags::{DataFlags, DatasetName, ImageFlags};

/// Which images.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct ToyData {
    /// The data set [default: cifar10 with --data or --download, else synthetic, which is generated and needs nothing on disk]
    #[arg(long, value_enum)]
    pub dataset: Option<DatasetName>,
    #[command(flatten)]
    #[serde(flatten)]
    pub images: ImageFlags,
}

impl ToyData {
    /// The same as the flags of other programs.
    pub(crate) fn resolve(&self) -> DataFlags {
        let is_elsewhere = self.images.data.is_some() || self.images.download;
        let usual = if is_elsewhere { DatasetName::Cifar10 } else { DatasetName::Synthetic };
        self.images.of(self.dataset.unwrap_or(usual))
    }
}

/// Which kernels, and where they are kept.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct KernelFlags {
    /// SCR: a kernel set for each class (strongly class-related spectra); WCR: one for all (weakly class-related)
    #[arg(long, value_enum, ignore_case = true, default_value_t = Experiment::Scr)]
    pub exp_name: Experiment,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = crate::flags::folder_to_write())]
    pub out_dir: PathBuf,
}

/// The two experiments of the paper.
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

impl Experiment {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scr => "SCR",
            Self::Wcr => "WCR",
        }
    }
}

impl KernelFlags {
    /// `{out-dir}/{exp_name}`: kernels.
    pub(crate) fn folder(&self) -> PathBuf {
        self.out_dir.join(self.exp_name.as_str())
    }

    /// `{out-dir}/{exp_name}-Toy-Dataset`: images.
    pub(crate) fn dataset_folder(&self) -> PathBuf {
        self.out_dir.join(format!("{}-Toy-Dataset", self.exp_name.as_str()))
    }

    /// The setting that the kernels were fitted with, where their configuration names it.
    pub(crate) fn fitted_with(folder: &Path, setting: &str) -> anyhow::Result<Option<f64>> {
        let config = training::RunFolder::at(folder).config()?.unwrap_or_default();
        Ok(config["settings"][setting].as_f64())
    }
}
