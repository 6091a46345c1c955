//! Training a classifier into a run folder.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use datasets::Dataset;
use models::{Architecture, Normaliser, Sharing};
use progress::{Pass, Progress};
use ranks::Ranks;
use runs::{Provenance, RunConfig, Settings, results};
use training::{BoxError, CheckpointInfo, EpochMetrics, Event, Outcome, RunFolder, Setting, Start, Trainer};

use crate::{
    Adversary, DatasetProfile, DeviceFeed, Error, Recipe, Session, TrainableClassifier,
    adversary::describe_attack,
    cost::Cost,
    open::fresh_network,
    resident::{ResidentSets, are_changed},
    room,
    source::DatasetSource,
    targets::Targets,
};

/// A run about to be trained. Fields that are not given are those of [`TrainingRun::new`].
#[derive(Debug, Clone)]
pub struct TrainingRun<'a> {
    /// The images.
    pub dataset: &'a Dataset,
    /// How they are used.
    pub profile: &'a DatasetProfile,
    /// Which network, for images of this size.
    pub architecture: Architecture,
    /// Where the run is kept.
    pub folder: PathBuf,
    /// How it learns.
    pub recipe: Recipe,
    /// The normaliser in front of the network.
    pub normaliser: Normaliser,
    /// Who works against it.
    pub adversary: Adversary,
    /// Epochs in all.
    pub epochs: usize,
    /// Checkpoints stay of every so-manieth epoch, and of the last.
    pub checkpoint_every: usize,
    /// The state is saved whenever so much time has passed: see [`Trainer::save_every`].
    pub save_every: Option<Duration>,
    /// Seed of everything random: the same seed gives the same bits.
    pub seed: u64,
    /// What becomes of an earlier run in the folder.
    pub start: Start,
    /// The program that trains it.
    pub provenance: Provenance,
    /// What else the run's configuration is to say.
    pub settings: Settings,
    /// Whether, of several processes that share batches, batch-norm of each sees its own images alone: see [`Sharing`].
    pub own_statistics: bool,
}

/// How often the state of a run is saved where nobody says it.
pub const SAVE_EVERY: Duration = Duration::from_secs(10 * 60);

/// A run that is trained.
#[derive(Debug)]
pub struct Trained {
    /// Its folder.
    pub folder: PathBuf,
    /// Its epochs; of several processes the first has them.
    pub metrics: Vec<EpochMetrics>,
}

impl<'a> TrainingRun<'a> {
    /// Ten epochs with the usual recipe and the data set's normaliser, with seed 0, where there is no earlier run; the state is saved
    /// every [`SAVE_EVERY`].
    pub fn new(
        architecture: Architecture,
        dataset: &'a Dataset,
        profile: &'a DatasetProfile,
        folder: impl Into<PathBuf>,
    ) -> Self {
        Self {
            dataset,
            profile,
            architecture,
            folder: folder.into(),
            recipe: Recipe::default(),
            normaliser: profile.normaliser,
            adversary: Adversary::default(),
            epochs: 10,
            checkpoint_every: 1,
            save_every: Some(SAVE_EVERY),
            seed: 0,
            start: Start::Fresh,
            provenance: Provenance::library("freqbias"),
            settings: Settings::default(),
            own_statistics: false,
        }
    }

    /// Trains to the last epoch.
    ///
    /// # Errors
    /// As [`TrainingRun::prepare`] and [`PreparedRun::train`].
    pub fn train(&self, session: &Session) -> Result<Trained, Error> {
        self.prepare(session)?.train(session, &mut || Ok(()))
    }

