//! The epoch loop.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use candle_core::Tensor;
use ranks::Ranks;

use crate::{
    BoxError, Checkpoint, CheckpointInfo, EpochMetrics, Error, LearningRate, NoDecay, Optimiser, RunFolder,
    Schedule, Tally,
    average::Average,
    bounds::Bounds,
    clipping::clip,
    decay::Decay,
    evaluation::{self, Evaluated, Evaluators},
    model::{DeferredMetrics, Source, StepOutput, TrainableModel},
    optimiser::RunningOptimiser,
    setting::Setting,
    state::{self, Fixed, Moving, Progress},
    tensorboard,
};

/// How a run learns.
#[derive(Debug, Clone)]
pub struct Trainer {
    /// Epochs in all.
    pub epochs: usize,
    /// The base learning rate.
    pub lr: f64,
    /// What moves the parameters.
    pub optimiser: Optimiser,
    /// Weight decay.
    pub weight_decay: f64,
    /// Which parameters do not decay.
    pub no_decay: NoDecay,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Epochs in which the rate rises before the schedule begins.
    pub warmup_epochs: usize,
    /// The length that all gradients together are cut to, where they are longer.
    pub clip_norm: Option<f64>,
    /// The decay of a running average of the weights, which is evaluated and kept beside them.
    pub ema: Option<f64>,
    /// Images per training batch; kept to refuse a resume with another.
    pub batch_size: usize,
    /// Checkpoints stay of every so-manieth epoch, counted from 0, and of the last; those of other epochs are removed once
    /// the next one is kept.
    pub checkpoint_every: usize,
    /// Within an epoch the state is saved whenever so much time has passed: what a program that is killed loses. Never where it is
    /// absent.
    pub save_every: Option<Duration>,
    /// What computes the run, kept with each epoch: others round differently.
    pub kernels: Option<String>,
    /// What else decides what is learned, in words: a resume with other ones is refused. Empty where nothing does.
    pub training_on: String,
    /// The same by setting: what is not [usual](Setting::usual).
    pub settings: BTreeMap<Setting, String>,
    /// What every checkpoint says of the run; epoch and accuracy are filled in.
    pub info: CheckpointInfo,
    /// What `config.json` is to say; written once the run is known to fit what is there.
    pub config: serde_json::Value,
    /// The processes that train it together, which must all run it; rank 0 alone writes. The model shares batches among them by itself.
    pub ranks: Ranks,
}

/// What happens while a run goes on.
#[derive(Debug)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Event<'a> {
    /// An epoch begins or goes on: its number, and how many of its images are done already.
    Epoch { epoch: usize, images_done: usize },
    /// A training batch is done; the tally is the epoch's so far.
    Batch { epoch: usize, images: usize, tally: &'a Tally },
    /// An epoch is done and kept.
    Done { metrics: &'a EpochMetrics, checkpoint: &'a Path },
}

/// Who watches a run. An error ends the run; it can go on later.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> Result<(), BoxError> + 'a;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// It was asked to stop; the next batch is this one of this epoch.
    Interrupted { epoch: usize, batch: usize },
}

impl Trainer {
    /// Trains until the last epoch, or until `interrupt` is set: then the state is kept for an exact resume.
    ///
    /// # Errors
    /// If a file cannot be written, the state to resume does not fit, the loss is not finite, or the observer fails.
    pub fn run<L: TrainableModel, S: Source<Batch = L::Batch>>(
        &self,
        model: &mut L,
        source: &S,
        folder: &RunFolder,
        interrupt: &AtomicBool,
        observe: &mut Observer<'_>,
    ) -> Result<Outcome, Error> {
        if source.train_batches() == 0 {
            return Err(Error::NoBatches);
        }
        self.check()?;
        let weights = model.parameters().iter().chain(model.buffers());
        let average = self.ema.map(|decay| Average::new(decay, weights)).transpose()?;
        self.check_same(source)?;
        let mut run = Run {
            trainer: self,
            model,
            source,
            folder,
            interrupt,
            observe,
            optimiser: self.optimiser.start(self.decay()),
            average,
            progress: Progress::default(),
            pending: None,
            saved: Instant::now(),
        };
        run.begin()?;
        // Whatever cannot be written to a folder that is gone, that it is gone is what there is to say.
        let or_gone = |error| folder.check().err().unwrap_or(error);
        while run.progress.epoch < self.epochs {
            if !run.epoch().map_err(or_gone)? {
                return Ok(Outcome::Interrupted { epoch: run.progress.epoch, batch: run.progress.batch });
            }
        }
        Ok(Outcome::Finished)
    }

