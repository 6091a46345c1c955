//! `reproduce`: the paper's experiments in one command, and a report of what came of each claim.

use clap::Parser;
use training::FolderLock;

use crate::{
    flags::{Format, MachineFlags},
    reproduce::{Progress, Report, StudyFlags},
    session::Session,
    terminal,
};

/// Reproduces the paper: trains networks on images, on images of two kinds of changed spectra (SCR, WCR) and on hybrids (HARS);
/// measures their gradient spectra and what they get right; and writes one page with a verdict on each claim.
///
/// Each step is a command of the other programs; the page lists them. It goes on where it was stopped if it is given again.
#[derive(Debug, Parser)]
#[command(name = "reproduce", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    study: StudyFlags,
    #[command(flatten)]
    machine: MachineFlags,
    /// Start anew where there is a reproduction of other settings
    #[arg(long)]
    overwrite: bool,
}

/// Runs the command.
///
/// # Errors
/// If a step fails, another reproduction is in the folder, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = Session::start(&flags.machine)?;
    let study = flags.study.study()?;
    let root = flags.study.folder(&study);
    let mut progress = Progress::open(&root, &study, flags.overwrite)?;
    let _lock = FolderLock::take(&root)?;
    let steps = study.plan(&root);
    for (number, step) in steps.iter().enumerate() {
        progress.run(step, (number, steps.len()), &session)?;
        Report::collect(&study, &root, &steps, &progress)?.save(&root)?;
    }
    let report = Report::collect(&study, &root, &steps, &progress)?;
    let files = report.save(&root)?;
    match flags.machine.format {
        Format::Text => report.print(&files),
        Format::Json => terminal::result(&serde_json::to_string(&report)?),
    }
}