    /// Checks everything that can be refused, then takes the folder: an earlier run is removed only for one that can start. Of several
    /// processes, which must all train it, the first takes the folder.
    ///
    /// # Errors
    /// If the network does not suit the images, or the folder cannot be used.
    pub fn prepare(&self, session: &Session) -> Result<PreparedRun<'a>, Error> {
        let earlier = self.earlier()?;
        let trainer = self.trainer(self.learning_rate(earlier.as_ref()), session)?;
        trainer.check()?;
        self.recipe.check(&self.adversary)?;
        let shape = self.dataset.train.shape();
        let classes = self.dataset.train.classes().len();
        let mut network =
            fresh_network(self.architecture, classes, self.normaliser, self.seed, &session.backend)?;
        if let Some(rate) = self.recipe.drop_path {
            network.set_stochastic_depth(&session.backend, rate as f32)?;
        }
        network.check_size([shape.height, shape.width]).map_err(|source| {
            let arch = self.architecture.name();
            Error::UnsuitableNetwork { arch, source }
        })?;
        let batch = self.profile.batch_size.min(self.dataset.train.len());
        room::check(&network, &session.backend, [shape.height, shape.width], batch)?;
        let distortions = self.recipe.distortions(self.normaliser);
        let is_changed = are_changed(&self.adversary, &distortions);
        let resident = if is_changed { None } else { ResidentSets::from_dataset(self.dataset, session)? };
        if let Some(earlier) = &earlier {
            check_precision(&self.folder, earlier, session)?;
        }
        let Recipe { label_smoothing, mixing, .. } = self.recipe;
        let sharing = Sharing { ranks: session.ranks.clone(), own_statistics: self.own_statistics };
        let source = DatasetSource {
            dataset: self.dataset,
            profile: self.profile,
            seed: self.seed,
            adversary: self.adversary,
            distortions,
            mixing,
            sharing: sharing.clone(),
            feed: DeviceFeed::to(&session.backend),
            resident,
        };
        trainer.check_same(&source)?;
        let folder =
            if session.ranks.is_first() { self.begin()? } else { RunFolder::at(self.folder.clone()) };
        note_other_kernels(earlier.as_ref(), session);
        let network = TrainableClassifier::new(network, self.adversary, self.seed)
            .with_targets(Targets { label_smoothing, mixing })
            .sharing(sharing);
        Ok(PreparedRun { trainer, network, source, folder })
    }

    /// The configuration of the run that is resumed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn earlier(&self) -> Result<Option<RunConfig>, Error> {
        match self.start {
            Start::Resume => Ok(RunConfig::read(&self.folder)?),
            Start::Fresh | Start::Overwrite => Ok(None),
        }
    }

    fn learning_rate(&self, earlier: Option<&RunConfig>) -> f64 {
        let kept = earlier.and_then(|config| config.settings.lr);
        self.recipe.lr.or(kept).unwrap_or_else(|| self.recipe.name.learning_rate(self.epochs))
    }

    /// Takes the folder, and removes an earlier run and what was measured of it where that is asked for.
    fn begin(&self) -> Result<RunFolder, Error> {
        let replaces = self.start == Start::Overwrite;
        let _measured = if replaces { results::lock(&self.folder)? } else { Vec::new() };
        let folder = RunFolder::begin(&self.folder, self.start)?;
        if replaces {
            // First what was measured: where a run is not there any more, nothing of it is.
            results::remove(folder.path())?;
            folder.clear()?;
        }
        Ok(folder)
    }

    fn trainer(&self, lr: f64, session: &Session) -> Result<Trainer, Error> {
        let recipe = &self.recipe;
        let (seed, normaliser) = (self.seed, self.normaliser);
        let info = CheckpointInfo {
            epoch: None,
            arch: Some(self.architecture.name().to_owned()),
            dataset: Some(self.profile.name.clone()),
            classes: Some(self.dataset.train.classes().len()),
            mean: Some(normaliser.mean()),
            std: Some(normaliser.std()),
            nat_prec1: None,
            seed: Some(seed),
            version: self.provenance.version.clone(),
        };
        Ok(Trainer {
            epochs: self.epochs,
            lr,
            optimiser: recipe.optimiser,
            weight_decay: recipe.weight_decay,
            no_decay: recipe.no_decay.clone(),
            schedule: recipe.schedule.clone(),
            warmup_epochs: recipe.warmup_epochs,
            clip_norm: recipe.clip_norm,
            ema: recipe.ema,
            batch_size: self.profile.batch_size,
            checkpoint_every: self.checkpoint_every,
            save_every: self.save_every,
            kernels: Some(session.kernels()),
            training_on: self.adversary.training.as_ref().map_or_else(String::new, describe_attack),
            settings: recipe.fixed().into_iter().chain(self.statistics(session)).collect(),
            info,
            config: serde_json::to_value(self.config(lr, session)?)?,
            ranks: session.ranks.clone(),
        })
    }

    /// Whose statistics batch-norm takes, where that changes what is learned.
    fn statistics(&self, session: &Session) -> Option<(Setting, String)> {
        let size = session.ranks.size();
        let is_unusual = self.own_statistics && size > 1;
        is_unusual.then(|| (Setting::Statistics, format!("those of the images of each of {size} ranks")))
    }

    fn config(&self, lr: f64, session: &Session) -> Result<RunConfig, Error> {
        let own = [
            ("epochs", self.epochs.into()),
            ("batch_size", self.profile.batch_size.into()),
            ("lr", lr.into()),
        ];
        let settings = self.settings.resolved(own.into_iter().chain(self.recipe.settings()))?;
        Ok(RunConfig {
            command: self.provenance.command.clone(),
            version: self.provenance.version.clone(),
            git_commit: self.provenance.git_commit.clone(),
            device: Some(session.backend.to_string()),
            kernels: Some(session.kernels()),
            threads: Some(rayon::current_num_threads()),
            seed: Some(self.seed),
            epochs: Some(self.epochs),
            train_images: Some(self.dataset.train.len()),
            test_images: Some(self.dataset.test.len()),
            classes: self.dataset.train.classes().to_vec(),
            mean: Some(self.normaliser.mean()),
            std: Some(self.normaliser.std()),
            settings,
        })
    }
}

