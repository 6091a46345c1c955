//! `train_toy_models`: fits kernels that give images another spectral density (Lin, Gao & Sang, IJCAI 2022, CDES).

use cdes::{EpochLosses, FitSettings};
use clap::Parser;
use datasets::catalog::Request;
use derived::{
    Provenance,
    kernels::{Fitted, KernelFit},
};
use models::Backend;
use pipeline::Session;
use serde::Serialize;
use training::Schedule;

use super::images;
use crate::{
    cli::{
        self,
        flags::{
            FitOn, Format, KernelFlags, MachineFlags, PrecisionFlag, SourceFlags, StartFlags, at_least_one,
            below_one, not_negative, seed,
        },
    },
    provenance::derived_provenance,
};

/// Fits kernels that give images a spectral density with a second peak at high frequencies: a set for each class (SCR) or
/// one for all (WCR).
#[derive(Debug, Parser, Serialize)]
#[command(name = "train_toy_models", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: SourceFlags,
    #[command(flatten)]
    #[serde(flatten)]
    kernels: KernelFlags,
    /// Kernels of the first convolution
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    number: usize,
    /// Side of a kernel in pixels, odd
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = odd)]
    kernel_size: usize,
    /// Epochs in all
    #[arg(long, alias = "epoch", value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    epochs: usize,
    /// Images per batch
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    batch_size: usize,
    /// Learning rate at the start
    #[arg(long, value_name = "X", default_value_t = 0.01, value_parser = not_negative)]
    lr: f64,
    /// Epochs after which the rate falls
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    step_lr: usize,
    /// What it is multiplied with then
    #[arg(long, value_name = "X", default_value_t = 0.1, value_parser = not_negative)]
    step_lr_gamma: f64,
    /// Momentum of SGD
    #[arg(long, value_name = "X", default_value_t = 0.9, value_parser = below_one)]
    momentum: f64,
    /// Weight decay, of all parameters
    #[arg(long, value_name = "X", default_value_t = 1e-4, value_parser = not_negative)]
    weight_decay: f64,
    /// Height of the second peak of the target density, relative to the first
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative)]
    rho: f64,
    /// Begin each class with the kernels of the class before, as the published script does
    #[arg(long)]
    warm_start: bool,
    /// Which images to fit on
    #[arg(long, value_enum, value_name = "IMAGES", default_value_t = FitOn::All)]
    fit_on: FitOn,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    #[serde(skip)]
    start: StartFlags,
}

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, there is an earlier fit, a class has no images, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = cli::start(&flags.machine)?;
    if flags.machine.precision != PrecisionFlag::F32 {
        session.progress.note("--precision has no effect: kernels are fitted in f32");
    }
    let fitted = fit(&flags, &session)?;
    if session.ranks.is_first() { print(&fitted, flags.machine.format) } else { Ok(()) }
}

/// Fits the kernels that the flags name; ranks other than the first help, and have none to show.
///
/// # Errors
/// As [`run`].
pub(super) fn fit(flags: &Flags, session: &Session) -> anyhow::Result<Vec<Fitted>> {
    let dataset = images::open(&flags.data.resolve().request(), Request::open_in_memory, session)?;
    images::note_left_out(&dataset, session);
    let device = match &session.backend {
        Backend::Cpu(_) => None,
        Backend::Candle { device, .. } => Some(device),
    };
    let fit = flags.settings(session)?;
    if !session.ranks.is_first() {
        fit.help(&dataset, device, &session.progress)?;
        return Ok(Vec::new());
    }
    Ok(fit.run(&dataset, flags.start.into(), device, &session.progress)?)
}

impl Flags {
    fn settings(&self, session: &Session) -> anyhow::Result<KernelFit> {
        let provenance = Provenance {
            device: Some(session.backend.to_string()),
            kernels: Some(session.kernels()),
            ..derived_provenance("train_toy_models", self)?
        };
        Ok(KernelFit {
            experiment: self.kernels.exp_name.into(),
            number: self.number,
            kernel_size: self.kernel_size,
            steps: FitSettings {
                epochs: self.epochs,
                lr: self.lr,
                momentum: self.momentum,
                weight_decay: self.weight_decay,
                schedule: Schedule::Step { epochs: self.step_lr, factor: self.step_lr_gamma },
                batch_size: self.batch_size,
                seed: self.seed,
            },
            rho: self.rho,
            warm_start: self.warm_start,
            fit_on: self.fit_on.into(),
            folder: self.kernels.folder(),
            provenance,
            ranks: session.ranks.clone(),
        })
    }
}

fn print(results: &[Fitted], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return cli::result(&serde_json::to_string(results)?);
    }
    cli::result("kernels    density loss  image loss  folder")?;
    for Fitted { scope, folder, epochs } in results {
        let Some(EpochLosses { spectral_loss, image_loss, .. }) = epochs.last() else { continue };
        let (scope, folder) = (scope.folder(), folder.display());
        cli::result(&format!("{scope:9}  {spectral_loss:12.5}  {image_loss:10.5}  {folder}"))?;
    }
    Ok(())
}

/// The side of a kernel; even ones would not keep the size of images.
fn odd(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &usize| number % 2 == 1);
    number.ok_or_else(|| "expected an odd whole number, such as 7".to_owned())
}
