//! `easy_train`: trains a classifier, keeping a checkpoint of every epoch.

use std::time::Duration;

use analysis::train_recording;
use clap::Parser;
use datasets::{
    Dataset,
    catalog::{Name, Request},
};
use derived::hybrids::{self, Made, TRAINING_SEED};
use pipeline::{
    Adversary, DatasetProfile, SAVE_EVERY, Session, Trained, TrainingRun, attack_amount, check_attack,
};
use runs::{Settings, results};
use serde::Serialize;
use training::{RunFolder, Start};

use super::images;
use crate::{
    cli::{
        self, UsageError,
        flags::{
            AttackFlags, DataFlags, Format, MachineFlags, NormaliserFlags, Part, RecipeFlags, RecordingFlags,
            RunFlags, StartFlags, Switch, at_least_one, hybrids_folder, positive, zero_or_one,
        },
    },
    provenance::{provenance, settings},
};

/// Trains an image classifier and keeps a checkpoint of every epoch, for `grad` to look at.
#[derive(Debug, Parser, Serialize)]
#[command(name = "easy_train", version, args_override_self = true, allow_negative_numbers = true)]
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
    /// Epochs in all [default: 10 on synthetic, else 200; or the recipe's]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    #[command(flatten)]
    #[serde(flatten)]
    recipe: RecipeFlags,
    #[command(flatten)]
    #[serde(flatten)]
    normaliser: NormaliserFlags,
    #[command(flatten)]
    #[serde(flatten)]
    recording: RecordingFlags,
    /// Train on images that an adversary changed within --eps: adversarial training
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1", value_parser = zero_or_one)]
    adv_train: bool,
    /// After each epoch, also test on images that the adversary changed
    #[arg(long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1", value_parser = zero_or_one)]
    adv_eval: bool,
    #[command(flatten)]
    #[serde(flatten)]
    attack: AttackFlags,
    /// Train on hybrids of two images' frequencies whose labels are those of this part, as `generate_freq_dataset` writes
    /// them; made first if they are not there. The run is called {arch}_{freq}_{r}, test images stay what they are
    #[arg(long, value_enum, value_name = "PART")]
    freq: Option<Part>,
    /// The radius that parts low from high in hybrids [default: 12]
    #[arg(long, value_name = "R", requires = "freq", value_parser = at_least_one)]
    r: Option<usize>,
    /// Save the state within an epoch whenever so many minutes have passed: what a run that is killed loses. The run is the same
    #[arg(long, value_name = "MINUTES", default_value_t = SAVE_EVERY.as_secs_f32() / 60.0, value_parser = positive)]
    #[serde(skip)]
    save_every: f32,
    /// Of several ranks: batch-norm sees the whole batch, and any number of ranks is the same run; off: each rank's own images, as
    /// PyTorch's DistributedDataParallel
    #[arg(long, value_enum, value_name = "on|off", default_value_t = Switch::On)]
    #[serde(skip)]
    sync_bn: Switch,
    #[command(flatten)]
    #[serde(skip)]
    start: StartFlags,
}

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, the run folder cannot be used, or training fails.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = cli::start(&flags.machine)?;
    let format = flags.machine.format;
    print(&train(flags, &session)?, format)
}

/// Trains the network that the flags name.
///
/// # Errors
/// As [`run`].
pub(super) fn train(mut flags: Flags, session: &Session) -> anyhow::Result<Trained> {
    let adversary = flags.adversary()?;
    // Hybrids have pairs, which a damaged image cannot be one of.
    let open = if flags.freq.is_some() { Request::open_checked } else { Request::open_to_train };
    let mut dataset = images::open(&flags.data.request(), open, session)?;
    adversary.attacks().try_for_each(|attack| check_attack(attack, dataset.train.shape()))?;
    flags.attack.note_ball(&session.progress);
    if adversary.attacks().next().is_some() {
        flags.attack.fill_in();
    }
    cli::first_rank_first(&session.ranks, || flags.take_hybrids(&mut dataset, session))?;
    let shape = dataset.train.shape();
    let (profile, epochs) = (flags.profile(), flags.epochs());
    let recipe = flags.recipe.recipe(epochs);
    flags.recipe.note(&recipe, epochs, &session.progress);
    let architecture = flags.run.architecture([shape.height, shape.width])?;
    let run = TrainingRun {
        recipe,
        normaliser: flags.normaliser.given()?.unwrap_or(profile.normaliser),
        adversary,
        epochs,
        seed: flags.run.seed,
        save_every: Duration::try_from_secs_f32(60.0 * flags.save_every).ok(),
        start: flags.start.into(),
        own_statistics: flags.sync_bn == Switch::Off,
        provenance: provenance("easy_train"),
        settings: Settings::new(settings(&flags)?)?
            .resolved([("task", flags.run.task(&flags.data).into())])?,
        ..TrainingRun::new(architecture, &dataset, &profile, flags.run.folder(&flags.data))
    };
    let trained = train_recording(run, (&flags.recording).into(), session)?;
    if session.ranks.is_first() {
        reports::save_run_page(&trained.folder)?;
    }
    images::note_left_out(&dataset, session);
    Ok(trained)
}

