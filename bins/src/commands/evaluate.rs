//! `evaluate`: what a network gets right, on images and on what is left of them at low or high frequencies (Lin, Gao & Sang,
//! IJCAI 2022, hypothesis II).

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use datasets::Dataset;
use evaluation::{Axis, Features, Scores, Separation};
use models::{Attack, Frozen};
use spectral::Filter;
use training::FolderLock;

use super::{evaluate_figures::Densities, evaluate_report::Report};
use crate::{
    adversary::{self, AttackFlags},
    backend::explained,
    checkpoints::{self, StoredCheckpoint},
    components::{Component, ComponentFlags, Plan},
    data,
    feed::{self, Fed, Feed},
    flags::{DataFlags, MachineFlags, RunFlags},
    interrupt::Interrupted,
    launch::UnusableFlags,
    measured, network,
    session::Session,
    terminal::Terminal,
};

/// Measures what a network gets right: on the test images, and with --freq, --r or --band on those of their frequencies.
///
/// Writes evaluation.json (loss, top-1, top-5, every class, confusion matrices, 95 % Wilson intervals) and, with cut-off radii, the
/// curve of accuracy. With --eps also what is right of the images as an adversary changes them against each network; frequency
/// components stay those of unchanged images. Without --run or --checkpoints it takes the run that the same --dataset, --arch and
/// --task flags of `easy_train` name. Filtered values leave [0, 1]; --rescale says what becomes of them.
#[derive(Debug, Parser)]
#[command(name = "evaluate", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    pub(super) data: DataFlags,
    #[command(flatten)]
    pub(super) run: RunFlags,
    #[command(flatten)]
    pub(super) machine: MachineFlags,
    /// A run folder [default: the one that --dataset, --arch and --task name]
    #[arg(long = "run", value_name = "DIR", conflicts_with = "checkpoints")]
    run_folder: Option<PathBuf>,
    /// Checkpoint files, one or a pattern: .safetensors, .pt, .pth [results go to the task {arch}_checkpoints]
    #[arg(long, value_name = "GLOB")]
    checkpoints: Option<String>,
    /// The epoch of the run whose checkpoint is measured [default: the last]
    #[arg(long, value_name = "N", conflicts_with = "checkpoints")]
    epoch: Option<usize>,
    #[command(flatten)]
    pub(super) components: ComponentFlags,
    #[command(flatten)]
    attack: AttackFlags,
    /// Also measure how the features before the linear layer separate classes, on each component; without other flags on low- and
    /// high-pass images of r = 4,8,12,16
    #[arg(long)]
    features: bool,
    /// What the densities of features are drawn over: their first principal component on that component's images, or their mean
    #[arg(long, value_enum, default_value_t = Projection::Pc1)]
    pub(super) project: Projection,
}

/// One number of an image's features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Projection {
    /// The coordinate along the first principal axis
    Pc1,
    /// The mean activation
    Mean,
}

/// What was measured of a checkpoint.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The file.
    pub checkpoint: StoredCheckpoint,
    /// What figures call it.
    pub label: String,
    /// In the order of the plan.
    pub parts: Vec<Part>,
}

/// What was measured of a checkpoint on one component.
#[derive(Debug)]
pub(crate) struct Part {
    /// Which images.
    pub component: Component,
    /// What was right.
    pub scores: Scores,
    /// How features separate classes, where that is asked for.
    pub separation: Option<Separation>,
    /// Densities of features, where they are drawn.
    pub densities: Option<Densities>,
}

/// Runs the command.
///
/// # Errors
/// If there is nothing to measure, or a file cannot be read or written.
pub fn run(mut flags: Flags) -> anyhow::Result<()> {
    let session = Session::start(&flags.machine)?;
    checkpoints::adopt(&flags.measured(), &mut flags.data, &mut flags.run)?;
    measure(&flags, &session, |report, files| report.print(files, flags.machine.format))
}

