//! `easy_train`: trains a classifier, keeping a checkpoint of every epoch.

use clap::Parser;
use serde::Serialize;
use training::{RunFolder, Start};

use crate::{
    adversary::{self, AttackFlags, zero_or_one},
    data,
    flags::{DataFlags, DatasetName, MachineFlags, RunFlags, at_least_one},
    freq::{self, Part},
    launch::UnusableFlags,
    live::Recording,
    network::Adversary,
    session::Session,
    train::{Recipe, Trained, TrainingRun},
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
    /// Epochs in all [default: 10 on synthetic, else 200]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    #[command(flatten)]
    #[serde(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    #[serde(flatten)]
    recording: Recording,
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
    /// Go on where the run stopped
    #[arg(long, conflicts_with = "overwrite")]
    #[serde(skip)]
    resume: bool,
    /// Remove an earlier run of the same name first
    #[arg(long)]
    #[serde(skip)]
    overwrite: bool,
}

impl Flags {
    fn epochs(&self) -> usize {
        let default = if self.data.dataset == DatasetName::Synthetic { 10 } else { 200 };
        self.epochs.unwrap_or(default)
    }

    fn adversary(&self) -> anyhow::Result<Adversary> {
        let wanted = |is_wanted: bool, flag: &str| is_wanted.then(|| self.attack.attack(flag)).transpose();
        let (training, testing) =
            (wanted(self.adv_train, "--adv-train")?, wanted(self.adv_eval, "--adv-eval")?);
        if let (None, Some(eps)) = (training.or(testing), self.attack.eps) {
            let advice = "without --adv-train 1 or --adv-eval 1 there is no adversary; add one of them, or leave --eps out";
            return Err(UnusableFlags(format!("--eps {}: {advice}", adversary::amount(eps))).into());
        }
        Ok(Adversary { training, testing })
    }

    /// The name of a run on hybrids: `--task`, or {arch}_{freq}_{r}; a generated set's has the set's folder before the part.
    fn hybrid_task(&self, keep: Part, radius: usize) -> String {
        let of_set = match self.data.dataset {
            dataset if dataset.is_one_of_many() => self.run.task(&self.data),
            _ => self.run.arch.name().to_owned(),
        };
        self.run.task.clone().unwrap_or_else(|| format!("{of_set}_{}_{radius}", keep.as_str()))
    }

    /// No hybrids are made for a run that would be refused.
    fn check_start(&self) -> Result<(), training::Error> {
        let run = RunFolder::at(self.run.folder(&self.data));
        let folder = run.path().to_owned();
        match (self.start(), run.holds_a_run()) {
            (Start::Fresh, true) => Err(training::Error::RunExists { folder }),
            (Start::Resume, false) => Err(training::Error::NothingToResume { folder }),
            _ => Ok(()),
        }
    }

    fn start(&self) -> Start {
        match (self.resume, self.overwrite) {
            (true, _) => Start::Resume,
            (_, true) => Start::Overwrite,
            _ => Start::Fresh,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If the data cannot be read, the run folder cannot be used, or training fails.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let session = Session::start(&flags.machine)?;
    let format = flags.machine.format;
    train(flags, &session)?.print(format)
}

/// Trains the network that the flags name.
///
/// # Errors
/// As [`run`].
pub(crate) fn train(mut flags: Flags, session: &Session) -> anyhow::Result<Trained> {
    let adversary = flags.adversary()?;
    // Hybrids have pairs, which a damaged image cannot be one of.
    let open = if flags.freq.is_some() { data::open_sound } else { data::open };
    let mut dataset = open(&flags.data)?;
    adversary.attacks().try_for_each(|attack| adversary::check(attack, dataset.train.shape()))?;
    flags.attack.tell_ball(session.terminal);
    if adversary.attacks().next().is_some() {
        flags.attack.fill_in();
    }
    if let Some(keep) = flags.freq {
        let radius = *flags.r.get_or_insert(freq::RADIUS);
        flags.run.task = Some(flags.hybrid_task(keep, radius));
        flags.check_start()?;
        let from = (&flags.data, flags.run.out_dir.as_path());
        dataset.train = freq::training_images(&dataset, from, (keep, radius), session)?;
    }
    let training = TrainingRun {
        command: "easy_train",
        settings: serde_json::to_value(&flags)?,
        data: &flags.data,
        run: &flags.run,
        recipe: &flags.recipe,
        adversary,
        recording: &flags.recording,
        epochs: flags.epochs(),
        start: flags.start(),
    };
    let trained = training.train(&dataset, session)?;
    data::tell_left_out(&dataset, session.terminal);
    Ok(trained)
}
