//! `evaluate`: what a network gets right, on images and on what is left of them at low or high frequencies (Lin, Gao & Sang,
//! IJCAI 2022, hypothesis II).

use std::path::PathBuf;

use analysis::{
    EvaluatedCheckpoint, EvaluatedComponent, EvaluationReport, EvaluationSettings, Evaluator, interval,
    network_words, percent,
};
use clap::{Parser, ValueEnum};
use datasets::{ImageSet, catalog::Request};
use evaluation::Accuracy;
use files::FolderLock;
use pipeline::{Session, describe_attack};
use runs::{StoredCheckpoint, checkpoints_of_run, results};
use serde_json::json;

use super::images;
use crate::cli::{
    self,
    flags::{
        AttackFlags, CheckpointFlags, ComponentFlags, DataFlags, Format, MachineFlags, RunFlags,
        names::stands_for, nothing_found,
    },
};

/// Measures what a network gets right: on the test images, and with --freq, --r or --band on those of their frequencies.
///
/// Writes evaluation.json (loss, top-1, top-5, every class, confusion matrices, 95 % Wilson intervals) and, with cut-off radii, the
/// curve of accuracy. With --eps also what is right of the images as an adversary changes them against each network; frequency
/// components stay those of unchanged images. Without --run or --checkpoints it takes the run that the same --dataset, --arch and
/// --task flags of `easy_train` name. Filtered values leave [0, 1]; --rescale says what becomes of them, and the row `rescaled only` what
/// min–max scaling does without a filter.
#[derive(Debug, Parser)]
#[command(name = "evaluate", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    run: RunFlags,
    #[command(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    checkpoints: CheckpointFlags,
    /// The epoch of the run whose checkpoint is measured [default: the last]
    #[arg(long, value_name = "N", conflicts_with = "checkpoints")]
    epoch: Option<usize>,
    #[command(flatten)]
    components: ComponentFlags,
    #[command(flatten)]
    attack: AttackFlags,
    /// Also measure how the features before the linear layer separate classes, on each component; without other flags on low- and
    /// high-pass images of r = 4,8,12,16
    #[arg(long)]
    features: bool,
    /// What the densities of features are drawn over: their first principal component on that component's images, or their mean
    #[arg(long, value_enum, default_value_t = Projection::Pc1)]
    project: Projection,
}

/// The names of [`analysis::Projection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Projection {
    /// The coordinate along the first principal axis
    Pc1,
    /// The mean activation
    Mean,
}

stands_for!(Projection => analysis::Projection { Pc1, Mean });

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run(mut flags: Flags) -> anyhow::Result<()> {
    let session = cli::start(&flags.machine)?;
    flags.checkpoints.adopt_settings(&mut flags.data, &mut flags.run)?;
    measure(&flags, &session, |report, images, files| print(report, images, files, flags.machine.format))
}

