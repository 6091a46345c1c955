//! Flags that name a network and its run.

use std::path::PathBuf;

use clap::Args;
use models::{Architecture, Family};
use serde::{Serialize, Serializer};
use training::Start;

use super::{
    DataFlags,
    values::{architecture, architectures_help, family, folder_name, folder_to_write, seed},
};

/// Which network, and where its run is kept.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RunFlags {
    /// The architecture (--help lists all)
    #[arg(
        long,
        value_name = "NAME",
        default_value = "resnet18",
        value_parser = architecture,
        long_help = architectures_help("The architecture")
    )]
    #[serde(serialize_with = "architecture_name")]
    pub(crate) arch: Architecture,
    /// For which images: `cifar` (about 32 pixels) or `imagenet` (about 224) [default: imagenet above 64 pixels]
    #[arg(long, value_name = "FAMILY", value_parser = family)]
    #[serde(serialize_with = "family_name")]
    pub(crate) arch_family: Option<Family>,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    pub(crate) out_dir: PathBuf,
    /// The run's name [default: {arch}_baseline; {arch}_{folder} on a generated set or a folder]
    #[arg(long, value_name = "NAME", value_parser = folder_name)]
    pub(crate) task: Option<String>,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    pub(crate) seed: u64,
}

/// What becomes of an earlier run of the same name.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct StartFlags {
    /// Resume where it stopped
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Remove an earlier one of the same name first
    #[arg(long)]
    overwrite: bool,
}

impl From<StartFlags> for Start {
    fn from(StartFlags { resume, overwrite }: StartFlags) -> Self {
        match (resume, overwrite) {
            (true, _) => Self::Resume,
            (_, true) => Self::Overwrite,
            _ => Self::Fresh,
        }
    }
}

impl RunFlags {
    /// The architecture for images of this many rows and columns.
    ///
    /// # Errors
    /// If its family has none of this name.
    pub(crate) fn architecture(&self, size: [usize; 2]) -> anyhow::Result<Architecture> {
        let family = self.arch_family.unwrap_or_else(|| Family::for_size(size));
        Ok(self.arch.in_family(family)?)
    }

    /// The run's name: `--task`, or what the other flags make it. Sets that are one of many give it their folder's name.
    pub(crate) fn task(&self, data: &DataFlags) -> String {
        let is_one_of_many = data.dataset.is_one_of_many();
        let of_set = if is_one_of_many { data.label() } else { "baseline".to_owned() };
        self.task.clone().unwrap_or_else(|| format!("{}_{of_set}", self.arch.name()))
    }

    /// `{out-dir}/{dataset}/{task}`.
    pub(crate) fn folder(&self, data: &DataFlags) -> PathBuf {
        self.of_task(data, &self.task(data))
    }

    /// The folder of the run of a task.
    pub(crate) fn of_task(&self, data: &DataFlags, task: &str) -> PathBuf {
        self.out_dir.join(&*data.dataset.folder_name()).join(task)
    }
}

fn architecture_name<S: Serializer>(architecture: &Architecture, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(architecture.name())
}

fn family_name<S: Serializer>(family: &Option<Family>, to: S) -> Result<S::Ok, S::Error> {
    family.map(|family| family.to_string()).serialize(to)
}
