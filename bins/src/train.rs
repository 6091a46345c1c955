//! Training a classifier into a run folder: what `easy_train` and a first `grad` share.

use std::path::PathBuf;

use clap::Args;
use datasets::Dataset;
use indicatif::ProgressBar;
use models::{Backend, Normaliser};
use serde::Serialize;
use training::{CheckpointInfo, EpochMetrics, Event, Outcome, RunFolder, Schedule, Start, Trainer};

use crate::{
    adversary, backend,
    commands::grad::Measurement,
    data,
    feed::Feed,
    flags::{DataFlags, Format, RunFlags},
    interrupt::Interrupted,
    launch::UnusableFlags,
    live::{LiveSpectrum, Recording},
    measured,
    network::{self, Adversary, ClassifierLearner, DatasetSource},
    resident::ResidentSets,
    session::Session,
    terminal::{self, Terminal},
};

/// How a network learns.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Recipe {
    /// Learning rate at the start [default: 0.1; 0.02 in runs of fewer than 50 epochs]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    pub lr: Option<f64>,
    /// Momentum of SGD
    #[arg(long, default_value_t = 0.9, value_name = "X", value_parser = below_one)]
    pub momentum: f64,
    /// Weight decay, of all parameters
    #[arg(long, default_value_t = 5e-4, value_name = "X", value_parser = not_negative)]
    pub weight_decay: f64,
    /// `step:50:0.1`, `60:0.1,120:0.01,180:0.001` (from an epoch on, a multiple of --lr), `cosine`, `cyclic` or `constant`
    #[arg(long, value_name = "SCHEDULE", default_value = "step:50:0.1")]
    pub schedule: Schedule,
    /// The network's normaliser: mean per channel [default: the data set's usual one]
    #[arg(long, value_name = "R,G,B", value_parser = three_numbers, requires = "std")]
    pub mean: Option<[f32; 3]>,
    /// The network's normaliser: standard deviation per channel
    #[arg(long, value_name = "R,G,B", value_parser = three_numbers, requires = "mean")]
    pub std: Option<[f32; 3]>,
}

/// Epochs from which on a run can afford the usual rate: a shorter one would spend much of its time on finding its feet.
const LONG_RUN: usize = 50;

impl Recipe {
    /// The recipe of `easy_train` without flags.
    pub(crate) fn usual() -> Self {
        let schedule = Schedule::Step { epochs: 50, factor: 0.1 };
        Self { lr: None, momentum: 0.9, weight_decay: 5e-4, schedule, mean: None, std: None }
    }
}

/// A run about to be trained.
#[derive(Debug)]
pub(crate) struct TrainingRun<'a> {
    /// The program that asked for it.
    pub command: &'static str,
    /// Every resolved flag of it.
    pub settings: serde_json::Value,
    /// Which images.
    pub data: &'a DataFlags,
    /// Which network, and where it is kept.
    pub run: &'a RunFlags,
    /// How it learns.
    pub recipe: &'a Recipe,
    /// Who works against it.
    pub adversary: Adversary,
    /// What is kept of it.
    pub recording: &'a Recording,
    /// Epochs in all.
    pub epochs: usize,
    /// What becomes of an earlier run.
    pub start: Start,
}

/// A run that is trained.
#[derive(Debug)]
pub(crate) struct Trained {
    /// Its folder.
    pub folder: PathBuf,
    /// Its epochs.
    pub metrics: Vec<EpochMetrics>,
}