impl Flags {
    fn epochs(&self) -> usize {
        let default = if self.data.dataset == Name::Synthetic { 10 } else { 200 };
        self.epochs.or(self.recipe.name().epochs()).unwrap_or(default)
    }

    fn profile(&self) -> DatasetProfile {
        let usual = self.data.profile();
        let batch_size = self.data.batch_size.or(self.recipe.name().batch_size());
        DatasetProfile { batch_size: batch_size.unwrap_or(usual.batch_size), ..usual }
    }

    fn adversary(&self) -> anyhow::Result<Adversary> {
        let wanted = |is_wanted: bool, flag: &str| is_wanted.then(|| self.attack.attack(flag)).transpose();
        let (training, testing) =
            (wanted(self.adv_train, "--adv-train")?, wanted(self.adv_eval, "--adv-eval")?);
        if let (None, Some(eps)) = (training.or(testing), self.attack.eps) {
            let advice = "without --adv-train 1 or --adv-eval 1 there is no adversary; add one of them, or leave --eps out";
            return Err(UsageError(format!("--eps {}: {advice}", attack_amount(eps))).into());
        }
        Ok(Adversary { training, testing })
    }

    /// Puts hybrids in the place of the training images, where they are asked for; made first if they are not there.
    fn take_hybrids(&mut self, dataset: &mut Dataset, session: &Session) -> anyhow::Result<()> {
        let Some(keep) = self.freq else { return Ok(()) };
        let radius = *self.r.get_or_insert(hybrids::RADIUS);
        self.run.task = Some(self.hybrid_task(keep, radius));
        if session.ranks.is_first() {
            self.check_start()?;
        }
        let folder = hybrids_folder(&self.run.out_dir, &self.data);
        let found = hybrids::training_images(dataset, &folder, keep.into(), radius, &session.progress)?;
        for Made { what, count, images, .. } in &found.made {
            session.progress.line(&format!("made {count} {what} first: {}", images.display()));
        }
        if found.seed != TRAINING_SEED {
            session.progress.note(&format!(
                "{} was made with --seed {}, another run's would be of --seed {TRAINING_SEED}",
                found.files.images.display(),
                found.seed
            ));
        }
        dataset.train = found.images;
        Ok(())
    }

    /// The name of a run on hybrids: `--task`, or {arch}_{freq}_{r}; a generated set's has the set's folder before the part.
    fn hybrid_task(&self, keep: Part, radius: usize) -> String {
        let of_set = if self.data.dataset.is_one_of_many() {
            self.run.task(&self.data)
        } else {
            self.run.arch.name().to_owned()
        };
        let part = hybrids::Part::from(keep).as_str();
        self.run.task.clone().unwrap_or_else(|| format!("{of_set}_{part}_{radius}"))
    }

    /// No hybrids are made for a run that would be refused.
    fn check_start(&self) -> Result<(), training::Error> {
        let run = RunFolder::at(self.run.folder(&self.data));
        let folder = run.path().to_owned();
        match (self.start.into(), run.holds_a_run()) {
            (Start::Fresh, true) => Err(training::Error::RunExists { folder }),
            (Start::Resume, false) => Err(training::Error::NothingToResume { folder }),
            _ => Ok(()),
        }
    }
}

/// Prints the result: the last epoch and where the run is.
fn print(trained: &Trained, format: Format) -> anyhow::Result<()> {
    let Trained { folder, metrics } = trained;
    if format == Format::Json {
        let summary =
            serde_json::json!({ "folder": folder, "epochs": metrics, "report": folder.join(results::PAGE) });
        return cli::result(&serde_json::to_string(&summary)?);
    }
    if let Some(last) = metrics.last() {
        cli::result(&format!(
            "epoch {}: test accuracy {:.2} %, top-5 {:.2} %, loss {:.4}",
            last.epoch, last.nat_prec1, last.nat_prec5, last.nat_loss
        ))?;
    }
    cli::result(&format!("run folder: {}", folder.display()))?;
    cli::result(&format!("report: {}", folder.join(results::PAGE).display()))
}