/// Measures, writes the results, and hands them and their files on.
///
/// # Errors
/// As [`run`].
pub(crate) fn measure<T>(
    flags: &Flags,
    session: &Session,
    then: impl FnOnce(&Report<'_>, &[PathBuf]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let attack = flags.attack()?;
    let plan = flags.components.plan(flags.features);
    let plan = if attack.is_some() { plan.attacked() } else { plan };
    let checkpoints = flags.checkpoints(session.terminal)?;
    let dataset = data::open(&flags.data)?;
    flags.check_classes(&dataset)?;
    let shape = dataset.test.shape();
    flags.components.check(&plan, [shape.height, shape.width])?;
    attack.iter().try_for_each(|attack| adversary::check(attack, shape))?;
    let note = |twice: String| {
        session.terminal.note(&format!("note: {twice} is given more than once; measured once"));
    };
    flags.components.repeated().into_iter().for_each(note);
    flags.attack.tell_ball(session.terminal);
    let feed = Feed::to(&session.backend);
    let measurement = Measurement { flags, plan: &plan, attack, dataset: &dataset, session, feed };
    let output = flags.output();
    let _lock = FolderLock::take(&output)?;
    let labels = flags.labels(&checkpoints);
    let each = checkpoints.into_iter().zip(labels).enumerate();
    let measured: Vec<Measured> =
        each.map(|(index, named)| measurement.checkpoint(named, index)).collect::<anyhow::Result<_>>()?;
    let report = Report { flags, plan: &plan, attack, test: &dataset.test, measured: &measured };
    if output.join(measured::EVALUATION).exists() {
        session.terminal.note(&format!("note: this replaces the earlier evaluation in {}", output.display()));
    }
    let files = report.save(&output)?;
    then(&report, &files)
}

/// A mean loss that no network which learns has: the class that it takes is e^1000 times as likely to it as the right one.
const DIVERGED: f64 = 1000.0;

struct Measurement<'a> {
    flags: &'a Flags,
    plan: &'a Plan,
    attack: Option<Attack>,
    dataset: &'a Dataset,
    session: &'a Session,
    feed: Feed,
}

