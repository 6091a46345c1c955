//! Flags that say how a program runs and what it prints.

use std::path::PathBuf;

use clap::{Arg, Args, ValueEnum};
use serde::Serialize;

use super::names::stands_for;
use super::values::{Gpus, at_least_one, device_name, gpus, threads};

/// How the program runs and what it says.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct MachineFlags {
    /// Number of the GPU, or of several, as `0,1`: a process for each shares the work; a build without CUDA says so and runs on the CPU
    #[arg(long, alias = "cuda-index", value_name = "N", conflicts_with = "device", value_parser = gpus)]
    pub(crate) gpu: Option<Gpus>,
    /// What the factors of convolutions are rounded to: bf16 is faster and less exact than f32; on a GPU there is tf32 between them
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        default_value = "f32",
        default_value_ifs = [("bf16", "true", "bf16"), ("tf32", "true", "tf32")],
        conflicts_with_all = ["bf16", "tf32"]
    )]
    pub(crate) precision: PrecisionFlag,
    /// Short for --precision tf32
    #[arg(long, conflicts_with = "bf16")]
    #[serde(skip)]
    pub(crate) tf32: bool,
    /// Short for --precision bf16
    #[arg(long)]
    #[serde(skip)]
    pub(crate) bf16: bool,
    /// `cpu`, `cuda:0` or `auto`; `cpu-plain` is the CPU with the operations of GPUs, slow, to compare with
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device_name)]
    pub(crate) device: String,
    /// CPU threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Of several ranks, as torchrun, srun or mpirun starts them: how long one may be silent until all end; longer than any batch takes
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = at_least_one)]
    #[serde(skip)]
    pub(crate) rank_timeout: usize,
    /// How the result is printed on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// No progress and no notes, only the result and errors
    #[arg(long)]
    pub(crate) quiet: bool,
    /// A JSON file with defaults for these flags, such as the config.json of a run
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
}

/// What a program says that only reads and writes files.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputFlags {
    /// How the result is printed on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// No notes, only the result and errors
    #[arg(long)]
    pub(crate) quiet: bool,
    /// A JSON file with defaults for these flags
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Hides what is for networks from the help of a program that runs none: it still takes these flags, which scripts give to all.
pub(crate) fn without_networks(argument: Arg) -> Arg {
    let is_of_networks =
        ["gpu", "precision", "tf32", "bf16", "device"].iter().any(|id| argument.get_id() == id);
    argument.hide(is_of_networks)
}

/// What the factors of convolutions are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrecisionFlag {
    /// Nothing: f32 throughout
    F32,
    /// 10 bits of mantissa, on GPUs that have it
    Tf32,
    /// 7 bits of mantissa
    Bf16,
}

stands_for!(PrecisionFlag => models::Precision { F32 => Full, Tf32, Bf16 });

/// What is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names say it
pub(crate) enum Switch {
    On,
    Off,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A table for people
    Text,
    /// One JSON object for programs
    Json,
}