    /// Whether this process writes the files of the run.
    fn writes(&self) -> bool {
        self.ranks.is_first()
    }

    /// Checks that this rank trains what rank 0 does. All must call it; [`Trainer::run`] does, too.
    ///
    /// # Errors
    /// [`ranks::Error::Different`] on the rank that does not; on others if it says so, or does not answer.
    pub fn check_same(&self, source: &impl Source) -> Result<(), Error> {
        if self.ranks.is_alone() {
            return Ok(());
        }
        let kernels = self.kernels.as_deref().unwrap_or_default();
        let own = format!("{} by {kernels}", self.fixed(source).to_words());
        let expected = self.ranks.broadcast(own.clone())?;
        if own != expected {
            return Err(ranks::Error::different("trained", &own, &expected).into());
        }
        // Rank 0 goes on once all have found it so.
        Ok(self.ranks.barrier()?)
    }

    /// Checks that its numbers are such as can be, and that the warm-up suits the run.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::LongWarmup`] or [`Error::SecondWarmup`].
    pub fn check(&self) -> Result<(), Error> {
        Bounds::NotNegative.check(Setting::LearningRate, self.lr)?;
        Bounds::NotNegative.check(Setting::WeightDecay, self.weight_decay)?;
        Bounds::Positive.check(Setting::ClipNorm, self.clip_norm.unwrap_or(1.0))?;
        Bounds::BelowOne.check(Setting::Ema, self.ema.unwrap_or(0.0))?;
        self.optimiser.check()?;
        let Self { warmup_epochs: warmup, epochs, ref schedule, .. } = *self;
        match warmup {
            0 => Ok(()),
            _ if schedule.warms_up() => Err(Error::SecondWarmup { schedule: schedule.to_string() }),
            _ if warmup >= epochs => Err(Error::LongWarmup { warmup, epochs }),
            _ => Ok(()),
        }
    }

    fn decay(&self) -> Decay {
        Decay { amount: self.weight_decay, except: self.no_decay.clone() }
    }

    fn rate(&self, source: &impl Source) -> LearningRate<'_> {
        LearningRate {
            base: self.lr,
            schedule: &self.schedule,
            warmup_epochs: self.warmup_epochs,
            epochs: self.epochs,
            steps: source.train_batches(),
        }
    }

    fn fixed(&self, source: &impl Source) -> Fixed {
        let CheckpointInfo { arch, dataset, mean, std, seed, .. } = self.info.clone();
        Fixed {
            arch: arch.unwrap_or_default(),
            dataset: dataset.unwrap_or_default(),
            mean: mean.unwrap_or_default(),
            std: std.unwrap_or_default(),
            seed: seed.unwrap_or_default(),
            batch_size: self.batch_size,
            training_images: source.train_images(),
            test_images: source.test_images(),
            images: source.images_checksum(),
            lr: self.lr,
            momentum: self.momentum(),
            weight_decay: self.weight_decay,
            schedule: self.schedule.clone(),
            epochs: self.epochs,
            training_on: self.training_on.clone(),
            more: self.unusual_settings(),
        }
    }

    /// SGD's; of other optimisers none.
    fn momentum(&self) -> f64 {
        match self.optimiser {
            Optimiser::Sgd { momentum } => momentum,
            Optimiser::AdamW { .. } => 0.0,
        }
    }

    /// Its own settings and those that it was told of, where they are not the usual ones.
    fn unusual_settings(&self) -> BTreeMap<Setting, String> {
        let or_none = |value: Option<f64>| value.unwrap_or(0.0).to_string();
        let mut all = BTreeMap::from([
            (Setting::Optimiser, self.optimiser.name().to_owned()),
            (Setting::NoDecay, self.no_decay.to_string()),
            (Setting::WarmupEpochs, self.warmup_epochs.to_string()),
            (Setting::ClipNorm, or_none(self.clip_norm)),
            (Setting::Ema, or_none(self.ema)),
        ]);
        if let Optimiser::AdamW { betas: [first, second], epsilon } = self.optimiser {
            all.insert(Setting::Betas, format!("{first},{second}"));
            all.insert(Setting::AdamEpsilon, epsilon.to_string());
        }
        all.extend(self.settings.clone());
        all.retain(|setting, value| setting.usual() != value);
        all
    }
}