impl Measurement<'_> {
    /// For each component: its images → logits and features → scores.
    fn checkpoint(
        &self,
        (checkpoint, label): (StoredCheckpoint, String),
        index: usize,
    ) -> anyhow::Result<Measured> {
        let (data, shape) = (&self.flags.data, self.dataset.test.shape());
        let arch = self.flags.run.architecture([shape.height, shape.width])?;
        let classes = self.dataset.test.classes().len();
        let network = network::open(&checkpoint.path, data, arch, classes, self.session)?;
        let measure = |&component: &Component| {
            let place = || format!("{}, {}", checkpoint.path.display(), component.name());
            let part =
                self.part(&network, component, index).map_err(|error| match error.is::<Interrupted>() {
                    true => error,
                    false => error.context(place()),
                })?;
            let percent = 100.0 * part.scores.accuracy().fraction().unwrap_or(0.0);
            self.session.terminal.note(&format!("{label}  {:12} {percent:6.2} %", component.name()));
            Ok(part)
        };
        let parts: Vec<Part> = self.plan.components.iter().map(measure).collect::<anyhow::Result<_>>()?;
        self.tell_diverged(&checkpoint, &parts);
        Ok(Measured { checkpoint, label, parts })
    }

    /// A number for the loss of a network that has diverged looks like one of a network that has learned little.
    fn tell_diverged(&self, checkpoint: &StoredCheckpoint, parts: &[Part]) {
        let loss = parts.first().and_then(|part| part.scores.loss());
        if let Some(loss) = loss.filter(|loss| *loss > DIVERGED) {
            self.session.terminal.note(&format!(
                "note: {}: the loss is {loss:.1e}, where a guess has {:.1}: the network has diverged; train it anew with a smaller --lr",
                checkpoint.path.display(),
                (self.dataset.test.classes().len() as f64).ln()
            ));
        }
    }

    fn part(&self, network: &Frozen, component: Component, index: usize) -> anyhow::Result<Part> {
        let (test, filter) = (&self.dataset.test, self.filter(component)?);
        let mut scores = Scores::new(test.classes().len())?;
        let mut features: Option<Features> = None;
        let bar =
            self.session.terminal.images_bar(test.len(), format!("{}: {}", index + 1, component.name()));
        let batch_size = data::training_batch_size(&self.flags.data);
        let batches = data::test_batches(test, batch_size, self.flags.data.workers).map(|batch| {
            let mut batch = batch?;
            if let Some(filter) = &filter {
                batch.images = filter.apply(&batch.images)?;
            }
            anyhow::Ok(batch)
        });
        let attack = self.attack.filter(|_| component == Component::Adversarial);
        // An adversary changes images where they are.
        let batches: Box<dyn Iterator<Item = anyhow::Result<Fed>>> = match attack {
            Some(_) => Box::new(feed::on_host(batches)),
            None => self.feed.batches(batches)?,
        };
        for batch in batches {
            let batch = batch?;
            let images = match attack {
                Some(attack) => adversary::attacked(&attack, network, &batch),
                None => Ok(batch.images.clone()),
            };
            let found = images.and_then(|images| network.evaluate(&images, &batch.labels));
            let found = found.map_err(|error| explained(error, batch.len()))?;
            scores.push(&found.logits.flatten_all()?.to_vec1::<f32>()?, &batch.labels)?;
            if self.flags.features {
                let rows = match features.take() {
                    Some(rows) => rows,
                    None => Features::new(found.latent.dim(1)?)?,
                };
                let rows = features.insert(rows);
                rows.push(&found.latent.flatten_all()?.to_vec1::<f32>()?, &batch.labels)?;
            }
            bar.inc(batch.len() as u64);
            self.session.check(&bar, "stopped; nothing was written; give the same command to start again")?;
        }
        bar.finish_and_clear();
        let separation = features.as_ref().map(Features::separation).transpose()?;
        let drawn = features.filter(|_| self.plan.drawn.contains(&component));
        let densities = drawn.map(|features| self.densities(&features)).transpose()?;
        Ok(Part { component, scores, separation, densities })
    }

    fn filter(&self, component: Component) -> anyhow::Result<Option<Filter>> {
        let Component::Part(pass) = component else { return Ok(None) };
        let shape = self.dataset.test.shape();
        Ok(Some(self.flags.components.filter(pass, [shape.height, shape.width])?))
    }

    fn densities(&self, features: &Features) -> anyhow::Result<Densities> {
        let values = match self.flags.project {
            Projection::Mean => features.mean_activation(),
            Projection::Pc1 => match Axis::of(features) {
                Ok(axis) => axis.project(features)?,
                // Black images all have the same features; the panel says so.
                Err(evaluation::Error::NoSpread { .. }) => vec![0.0; features.len()],
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Densities::new(&values, features.labels(), self.dataset.test.classes().len()))
    }
}

impl Flags {
    /// The attack that is asked for.
    fn attack(&self) -> anyhow::Result<Option<Attack>> {
        self.attack.eps.map(|_| self.attack.attack("--eps")).transpose()
    }

    /// The run folder that the flags name.
    fn folder(&self) -> PathBuf {
        self.run_folder.clone().unwrap_or_else(|| self.run.folder(&self.data))
    }

    /// The folder of the checkpoints that are measured.
    fn measured(&self) -> PathBuf {
        let of_files = self.checkpoints.as_deref().map(|pattern| checkpoints::folder_of(pattern).to_owned());
        of_files.unwrap_or_else(|| self.folder())
    }