impl TrainingRun<'_> {
    /// Trains to the last epoch.
    ///
    /// # Errors
    /// If a file cannot be written, training diverges, or Ctrl-C stops it (then the state is kept).
    pub(crate) fn train(&self, dataset: &Dataset, session: &Session) -> anyhow::Result<Trained> {
        // Everything that can be refused comes first: an earlier run is removed only for one that can start.
        let (normaliser, lr, recording) = (self.normaliser()?, self.learning_rate()?, self.recording()?);
        let shape = dataset.train.shape();
        let architecture = self.run.architecture([shape.height, shape.width])?;
        let classes = dataset.train.classes().len();
        let network = network::fresh(architecture, classes, normaliser, self.run.seed, &session.backend)?;
        let arch = self.run.arch.name();
        network
            .check_size([shape.height, shape.width])
            .map_err(|error| UnusableFlags(format!("--arch {arch}: {error}")))?;
        let resident = ResidentSets::of(dataset, session, &self.adversary)?;
        let folder = self.begin()?;
        self.tell_other_kernels(&folder, session)?;
        let (adversary, seed) = (self.adversary, self.run.seed);
        let mut learner = ClassifierLearner::new(network, adversary, seed);
        let feed = Feed::to(&session.backend);
        let source = DatasetSource { dataset, flags: self.data, seed, adversary, feed, resident };
        let trainer = self.trainer(dataset, normaliser, (lr, &recording), &session.backend);
        let images = recording.images(&dataset.test);
        let measurement = Measurement::new(self.data, architecture, &images, session)?;
        let open =
            |every| LiveSpectrum::open(&measurement, (session, &images), (&folder, self.epochs), every);
        let spectrum = recording.spectrum_every.map(open).transpose()?;
        let (terminal, epochs) = (session.terminal, self.epochs);
        let mut watcher = Watcher { terminal, images: dataset.train.len(), epochs, bar: None, spectrum };
        let outcome = trainer.run(&mut learner, &source, &folder, &session.interrupt, &mut |event| {
            watcher.see(event).map_err(Into::into)
        });
        watcher.clear();
        match outcome? {
            Outcome::Finished => {
                watcher.spectrum.map_or(Ok(()), LiveSpectrum::finish)?;
                Ok(Trained { folder: folder.path().to_owned(), metrics: folder.metrics()? })
            }
            Outcome::Interrupted { epoch, batch } => Err(self.interrupted(epoch, batch).into()),
        }
    }

    /// Takes the folder, and removes an earlier run and what was measured of it where that is asked for.
    fn begin(&self) -> anyhow::Result<RunFolder> {
        let path = self.run.folder(self.data);
        let replaces = self.start == Start::Overwrite;
        let _measured = if replaces { measured::lock(&path)? } else { Vec::new() };
        let folder = RunFolder::begin(path, self.start)?;
        if replaces {
            measured::remove(folder.path())?;
        }
        Ok(folder)
    }

    fn normaliser(&self) -> anyhow::Result<Normaliser> {
        match (self.recipe.mean, self.recipe.std) {
            (Some(mean), Some(std)) => Normaliser::new(mean, std)
                .map_err(|error| UnusableFlags(format!("--mean, --std: {error}")).into()),
            _ => Ok(data::normaliser(self.data.dataset)),
        }
    }

    /// `--lr`; else, in a run that goes on, the rate that it has; else the default.
    fn learning_rate(&self) -> anyhow::Result<f64> {
        let kept = self.settings_before()?["lr"].as_f64();
        Ok(self.recipe.lr.or(kept).unwrap_or(if self.epochs < LONG_RUN { 0.02 } else { 0.1 }))
    }

    /// What is recorded; in a run that goes on, what it recorded so far.
    fn recording(&self) -> anyhow::Result<Recording> {
        Ok(self.recording.or(serde_json::from_value(self.settings_before()?).unwrap_or_default()))
    }

    /// The settings of the run that goes on; nothing where none does.
    fn settings_before(&self) -> anyhow::Result<serde_json::Value> {
        let config = match self.start {
            Start::Resume => RunFolder::at(self.run.folder(self.data)).config()?,
            Start::Fresh | Start::Overwrite => None,
        };
        Ok(config.map_or(serde_json::Value::Null, |mut config| config["settings"].take()))
    }

    /// Results of other vector units differ in the last bits, so a run that moves to another machine is not what it would be.
    fn tell_other_kernels(&self, folder: &RunFolder, session: &Session) -> anyhow::Result<()> {
        let (config, own) = (folder.config()?.unwrap_or_default(), backend::kernels(&session.backend));
        if let Some(before) = config["kernels"].as_str().filter(|before| *before != own) {
            session.terminal.note(&format!(
                "note: this run was started with the kernels `{before}` and goes on with `{own}`: the same but for rounding"
            ));
        }
        Ok(())
    }

    fn trainer(
        &self,
        dataset: &Dataset,
        normaliser: Normaliser,
        (lr, recording): (f64, &Recording),
        backend: &Backend,
    ) -> Trainer {
        let info = CheckpointInfo {
            epoch: None,
            arch: Some(self.run.arch.name().to_owned()),
            dataset: Some(self.data.dataset.as_str().to_owned()),
            classes: Some(dataset.train.classes().len()),
            mean: Some(normaliser.mean()),
            std: Some(normaliser.std()),
            nat_prec1: None,
            seed: Some(self.run.seed),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let Recipe { momentum, weight_decay, .. } = *self.recipe;
        let schedule = self.recipe.schedule.clone();
        let batch_size = data::training_batch_size(self.data);
        let config = self.config(dataset, normaliser, self.resolved_settings(lr, recording), backend);
        let checkpoint_every = recording.checkpoint_every.unwrap_or(1);
        let learner = self.adversary.training.as_ref().map_or_else(String::new, adversary::words);
        let epochs = self.epochs;
        Trainer {
            epochs,
            lr,
            momentum,
            weight_decay,
            schedule,
            batch_size,
            checkpoint_every,
            learner,
            info,
            config,
        }
    }

    fn config(
        &self,
        dataset: &Dataset,
        normaliser: Normaliser,
        settings: serde_json::Value,
        backend: &Backend,
    ) -> serde_json::Value {
        serde_json::json!({
            "command": self.command,
            "version": env!("CARGO_PKG_VERSION"),
            "git_commit": option_env!("FREQBIAS_GIT_COMMIT"),
            "device": backend.to_string(),
            "kernels": backend::kernels(backend),
            "threads": rayon::current_num_threads(),
            "seed": self.run.seed,
            "epochs": self.epochs,
            "train_images": dataset.train.len(),
            "test_images": dataset.test.len(),
            "classes": dataset.train.classes(),
            "mean": normaliser.mean(),
            "std": normaliser.std(),
            "settings": settings,
        })
    }

    /// The flags with what their defaults came to.
    fn resolved_settings(&self, lr: f64, recording: &Recording) -> serde_json::Value {
        let mut settings = self.settings.clone();
        settings["epochs"] = self.epochs.into();
        settings["batch_size"] = data::training_batch_size(self.data).into();
        settings["task"] = self.run.task(self.data).into();
        settings["lr"] = lr.into();
        settings["schedule"] = self.recipe.schedule.to_string().into();
        settings["spectrum_every"] = recording.spectrum_every.into();
        settings["spectrum_images"] = recording.spectrum_images.into();
        settings["checkpoint_every"] = recording.checkpoint_every.into();
        settings
    }

    fn interrupted(&self, epoch: usize, batch: usize) -> Interrupted {
        let again = if self.command == "easy_train" { " with --resume added" } else { "" };
        Interrupted(format!(
            "stopped in epoch {epoch} after {}; everything is kept in {}; to go on, give the same command{again}",
            terminal::counted(batch, "batch"),
            self.run.folder(self.data).display()
        ))
    }
}