/// Before an evaluation the state is saved if it is older than this, and not only if it is as old as [`Trainer::save_every`].
const BEFORE_EVALUATION: Duration = Duration::from_secs(10);

/// No epoch takes less, in seconds.
const SHORTEST: f64 = 1e-9;

/// What stands before the names of averaged weights in a checkpoint.
const AVERAGE: &str = "ema.";

struct Run<'a, L, S> {
    trainer: &'a Trainer,
    model: &'a mut L,
    source: &'a S,
    folder: &'a RunFolder,
    interrupt: &'a AtomicBool,
    observe: &'a mut Observer<'a>,
    optimiser: RunningOptimiser,
    average: Option<Average>,
    progress: Progress,
    /// The last batch that was output, while nobody has asked what it gave.
    pending: Option<Pending>,
    /// When the state was saved.
    saved: Instant,
}

struct Pending {
    tally: DeferredMetrics,
    batch: usize,
    lr: f64,
}

impl<L: TrainableModel, S: Source<Batch = L::Batch>> Run<'_, L, S> {
    /// Goes on where rank 0 finds a state, or begins.
    fn begin(&mut self) -> Result<(), Error> {
        let goes_on = self.folder.state_path().exists();
        if self.trainer.writes() && !goes_on {
            self.folder.save_config(&self.trainer.config)?;
            // From here on there is a state, whatever happens: a run that breaks off can go on.
            self.save_state()?;
        }
        if self.trainer.ranks.broadcast(goes_on)? {
            self.restore()?;
            if self.trainer.writes() {
                self.folder.save_config(&self.trainer.config)?;
            }
        }
        // Others must have read the state before rank 0 writes the next one.
        Ok(self.trainer.ranks.barrier()?)
    }

    fn restore(&mut self) -> Result<(), Error> {
        let fixed = self.trainer.fixed(self.source);
        let path = self.folder.state_path();
        self.progress = state::load(&path, &fixed, &mut self.moving())?;
        self.progress.check(self.source.train_batches(), self.source.train_images(), &path)?;
        if !self.trainer.writes() {
            return Ok(());
        }
        // The state is what counts: what was written after it, or lost since, is put right.
        self.folder.save_metrics(&self.progress.history)
    }

    fn save_state(&mut self) -> Result<(), Error> {
        if !self.trainer.writes() {
            return Ok(());
        }
        self.folder.check()?;
        self.saved = Instant::now();
        let (fixed, progress) = (self.trainer.fixed(self.source), self.progress.clone());
        state::save(&self.folder.state_path(), &fixed, &progress, &self.moving())
    }

    fn moving(&mut self) -> Moving<'_> {
        Moving {
            parameters: self.model.parameters(),
            buffers: self.model.buffers(),
            optimiser: &mut self.optimiser,
            average: self.average.as_mut(),
        }
    }

    /// Saves the state within an epoch that began at `started`, after `before` seconds of it.
    fn save_within(&mut self, started: Instant, before: f64) -> Result<(), Error> {
        self.settle()?;
        self.progress.seconds = before + started.elapsed().as_secs_f64();
        self.save_state()
    }

    /// Whether the state is that of so long ago.
    fn is_saved_before(&self, time: Option<Duration>) -> bool {
        time.is_some_and(|time| self.saved.elapsed() >= time)
    }

    /// One epoch, or the rest of one; false if it was interrupted.
    fn epoch(&mut self) -> Result<bool, Error> {
        let epoch = self.progress.epoch;
        let rate = self.trainer.rate(self.source);
        self.tell(Event::Epoch { epoch, images_done: self.progress.tally.examples })?;
        let (started, before) = (Instant::now(), self.progress.seconds);
        let source = self.source;
        for batch in source.train(epoch, self.progress.batch) {
            self.batch(&batch.map_err(Error::Model)?, rate.at(epoch, self.progress.batch))?;
            if self.is_interrupted()? {
                self.save_within(started, before)?;
                return Ok(false);
            }
            if self.is_saved_before(self.trainer.save_every) {
                self.save_within(started, before)?;
            }
        }
        self.settle()?;
        self.progress.seconds = before + started.elapsed().as_secs_f64();
        // Whoever kills the program while it evaluates takes no training away.
        let soon = self.trainer.save_every.map(|time| time.min(BEFORE_EVALUATION));
        if self.is_saved_before(soon) {
            self.save_state()?;
        }
        if !self.finish_epoch(rate.at(epoch, 0), started, before)? {
            self.save_state()?;
            return Ok(false);
        }
        Ok(self.progress.epoch == self.trainer.epochs || !self.is_interrupted()?)
    }

    /// Whether any process was asked to stop.
    fn is_interrupted(&self) -> Result<bool, Error> {
        Ok(self.trainer.ranks.any(self.interrupt.load(Ordering::SeqCst))?)
    }

    fn batch(&mut self, batch: &L::Batch, lr: f64) -> Result<(), Error> {
        self.model.begin_step(self.progress.epoch, self.progress.batch);
        let StepOutput { tally, gradients } = self.model.learn(batch).map_err(Error::Model)?;
        let output = Pending { tally, batch: self.progress.batch, lr };
        let done = (self.progress.epoch * self.source.train_batches() + self.progress.batch) as u64;
        self.progress.batch += 1;
        if let DeferredMetrics::Known(_) = output.tally {
            self.pending = Some(output);
            self.settle()?;
            return self.step(gradients, lr, done);
        }
        self.step(gradients, lr, done)?;
        // What the batch before gave is asked for only now that the device has this one to work on.
        let before = self.pending.replace(output);
        before.map_or(Ok(()), |before| self.count(before))
    }

    /// Moves the parameters, and the average after them; `done` is how many steps came before.
    fn step(&mut self, mut gradients: BTreeMap<String, Tensor>, lr: f64, done: u64) -> Result<(), Error> {
        if let Some(most) = self.trainer.clip_norm {
            clip(&mut gradients, most)?;
        }
        self.optimiser.step(self.model.parameters(), &gradients, lr, done)?;
        if let Some(average) = &mut self.average {
            average.update(self.model.parameters().iter().chain(self.model.buffers()), done)?;
        }
        Ok(())
    }

    /// Counts the batch that is not yet counted, if there is one.
    fn settle(&mut self) -> Result<(), Error> {
        self.pending.take().map_or(Ok(()), |pending| self.count(pending))
    }

    fn count(&mut self, Pending { tally, batch, lr }: Pending) -> Result<(), Error> {
        let (epoch, tally) = (self.progress.epoch, tally.wait().map_err(Error::Model)?);
        if !tally.loss_sum.is_finite() {
            return Err(Error::Diverged { loss: tally.loss(), epoch, batch, lr });
        }
        self.progress.tally.add(&tally);
        let so_far = self.progress.tally;
        self.tell(Event::Batch { epoch, images: tally.examples, tally: &so_far })
    }

    /// Evaluates the network and keeps the epoch; false if it was interrupted before that.
    fn finish_epoch(&mut self, lr: f64, started: Instant, before: f64) -> Result<bool, Error> {
        let evaluators = Evaluators { ranks: &self.trainer.ranks, interrupt: self.interrupt };
        let found = evaluation::evaluate(self.model, self.average.as_ref(), self.source, evaluators)?;
        let Some(found) = found else { return Ok(false) };
        let Evaluated { natural, attacked, averaged } = found;
        let (train, epoch) = (self.progress.tally, self.progress.epoch);
        if !natural.loss_sum.is_finite() {
            return Err(Error::DivergedAfter { loss: natural.loss(), epoch, lr });
        }
        let metrics = EpochMetrics {
            epoch,
            lr,
            train_loss: train.loss(),
            train_prec1: train.prec1(),
            nat_loss: natural.loss(),
            nat_prec1: natural.prec1(),
            nat_prec5: natural.prec5(),
            adv_loss: attacked.as_ref().map(Tally::loss),
            adv_prec1: attacked.as_ref().map(Tally::prec1),
            ema_loss: averaged.as_ref().map(Tally::loss),
            ema_prec1: averaged.as_ref().map(Tally::prec1),
            seconds: before + started.elapsed().as_secs_f64(),
            // A clock that stands still makes no infinity, which JSON has not.
            images_per_second: train.examples as f64 / self.progress.seconds.max(SHORTEST),
            kernels: self.trainer.kernels.clone(),
        };
        let is_best = self.progress.is_best(metrics.nat_prec1);
        let mut history = std::mem::take(&mut self.progress.history);
        history.push(metrics.clone());
        if self.trainer.writes() {
            self.folder.save_checkpoint(epoch, &self.checkpoint(&metrics), is_best)?;
            self.folder.save_metrics(&history)?;
            tensorboard::write(&self.folder.tensorboard(), &history)?;
        }
        self.progress = Progress { epoch: epoch + 1, history, ..Progress::default() };
        self.save_state()?;
        self.remove_passing_checkpoint(epoch)?;
        let checkpoint = self.folder.checkpoint_path(epoch);
        self.tell(Event::Done { metrics: &metrics, checkpoint: &checkpoint })?;
        Ok(true)
    }

    /// Removes the checkpoint of the epoch before, where it was only to be seen until this one is there.
    fn remove_passing_checkpoint(&self, epoch: usize) -> Result<(), Error> {
        match epoch.checked_sub(1) {
            Some(before)
                if self.trainer.writes() && !before.is_multiple_of(self.trainer.checkpoint_every) =>
            {
                self.folder.remove_checkpoint(before)
            }
            _ => Ok(()),
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), Error> {
        (self.observe)(event).map_err(Error::Observer)
    }

    /// The network, and behind the prefix `ema.` the average of its weights.
    fn checkpoint(&self, metrics: &EpochMetrics) -> Checkpoint {
        let all = self.model.parameters().iter().chain(self.model.buffers());
        let own = all.map(|(name, variable)| (name.clone(), variable.as_detached_tensor()));
        let averages = self.average.iter().flat_map(Average::values);
        let averages = averages.map(|(name, average)| (format!("{AVERAGE}{name}"), average.clone()));
        let tensors = own.chain(averages).collect();
        let info = CheckpointInfo {
            epoch: Some(metrics.epoch),
            nat_prec1: Some(metrics.nat_prec1),
            ..self.trainer.info.clone()
        };
        Checkpoint { tensors, info: Some(info) }
    }
}