/// Measures, writes the results, and hands them, the images and the files on. Of several ranks the first one does that, and the others
/// help it.
///
/// # Errors
/// As [`run`].
pub(super) fn measure(
    flags: &Flags,
    session: &Session,
    then: impl FnOnce(&EvaluationReport<'_>, &ImageSet, &[PathBuf]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let settings = flags.settings()?;
    let checkpoints = flags.checkpoints(session)?;
    let test = images::open(&flags.data.request(), Request::open, session)?.test;
    let (shape, profile) = (test.shape(), flags.checkpoints.profile(&flags.data)?);
    let network = flags.checkpoints.network(&flags.run, [shape.height, shape.width])?;
    let evaluator = Evaluator::of_networks(&settings, &test, &profile, network, session)?;
    if !session.ranks.is_first() {
        return Ok(evaluator.help(&checkpoints)?);
    }
    for twice in flags.components.repeated() {
        session.progress.note(&format!("{twice} is given more than once; measured once"));
    }
    if !flags.features {
        for flag in flags.components.without_effect() {
            session.progress.note(&format!("{flag} has no effect without --freq, --r, --band or --features"));
        }
    }
    flags.attack.note_ball(&session.progress);
    let run = flags.checkpoints.results_run(&flags.data, &flags.run);
    let output = results::evaluation_folder(&run);
    let _lock = FolderLock::take(&output)?;
    let labels = flags.labels(&checkpoints);
    let checkpoints = checkpoints.into_iter().zip(labels).collect();
    let (measured, finished) = evaluator.resume(checkpoints, &output)?;
    let report = EvaluationReport { evaluator: &evaluator, measured: &measured };
    if output.join(results::EVALUATION).exists() {
        session.progress.note(&format!("this replaces the earlier evaluation in {}", output.display()));
    }
    let mut files = report.save(&output)?;
    finished.remove()?;
    files.push(reports::save_run_page(&run)?);
    then(&report, &test, &files)
}

impl Flags {
    fn settings(&self) -> anyhow::Result<EvaluationSettings> {
        Ok(EvaluationSettings {
            components: self.components.request(),
            attack: self.attack.eps.map(|_| self.attack.attack("--eps")).transpose()?,
            features: self.features,
            projection: self.project.into(),
        })
    }

    fn checkpoints(&self, session: &Session) -> anyhow::Result<Vec<StoredCheckpoint>> {
        if let Some(files) = self.checkpoints.files(&session.progress)? {
            return Ok(files);
        }
        let found = match self.checkpoints.of_named_run(&self.data, &self.run)? {
            Some(found) => found,
            None => checkpoints_of_run(&self.checkpoints.folder(&self.data, &self.run))?,
        };
        let chosen = match self.epoch {
            Some(epoch) => found.iter().find(|checkpoint| checkpoint.epoch == epoch),
            None => found.last(),
        };
        let nothing = || nothing_found(&self.checkpoints.folder(&self.data, &self.run), self.epoch, &found);
        chosen.map(|checkpoint| vec![checkpoint.clone()]).ok_or_else(nothing)
    }

    /// What figures call the checkpoints: by epoch in a run, else by as much of their paths as tells them apart.
    fn labels(&self, checkpoints: &[StoredCheckpoint]) -> Vec<String> {
        if self.checkpoints.checkpoints.is_none() && self.checkpoints.onnx.is_none() {
            return checkpoints.iter().map(|checkpoint| format!("epoch {}", checkpoint.epoch)).collect();
        }
        runs::labels(&checkpoints.iter().map(|checkpoint| checkpoint.path.as_path()).collect::<Vec<_>>())
    }
}

/// Classes that stdout lists one by one; more are in the file.
const MOST_LISTED: usize = 20;

/// Prints the result.
fn print(
    report: &EvaluationReport<'_>,
    images: &ImageSet,
    files: &[PathBuf],
    format: Format,
) -> anyhow::Result<()> {
    if format == Format::Json {
        let mut summary = report.json(false);
        summary["files"] = json!(files);
        return cli::result(&serde_json::to_string(&summary)?);
    }
    let networks: Vec<_> = report.measured.iter().map(|measured| measured.network.clone()).collect();
    network_words(&networks).iter().try_for_each(|words| cli::result(words))?;
    for checkpoint in report.measured {
        print_checkpoint(report, checkpoint)?;
        if report.measured.len() == 1 && images.classes().len() <= MOST_LISTED {
            print_classes(checkpoint, images)?;
        }
    }
    if let Some(words) = images::left_out_words(&images::left_out(images)) {
        cli::result(&words)?;
    }
    files.iter().try_for_each(|file| cli::result(&format!("wrote {}", file.display())))
}

fn print_checkpoint(report: &EvaluationReport<'_>, measured: &EvaluatedCheckpoint) -> anyhow::Result<()> {
    let EvaluatedCheckpoint { label, checkpoint, parts, .. } = measured;
    cli::result(&format!("{label}  {}", checkpoint.path.display()))?;
    let separation = if parts[0].separation.is_some() { "  between   within  ratio" } else { "" };
    let head = "component          accuracy %  95 % interval  top-5 %     loss";
    cli::result(&format!("{head}{separation}"))?;
    parts.iter().try_for_each(|part| cli::result(&row(part)))?;
    if let Some(attack) = report.attack() {
        cli::result(&describe_attack(attack))?;
    }
    if let Some(correlation) = measured.correlation() {
        let count = measured.frequencies().count();
        cli::result(&format!(
            "correlation of variance between classes with accuracy over {count} components: {correlation:.3}"
        ))?;
    }
    Ok(())
}

fn print_classes(measured: &EvaluatedCheckpoint, images: &ImageSet) -> anyhow::Result<()> {
    cli::result("class              accuracy %  95 % interval  (images themselves)")?;
    let classes = images.classes().iter().zip(measured.parts[0].scores.per_class());
    classes.into_iter().try_for_each(|(name, found)| cli::result(&accuracy_columns(name, found)))
}

fn row(part: &EvaluatedComponent) -> String {
    let scores = &part.scores;
    let separation = part.separation.map_or_else(String::new, |found| {
        let ratio = found.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:5.3}"));
        format!("  {:7.2e}  {:7.2e}  {ratio:>5}", found.inter, found.intra)
    });
    let (top5, loss) = (percent(scores.top5()), scores.loss().unwrap_or(f64::NAN));
    format!(
        "{}  {top5:7.2}  {loss:7.4}{separation}",
        accuracy_columns(&part.component.name(), scores.accuracy())
    )
}

fn accuracy_columns(name: &str, accuracy: Accuracy) -> String {
    let [low, high] = interval(accuracy);
    format!("{name:18} {:10.2}  {low:5.2} – {high:5.2}", percent(accuracy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heads() {
        let found = accuracy_columns("low r = 4", Accuracy { correct: 8, of: 10 });
        assert_eq!(found, "low r = 4               80.00  49.02 – 94.33");
    }
}
