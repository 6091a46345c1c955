//! `grad`: the gradient spectrum of every checkpoint of a run (Lin, Gao & Sang, IJCAI 2022).
//!
//! For each checkpoint, for each batch: input gradient → radial profiles → running statistics; then a row of the table; then the heat map.

use std::path::{Path, PathBuf};

use analysis::{
    GradientSpectrum, Recording, SpectrumGroups, SpectrumReport, difference_words, image_density,
    network_words, train_recording,
};
use clap::Parser;
use datasets::{
    Dataset,
    catalog::{Name, Request},
};
use files::FolderLock;
use pipeline::{NetworkDescription, Session, TrainingRun};
use runs::{RunConfig, Settings, StoredCheckpoint, checkpoints_of_run, results};
use serde::Serialize;
use spectral::{Outcome, SpectrumRow};
use training::{RunFolder, Start};

use super::images;
use crate::{
    cli::{
        self, UsageError, counted,
        flags::{CheckpointFlags, DataFlags, Format, MachineFlags, RunFlags, at_least_one},
    },
    provenance::{provenance, settings},
};

/// Measures which image frequencies a network uses, checkpoint by checkpoint, and draws the heat map.
///
/// Without --run or --checkpoints it takes the run that the same --dataset, --arch and --task flags of `easy_train`
/// name; if that has no checkpoints yet, it trains a few epochs first.
#[derive(Debug, Parser, Serialize)]
#[command(name = "grad", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    data: DataFlags,
    #[command(flatten)]
    #[serde(flatten)]
    run: RunFlags,
    #[command(flatten)]
    #[serde(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    #[serde(flatten)]
    checkpoints: CheckpointFlags,
    /// If there are no checkpoints yet, how many epochs to train first [default: 3 on synthetic, else 10]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    /// Measure images that are classified rightly and wrongly apart, too, and their difference: which is taken less the other
    #[arg(long, value_name = "correct|wrong", value_parser = outcome)]
    difference: Option<Outcome>,
    /// Measure the spectrum of each class's images, too
    #[arg(long)]
    per_class: bool,
}