impl Trained {
    /// Prints the result: the last epoch and where the run is.
    ///
    /// # Errors
    /// If the metrics cannot be written as JSON.
    pub(crate) fn print(&self, format: Format) -> anyhow::Result<()> {
        if format == Format::Json {
            let summary = serde_json::json!({ "folder": self.folder, "epochs": self.metrics });
            return terminal::result(&serde_json::to_string(&summary)?);
        }
        if let Some(last) = self.metrics.last() {
            terminal::result(&format!(
                "epoch {}: test accuracy {:.2} %, top-5 {:.2} %, loss {:.4}",
                last.epoch, last.nat_prec1, last.nat_prec5, last.nat_loss
            ))?;
        }
        terminal::result(&format!("run folder: {}", self.folder.display()))
    }
}

/// Shows a run as it goes on, a bar an epoch and a line a finished epoch, and keeps its spectrum up to date.
struct Watcher<'a> {
    terminal: Terminal,
    images: usize,
    epochs: usize,
    bar: Option<ProgressBar>,
    spectrum: Option<LiveSpectrum<'a>>,
}

impl Watcher<'_> {
    fn see(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { epoch, images_done } => {
                // What a run that broke off left to be measured; known to be the same run only now.
                self.measure()?;
                let bar = self.terminal.images_bar(self.images, format!("epoch {epoch}/{}", self.epochs));
                bar.set_position(images_done as u64);
                bar.reset_eta();
                self.bar = Some(bar);
            }
            Event::Batch { images, tally, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(images as u64);
                    bar.set_message(format!("loss {:.3}, {:.1} % right", tally.loss(), tally.prec1()));
                }
            }
            Event::Done { metrics, .. } => {
                self.clear();
                self.terminal.note(&line(metrics));
                self.measure()?;
            }
        }
        Ok(())
    }

    fn measure(&mut self) -> anyhow::Result<()> {
        self.spectrum.as_mut().map_or(Ok(()), LiveSpectrum::catch_up)
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn line(metrics: &EpochMetrics) -> String {
    let EpochMetrics {
        epoch,
        lr,
        train_loss,
        train_prec1,
        nat_loss,
        nat_prec1,
        seconds,
        images_per_second,
        ..
    } = metrics;
    let attacked = metrics
        .adv_loss
        .zip(metrics.adv_prec1)
        .map_or_else(String::new, |(loss, prec1)| format!("  attacked: loss {loss:.4}, {prec1:5.2} %"));
    format!(
        "epoch {epoch:3}  lr {lr:<7.4} train: loss {train_loss:.4}, {train_prec1:5.2} %  test: loss {nat_loss:.4}, \
         {nat_prec1:5.2} %{attacked}  {seconds:.0} s, {images_per_second:.0} images/s"
    )
}

pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number, 0 or more".to_owned())
}

pub(crate) fn below_one(text: &str) -> Result<f64, String> {
    not_negative(text)
        .ok()
        .filter(|number| *number < 1.0)
        .ok_or_else(|| "expected a number from 0 to below 1".to_owned())
}

fn three_numbers(text: &str) -> Result<[f32; 3], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let three = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    three.ok_or_else(|| "expected three numbers with commas between, as 0.49,0.48,0.45".to_owned())
}