/// A run goes on in the precision that it was started with: another one is another experiment.
fn check_precision(folder: &Path, earlier: &RunConfig, session: &Session) -> Result<(), Error> {
    let now = session.kernels();
    match earlier.kernels.as_deref().map(precision) {
        Some(before) if before != precision(&now) => Err(Error::PrecisionChanged {
            folder: folder.to_owned(),
            before: before.to_owned(),
            now: precision(&now).to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The precision in the name of kernels: see [`Session::kernels`].
fn precision(kernels: &str) -> &'static str {
    ["bf16", "tf32"].into_iter().find(|name| kernels.ends_with(name)).unwrap_or("f32")
}

/// Results of other vector units differ in the last bits, so a run that moves to another machine is not what it would be. Each epoch's
/// metrics say what computed it.
fn note_other_kernels(earlier: Option<&RunConfig>, session: &Session) {
    let (before, now) = (earlier.and_then(|config| config.kernels.as_deref()), session.kernels());
    if let Some(before) = before.filter(|before| *before != now) {
        session.progress.note(&format!(
            "this run was started with the kernels `{before}` and is resumed with `{now}`: the same but for rounding; metrics.jsonl says \
             which epochs are of which"
        ));
    }
}

/// A run that can start: its folder is taken.
#[derive(Debug)]
pub struct PreparedRun<'a> {
    trainer: Trainer,
    network: TrainableClassifier,
    source: DatasetSource<'a>,
    folder: RunFolder,
}

impl PreparedRun<'_> {
    /// Where the run is kept.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Trains to the last epoch. `between_epochs` is called before each epoch and after each; its error ends the run, which can be
    /// resumed.
    ///
    /// # Errors
    /// If a file cannot be written, training diverges, `between_epochs` fails, or the interrupt flag stops it: then the state is kept.
    pub fn train(
        &mut self,
        session: &Session,
        between_epochs: &mut dyn FnMut() -> Result<(), BoxError>,
    ) -> Result<Trained, Error> {
        let Self { trainer, network, source, folder } = self;
        let mut reporter = Reporter {
            progress: &session.progress,
            images: source.dataset.train.len(),
            epochs: trainer.epochs,
            ranks: &session.ranks,
            cost: Cost::default(),
            pass: None,
        };
        let outcome = trainer.run(network, source, folder, session.progress.interrupt(), &mut |event| {
            if let Event::Epoch { .. } = event {
                between_epochs()?;
            }
            reporter.report(&event);
            if let Event::Done { .. } = event {
                between_epochs()?;
            }
            Ok(())
        });
        drop(reporter);
        match outcome? {
            Outcome::Finished => {
                // Rank 0 may end the work of all next: not while another one waits for the last numbers of a third.
                session.ranks.barrier().map_err(training::Error::from)?;
                // Others may not see yet what the first has just written.
                let metrics = if session.ranks.is_first() { folder.metrics()? } else { Vec::new() };
                Ok(Trained { folder: folder.path().to_owned(), metrics })
            }
            Outcome::Interrupted { epoch, batch } => Err(interrupted(epoch, batch, folder.path())),
        }
    }
}

fn interrupted(epoch: usize, batches: usize, folder: &Path) -> Error {
    Error::TrainingInterrupted { epoch, batches, folder: folder.to_owned() }
}

/// Reports a run as it goes on: a pass an epoch, and a line a finished epoch.
struct Reporter<'a> {
    progress: &'a Progress,
    images: usize,
    epochs: usize,
    ranks: &'a Ranks,
    cost: Cost,
    pass: Option<Pass<'a>>,
}

impl Reporter<'_> {
    fn report(&mut self, event: &Event<'_>) {
        match event {
            Event::Epoch { epoch, images_done } => {
                let pass = self.progress.pass(&format!("epoch {epoch}/{}", self.epochs), self.images);
                pass.set_position(*images_done as u64);
                self.pass = Some(pass);
                self.cost = Cost::since(self.ranks);
            }
            Event::Batch { images, tally, .. } => {
                self.cost.step(self.ranks);
                if let Some(pass) = &self.pass {
                    pass.advance(*images);
                    pass.set_status(&format!("loss {:.3}, {:.1} % right", tally.loss(), tally.prec1()));
                }
            }
            Event::Done { metrics, .. } => {
                self.pass = None;
                self.progress.line(&format!("{}{}", line(metrics), self.cost));
            }
        }
    }
}

/// A finished epoch in words.
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
    let averaged = metrics
        .ema_loss
        .zip(metrics.ema_prec1)
        .map_or_else(String::new, |(loss, prec1)| format!("  averaged: loss {loss:.4}, {prec1:5.2} %"));
    format!(
        "epoch {epoch:3}  lr {lr:<7.4} train: loss {train_loss:.4}, {train_prec1:5.2} %  test: loss {nat_loss:.4}, \
         {nat_prec1:5.2} %{attacked}{averaged}  {seconds:.0} s, {images_per_second:.0} images/s"
    )
}