fn outcome(word: &str) -> Result<Outcome, String> {
    match word {
        "correct" => Ok(Outcome::Correct),
        "wrong" => Ok(Outcome::Wrong),
        _ => Err("expected correct (correct − wrong) or wrong (wrong − correct)".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run(mut flags: Flags) -> anyhow::Result<()> {
    let session = cli::start(&flags.machine)?;
    flags.checkpoints.adopt_settings(&mut flags.data, &mut flags.run)?;
    let dataset = images::open(&flags.data.request(), Request::open, &session)?;
    let checkpoints = flags.shared_checkpoints(&dataset, &session)?;
    let (shape, profile) = (dataset.test.shape(), flags.checkpoints.profile(&flags.data)?);
    let network = flags.checkpoints.network(&flags.run, [shape.height, shape.width])?;
    let groups = SpectrumGroups { difference: flags.difference, per_class: flags.per_class };
    let spectrum = GradientSpectrum::of_networks(&dataset.test, &profile, network, &session)?;
    let spectrum = spectrum.with_groups(groups);
    if !session.ranks.is_first() {
        return Ok(spectrum.help(&checkpoints)?);
    }
    let density = image_density(&dataset.test)?;
    let run = flags.checkpoints.results_run(&flags.data, &flags.run);
    let output = results::spectrum_folder(&run);
    let _lock = FolderLock::take(&output)?;
    let networks = spectrum.describe(&checkpoints)?;
    let is_there = output.join(format!("{}.json", results::SPECTRUM)).exists();
    let (table, finished_rows) = spectrum.resume(&checkpoints, &networks, &output)?;
    let report = SpectrumReport { table: &table, checkpoints: &checkpoints, images: &density };
    if is_there {
        session.progress.note(&format!("this replaces the earlier spectrum in {}", output.display()));
    }
    let mut files = report.save(&output)?;
    finished_rows.remove()?;
    files.push(reports::save_run_page(&run)?);
    images::note_left_out(&dataset, &session);
    match flags.machine.format {
        Format::Text => print(&report, &networks, &files),
        Format::Json => cli::result(&serde_json::to_string(&report.summary(&files))?),
    }
}

fn print(
    report: &SpectrumReport<'_>,
    networks: &[NetworkDescription],
    files: &[PathBuf],
) -> anyhow::Result<()> {
    network_words(networks).iter().try_for_each(|words| cli::result(words))?;
    let (rows, radii, images) = (&report.table.rows, &report.table.radii, report.table.n_images);
    cli::result("epoch  accuracy %  centre of mass ρ  peak ρ  checkpoint")?;
    for (row, checkpoint) in rows.iter().zip(report.checkpoints) {
        let (centre, peak) = (row.centre_of_mass(radii), row.peak(radii));
        let SpectrumRow { epoch, nat_prec1, .. } = row;
        let file = checkpoint.path.file_name().unwrap_or_default().to_string_lossy();
        cli::result(&format!("{epoch:5}  {nat_prec1:10.2}  {centre:16.2}  {peak:6}  {file}"))?;
    }
    for SpectrumRow { epoch, skipped, .. } in rows.iter().filter(|row| row.skipped > 0) {
        cli::result(&format!(
            "epoch {epoch}: {skipped} of {images} images have a gradient without a profile (zero, constant or not \
             finite) and are left out"
        ))?;
    }
    difference_words(report.table).iter().try_for_each(|words| cli::result(words))?;
    files.iter().try_for_each(|file| cli::result(&format!("wrote {}", file.display())))
}

impl Flags {
    fn folder(&self) -> PathBuf {
        self.checkpoints.folder(&self.data, &self.run)
    }

    /// The checkpoints that all ranks see, once they have trained what rank 0 misses.
    fn shared_checkpoints(
        &self,
        dataset: &Dataset,
        session: &Session,
    ) -> anyhow::Result<Vec<StoredCheckpoint>> {
        if !session.ranks.is_first() {
            while let Some(resumes) = session.ranks.await_from::<Option<bool>>(0)? {
                self.train(dataset, resumes, session)?;
            }
            return self.checkpoints(dataset, session);
        }
        let found = self.checkpoints(dataset, session)?;
        session.ranks.announce(&None::<bool>)?;
        Ok(found)
    }

    fn checkpoints(&self, dataset: &Dataset, session: &Session) -> anyhow::Result<Vec<StoredCheckpoint>> {
        if let Some(files) = self.checkpoints.files(&session.progress)? {
            self.note_epochs(files.len(), session);
            return Ok(files);
        }
        let found = match self.checkpoints.of_named_run(&self.data, &self.run)? {
            Some(found) => found,
            None => {
                if self.wants_training()? {
                    if !session.ranks.is_first() {
                        return Err(UsageError(format!(
                            "{}: rank 0 has a run there, and this one sees none; all ranks must see the same folder",
                            self.folder().display()
                        ))
                        .into());
                    }
                    let resumes = RunFolder::at(self.folder()).state_path().exists();
                    session.ranks.announce(&Some(resumes))?;
                    self.train(dataset, resumes, session)?;
                }
                checkpoints_of_run(&self.folder())?
            }
        };
        self.note_epochs(found.len(), session);
        note_unfinished(&self.folder(), found.len(), session)?;
        Ok(found)
    }

    /// Where there are checkpoints, nothing is trained.
    fn note_epochs(&self, found: usize, session: &Session) {
        if let Some(epochs) = self.epochs.filter(|&epochs| epochs != found) {
            let found = counted(found, "checkpoint");
            session.progress.note(&format!(
                "--epochs {epochs} has no effect: there is a run already, with {found}; another --task trains a new one"
            ));
        }
    }

    /// Whether the run is yet to be trained: there are no checkpoints, or `grad` itself was stopped while training.
    fn wants_training(&self) -> anyhow::Result<bool> {
        let found = checkpoints_of_run(&self.folder())?.len();
        if found == 0 {
            return Ok(true);
        }
        let config = RunConfig::beside(&self.folder())?.unwrap_or_default();
        let own = config.command == "grad" && self.epochs.is_none_or(|epochs| config.epochs == Some(epochs));
        // A checkpoint is there before its epoch is finished.
        let finished = RunFolder::at(self.folder()).finished_epochs().unwrap_or(found);
        Ok(own && config.epochs.is_some_and(|epochs| finished < epochs))
    }

    fn train(&self, dataset: &Dataset, resumes: bool, session: &Session) -> anyhow::Result<()> {
        let few = if self.data.dataset == Name::Synthetic { 3 } else { 10 };
        let folder = self.folder();
        let own = if resumes { RunConfig::read(&folder)?.unwrap_or_default() } else { RunConfig::default() };
        if resumes && own.command != "grad" {
            return Err(UsageError(format!(
                "{}: this run was stopped before its first checkpoint; give easy_train its flags again with --resume, or give another --task here",
                folder.display()
            ))
            .into());
        }
        let epochs = self.epochs.or(own.epochs).unwrap_or(few);
        let verb = if resumes { "resuming" } else { "training" };
        session.progress.line(&format!(
            "no finished run in {}: {verb} {} for {} on {} first",
            folder.display(),
            self.run.arch.name(),
            counted(epochs, "epoch"),
            counted(dataset.train.len(), &format!("{} image", self.data.dataset))
        ));
        let (shape, profile) = (dataset.train.shape(), self.data.profile());
        let architecture = self.run.architecture([shape.height, shape.width])?;
        let run = TrainingRun {
            epochs,
            seed: self.run.seed,
            normaliser: self.checkpoints.normaliser.given()?.unwrap_or(profile.normaliser),
            start: if resumes { Start::Resume } else { Start::Fresh },
            provenance: provenance("grad"),
            settings: Settings::new(settings(self)?)?
                .resolved([("task", self.run.task(&self.data).into())])?,
            ..TrainingRun::new(architecture, dataset, &profile, self.run.folder(&self.data))
        };
        train_recording(run, Recording::default(), session)?;
        Ok(())
    }
}

/// Says so where a run has not all of its epochs.
fn note_unfinished(folder: &Path, found: usize, session: &Session) -> anyhow::Result<()> {
    let epochs = RunConfig::beside(folder)?.and_then(|config| config.epochs);
    if let Some(epochs) = epochs.filter(|&epochs| epochs != found) {
        let (folder, epochs) = (folder.display(), counted(epochs, "epoch"));
        session.progress.note(&format!("{folder} has checkpoints of {found} of its {epochs}"));
    }
    Ok(())
}
