//! `generate_freq_dataset`: hybrids of one image's high and another's low frequencies, and filtered copies of a data set
//! (Lin, Gao & Sang, IJCAI 2022, hypothesis II).

use std::path::PathBuf;

use clap::Parser;
use datasets::catalog::Request;
use derived::hybrids::{Made, Maker, RADIUS};
use serde::Serialize;

use super::images;
use crate::cli::{
    self,
    flags::{
        Copies, Format, MachineFlags, MaskName, Part, SourceFlags, at_least_one, folder_to_write,
        hybrids_folder, seed, without_networks,
    },
};

/// Writes a data set for `easy_train --freq`: each training image's high frequencies with the low ones of an image of another
/// class, every image giving its low part once; and low- and high-pass copies of the test images.
///
/// The files are NumPy arrays in {out-dir}/{dataset}-freq: images (N, H, W, C) of u8, labels and donors (N) of i64.
#[derive(Debug, Parser, Serialize)]
#[command(name = "generate_freq_dataset", version, args_override_self = true, allow_negative_numbers = true)]
#[command(mut_args(without_networks))]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: SourceFlags,
    /// The radius that parts low from high: low is closer than R to the zero frequency, in cycles per image
    #[arg(long, value_name = "R", default_value_t = RADIUS, value_parser = at_least_one)]
    r: usize,
    /// What closer means for the copies; hybrids are always those of discs, as published
    #[arg(long, value_enum, default_value_t)]
    mask: MaskName,
    /// Whose label a hybrid has: that of the image that gives the high part, or the low part
    #[arg(long, value_enum, value_name = "PART", default_value_t = Part::High)]
    keep_label: Part,
    /// Which copies of the test images are written
    #[arg(long, value_enum, value_delimiter = ',', value_name = "COPIES", default_value = "low,high")]
    freq: Vec<Copies>,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    out_dir: PathBuf,
    /// Seed of the pairing: the same seed gives the same bits
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
/// If the data cannot be read, a class has more than half of the images, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = cli::start_without_networks(&flags.machine)?;
    let data = flags.data.resolve();
    let dataset = images::open(&data.request(), Request::open_checked, &session)?;
    let maker = Maker {
        dataset: &dataset,
        folder: hybrids_folder(&flags.out_dir, &data),
        radius: flags.r,
        mask: flags.mask.into(),
        seed: flags.seed,
        overwrite: flags.overwrite,
    };
    images::note_left_out(&dataset, &session);
    let made = maker.make(flags.keep_label.into(), &Copies::parts(&flags.freq), &session.progress)?;
    print(&made, flags.machine.format)
}

fn print(made: &[Made], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return cli::result(&serde_json::to_string(made)?);
    }
    for Made { what, count, images, labels, donors, sheet } in made {
        cli::result(&format!("wrote {count} {what} to {}", images.display()))?;
        let donors = donors.as_ref().map_or_else(String::new, |path| format!("donors: {}, ", path.display()));
        cli::result(&format!("  labels: {}, {donors}to look at: {}", labels.display(), sheet.display()))?;
    }
    Ok(())
}