    /// Results go into the run they are of; those of loose files never into a run that they may not belong to.
    fn output(&self) -> PathBuf {
        if self.checkpoints.is_some() && self.run.task.is_none() {
            let task = format!("{}_checkpoints", self.run.arch.name());
            return measured::evaluation_folder(
                &self.run.out_dir.join(self.data.dataset.as_str()).join(task),
            );
        }
        measured::evaluation_folder(&self.folder())
    }

    fn checkpoints(&self, terminal: Terminal) -> anyhow::Result<Vec<StoredCheckpoint>> {
        if let Some(pattern) = &self.checkpoints {
            return checkpoints::of_pattern(pattern, |note| terminal.note(note));
        }
        let found = match &self.run_folder {
            Some(folder) => checkpoints::of_named_run(folder, &self.data, &self.run)?,
            None => checkpoints::of_run(&self.folder())?,
        };
        let chosen = match self.epoch {
            Some(epoch) => found.iter().find(|checkpoint| checkpoint.epoch == epoch),
            None => found.last(),
        };
        chosen.map(|checkpoint| vec![checkpoint.clone()]).ok_or_else(|| self.nothing_found(&found))
    }

    fn nothing_found(&self, found: &[StoredCheckpoint]) -> anyhow::Error {
        let folder = self.folder();
        let epochs: Vec<String> = found.iter().map(|checkpoint| checkpoint.epoch.to_string()).collect();
        let message = match self.epoch {
            Some(epoch) if !found.is_empty() => format!(
                "--epoch {epoch}: {} has no checkpoint of this epoch; it has those of {}",
                folder.display(),
                epochs.join(", ")
            ),
            _ => format!(
                "{}: no checkpoints in this folder; train a network first with the same flags of easy_train, or name a run with --run \
                 or files with --checkpoints",
                folder.display()
            ),
        };
        UnusableFlags(message).into()
    }

    /// Features separate classes only where there are two.
    fn check_classes(&self, dataset: &Dataset) -> anyhow::Result<()> {
        let labels = dataset.test.labels();
        if !self.features || labels.iter().any(|&label| label != labels[0]) {
            return Ok(());
        }
        Err(UnusableFlags(format!(
            "--features: the {} test images are all of one class; expected images of two classes at least; raise --limit-test",
            labels.len()
        ))
        .into())
    }

    /// What figures call the checkpoints: by epoch in a run, else by as much of their paths as tells them apart.
    fn labels(&self, checkpoints: &[StoredCheckpoint]) -> Vec<String> {
        if self.checkpoints.is_none() {
            return checkpoints.iter().map(|checkpoint| format!("epoch {}", checkpoint.epoch)).collect();
        }
        labels(&checkpoints.iter().map(|checkpoint| checkpoint.path.as_path()).collect::<Vec<_>>())
    }
}

/// The names of files without extension, with as many of their folders as make them differ.
fn labels(paths: &[&Path]) -> Vec<String> {
    let name = |path: &Path, folders: usize| {
        let stem = path.with_extension("");
        let parts: Vec<_> = stem.iter().map(|part| part.to_string_lossy()).collect();
        parts[parts.len().saturating_sub(folders + 1)..].join("/")
    };
    let deepest = paths.iter().map(|path| path.iter().count()).max().unwrap_or(0);
    let names = |folders: usize| -> Vec<String> { paths.iter().map(|path| name(path, folders)).collect() };
    let distinct =
        |names: &Vec<String>| names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
    (0..deepest).map(names).find(distinct).unwrap_or_else(|| names(deepest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_what_tells_them_apart() {
        let names = |paths: &[&str]| labels(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(names(&["runs/a/9_checkpoint.safetensors"]), ["9_checkpoint"]);
        assert_eq!(names(&["runs/a/8.pt", "runs/a/9.pt"]), ["8", "9"]);
        assert_eq!(names(&["runs/a/9.pt", "runs/b/9.pt"]), ["a/9", "b/9"]);
        assert_eq!(names(&["x/a.pt", "x/a.pth"]), ["x/a", "x/a"]);
    }
}
