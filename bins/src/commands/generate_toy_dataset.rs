//! `generate_toy_dataset`: the images that fitted kernels make of a data set (Lin, Gao & Sang, IJCAI 2022, CDES).

use clap::Parser;
use datasets::catalog::Request;
use derived::restructured::{Restructuring, Summary};
use pipeline::Session;
use serde::Serialize;

use super::images;
use crate::{
    cli::{
        self,
        flags::{Format, KernelFlags, MachineFlags, SourceFlags, at_least_one, seed, without_networks},
    },
    provenance::derived_provenance,
};

/// Writes the images that the kernels of `train_toy_models` make of a data set: their low frequencies are the images' own,
/// their high ones those of what the kernels made. Labels, order and both parts stay.
#[derive(Debug, Parser, Serialize)]
#[command(name = "generate_toy_dataset", version, args_override_self = true, allow_negative_numbers = true)]
#[command(mut_args(without_networks))]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: SourceFlags,
    #[command(flatten)]
    #[serde(flatten)]
    kernels: KernelFlags,
    /// Kernels that the fitted ones must have [default: as many as they have]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    number: Option<usize>,
    /// Side that the fitted kernels must have [default: what they have]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    kernel_size: Option<usize>,
    /// The epoch whose kernels are used [default: the last]
    #[arg(long, value_name = "N")]
    epoch: Option<usize>,
    /// The radius up to which images keep their own frequencies
    #[arg(long, value_name = "R", default_value_t = 10, value_parser = at_least_one)]
    radius: usize,
    /// Seed of the noise: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    /// Replace images that were written earlier
    #[arg(long)]
    #[serde(skip)]
    overwrite: bool,
}

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, there are no kernels for a class, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = cli::start_without_networks(&flags.machine)?;
    print(&generate(&flags, &session)?, flags.machine.format)
}

/// Writes the images that the flags name.
///
/// # Errors
/// As [`run`].
pub(super) fn generate(flags: &Flags, session: &Session) -> anyhow::Result<Vec<Summary>> {
    let dataset = images::open(&flags.data.resolve().request(), Request::open_in_memory, session)?;
    images::note_left_out(&dataset, session);
    Ok(flags.settings()?.run(&dataset, &session.progress)?)
}

impl Flags {
    fn settings(&self) -> anyhow::Result<Restructuring> {
        Ok(Restructuring {
            experiment: self.kernels.exp_name.into(),
            kernels: self.kernels.folder(),
            number: self.number,
            kernel_size: self.kernel_size,
            epoch: self.epoch,
            radius: self.radius,
            seed: self.seed,
            folder: self.kernels.dataset_folder(),
            source: self.data.images.data.clone(),
            overwrite: self.overwrite,
            provenance: derived_provenance("generate_toy_dataset", self)?,
        })
    }
}

fn print(summaries: &[Summary], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return cli::result(&serde_json::to_string(summaries)?);
    }
    for summary in summaries {
        let Summary { folder, images, .. } = summary;
        cli::result(&format!("wrote {} to {}", cli::counted(*images, "image"), folder.display()))?;
        match summary.valley_and_peak() {
            Some([valley, peak]) if peak.1 > valley.1 => {
                cli::result(&format!(
                    "  mean density: lowest {:.3} at ρ = {}, second peak {:.3} at ρ = {}",
                    valley.1, valley.0, peak.1, peak.0
                ))?;
            }
            Some(_) => {
                cli::result("  mean density: it has no second peak; kernels fitted for longer give one")?;
            }
            None => {}
        }
    }
    Ok(())
}
