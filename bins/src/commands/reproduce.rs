//! `reproduce`: the paper's experiments in one command, and a report with a verdict on each claim.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use datasets::catalog::Name;
use models::{Architecture, Family};
use pipeline::Session;
use ranks::Ranks;
use reproduction::{
    Environment, FitEpochs, Paper, Plan, Program, Report, ReproductionConfig, Restart, StepRun, Verdict,
    export,
};

use super::{easy_train, evaluate, generate_toy_dataset, measure, train_toy_models};
use crate::cli::{
    self, UsageError,
    flags::{
        DatasetParser, Format, MachineFlags, architecture, at_least_one, folder_to_write, names::stands_for,
        seed,
    },
    is_interrupted, is_of_flags,
};

/// Reproduces a paper: trains networks, measures them, and writes one page with a verdict on each claim. Of Lin, Gao & Sang: networks
/// on images, on images of two kinds of changed spectra (SCR, WCR) and on hybrids (HARS), with their gradient spectra and what they get
/// right.
///
/// Each step is a command of the other programs; the page lists them. Give the command again to resume it where it was stopped. On
/// several ranks (mpirun) the first hands steps out, and each other one runs one at a time.
#[derive(Debug, Parser)]
#[command(name = "reproduce", version, args_override_self = true, allow_negative_numbers = true)]
pub struct Flags {
    #[command(flatten)]
    config: ConfigFlags,
    #[command(flatten)]
    machine: MachineFlags,
    /// Start anew where there is a reproduction of other settings
    #[arg(long)]
    overwrite: bool,
    /// Run nothing, and print the steps with what each needs: as JSON, as a makefile, or as a SLURM batch script
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["step", "report_only", "overwrite"])]
    plan: Option<PlanFormat>,
    /// Run the N-th step of the plan alone, and keep no record: for makefiles and batch scripts
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with_all = ["report_only", "overwrite"])]
    step: Option<usize>,
    /// Run nothing, and write the report of results that are all there
    #[arg(long, conflicts_with = "overwrite")]
    report_only: bool,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// One JSON object
    Json,
    /// A makefile, whose targets are the results of steps
    Make,
    /// A SLURM batch script, an array of chains of steps
    Slurm,
}

stands_for!(PlanFormat => reproduction::PlanFormat { Json, Make, Slurm });

/// The settings; each that is not given follows from the scale.
#[derive(Debug, Clone, Args)]
struct ConfigFlags {
    /// Whose claims are tested: `frequency-bias` (Lin, Gao & Sang, IJCAI 2022), `amplitude-phase` (Ricci, Merger & Goldt, ICML 2026),
    /// `transformers` (Park & Kim, ICLR 2022), `robustness` (Yin et al., NeurIPS 2019) or `shortcuts` (Wang et al., ICCV 2023)
    #[arg(long, value_name = "NAME", default_value = "frequency-bias", value_parser = <Paper as std::str::FromStr>::from_str)]
    paper: Paper,
    /// How much is trained
    #[arg(long, value_enum, default_value_t = Scale::Smoke)]
    scale: Scale,
    /// The data set [default: synthetic at scale smoke, else cifar10]
    #[arg(long, value_name = "NAME", value_parser = DatasetParser)]
    dataset: Option<Name>,
    /// The data set's root, or the folder that holds its batches
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The architecture [default: resnet20; resnet18 at scale full]
    #[arg(long, value_name = "NAME", value_parser = architecture)]
    arch: Option<Architecture>,
    /// Epochs of each network [default: the scale's]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    /// Epochs of each set of kernels [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    fit_epochs: Option<usize>,
    /// Use only the first N training images [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_train: Option<usize>,
    /// Use only the first N test images [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_test: Option<usize>,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = folder_to_write())]
    out_dir: PathBuf,
}

/// How much is trained.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scale {
    /// Minutes: a small network on the generated set of shapes; shows that everything works
    Smoke,
    /// Tens of minutes on CIFAR-10: a small network, 60 epochs of up to 6,000 images
    Small,
    /// Days on a few cores: the paper's ResNet-18, 200 epochs of all images
    Full,
}

stands_for!(Scale => reproduction::Scale { Smoke, Small, Full });

/// Runs the command.
///
/// # Errors
/// If a step fails, another reproduction is in the folder, or a file cannot be written.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let config = flags.config.config()?;
    let root = flags.config.out_dir.join(config.folder_name());
    let plan = Plan::new(config, root)?;
    if let Some(format) = flags.plan {
        return cli::result_as_it_is(export(&plan, format.into(), &flags.config.command()).as_bytes());
    }
    let session = cli::start(&flags.machine)?;
    if let Some(number) = flags.step {
        return run_alone(&plan, number, &session);
    }
    let restart = if flags.overwrite { Restart::Overwrite } else { Restart::Resume };
    let environment = Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernels: kernels::blocked::InstructionSet::current().name().to_owned(),
    };
    let ranks = session.ranks.clone();
    // A step is shared with nobody.
    let session = Session { ranks: Ranks::default(), ..session };
    let run_one = |run: &StepRun<'_>| run_step(run, &session).map_err(|error| of_step(error, run, &plan));
    if !ranks.is_first() {
        return reproduction::help(&plan, &ranks, run_one);
    }
    let progress = &session.progress;
    let finished = match flags.report_only {
        true => reproduction::report_results(&plan, &environment, progress)?,
        false => reproduction::run_on_ranks(&plan, restart, &environment, (progress, &ranks), run_one)?,
    };
    match flags.machine.format {
        Format::Text => print(&finished.report, &finished.files),
        Format::Json => cli::result(&serde_json::to_string(&finished.report)?),
    }
}

impl ConfigFlags {
    /// The command line with these settings.
    fn command(&self) -> Vec<String> {
        // Each by name, so that a new one is not forgotten.
        let Self {
            paper,
            scale,
            dataset,
            data,
            arch,
            epochs,
            fit_epochs,
            limit_train,
            limit_test,
            seed,
            out_dir,
        } = self;
        let path = |path: &PathBuf| path.display().to_string();
        let number = |number: &usize| number.to_string();
        let flags = [
            ("--paper", (*paper != Paper::default()).then(|| paper.name().to_owned())),
            ("--scale", scale.to_possible_value().map(|value| value.get_name().to_owned())),
            ("--dataset", dataset.as_ref().map(Name::to_string)),
            ("--data", data.as_ref().map(path)),
            ("--arch", arch.map(|arch| arch.name().to_owned())),
            ("--epochs", epochs.as_ref().map(number)),
            ("--fit-epochs", fit_epochs.as_ref().map(number)),
            ("--limit-train", limit_train.as_ref().map(number)),
            ("--limit-test", limit_test.as_ref().map(number)),
            ("--seed", Some(seed.to_string())),
            ("--out-dir", Some(path(out_dir))),
        ];
        let given = flags.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?]));
        std::iter::once("reproduce".to_owned()).chain(given.flatten()).collect()
    }

    fn config(&self) -> anyhow::Result<ReproductionConfig> {
        if let Some(arch) = self.arch.filter(|arch| arch.in_family(Family::Cifar).is_err()) {
            return Err(UsageError(format!(
                "--arch {name}: it is for images of about 224 pixels, and a reproduction is of 32×32; expected one for such, as resnet20",
                name = arch.name()
            ))
            .into());
        }
        let defaults = ReproductionConfig::for_scale(self.scale.into());
        Ok(ReproductionConfig {
            paper: self.paper,
            dataset: self.dataset.as_ref().map_or(defaults.dataset, Name::to_string),
            data: self.data.clone(),
            arch: self.arch.map_or(defaults.arch, |arch| arch.name().to_owned()),
            epochs: self.epochs.unwrap_or(defaults.epochs),
            fit: self.fit_epochs.map_or(defaults.fit, FitEpochs::in_quarters),
            limit_train: self.limit_train.or(defaults.limit_train),
            limit_test: self.limit_test.or(defaults.limit_test),
            seed: self.seed,
            ..defaults
        })
    }
}

/// Runs a step of the plan, going on with what was begun of it.
fn run_alone(plan: &Plan, number: usize, session: &Session) -> anyhow::Result<()> {
    let count = plan.steps().len();
    let Some(step) = plan.steps().get(number - 1) else {
        return Err(UsageError(format!("--step {number}: the plan has steps 1 to {count}")).into());
    };
    if !session.ranks.is_alone() {
        return Err(UsageError(format!(
            "--step {number}: {} ranks are started, and a step runs on one",
            session.ranks.size()
        ))
        .into());
    }
    let run = StepRun { step, number, count, start: step.start(Restart::Resume) };
    session.progress.line(&run.title());
    run_step(&run, session).map_err(|error| of_step(error, &run, plan))
}

/// Runs a step as if its command line had been typed.
fn run_step(run: &StepRun<'_>, session: &Session) -> anyhow::Result<()> {
    let line = run.command();
    match run.step.program {
        Program::TrainToyModels => {
            train_toy_models::fit(&train_toy_models::Flags::try_parse_from(line)?, session).map(drop)
        }
        Program::GenerateToyDataset => {
            let flags = generate_toy_dataset::Flags::try_parse_from(line)?;
            generate_toy_dataset::generate(&flags, session).map(drop)
        }
        Program::EasyTrain => easy_train::train(easy_train::Flags::try_parse_from(line)?, session).map(drop),
        Program::Evaluate => {
            evaluate::measure(&evaluate::Flags::try_parse_from(line)?, session, |_, _, _| Ok(()))
        }
        Program::Measure => measure::without_words(line, session),
    }
}

/// The error of a step, with the step that it belongs to.
fn of_step(error: anyhow::Error, run: &StepRun<'_>, plan: &Plan) -> anyhow::Error {
    let step = run.title();
    if is_interrupted(&error) {
        return reproduction::Error::Interrupted { step, folder: plan.root().to_owned() }.into();
    }
    if is_of_flags(&error) {
        return error.context(format!(
            "{step} (a command of its own, whose flags this names; reproduce itself takes another --out-dir)"
        ));
    }
    error.context(step)
}

/// Prints the verdicts and where the report is.
fn print(report: &Report, files: &[PathBuf]) -> anyhow::Result<()> {
    for claim in &report.claims {
        cli::result(&format!("{:24}  {}", claim.verdict.as_str(), claim.title))?;
    }
    cli::result(&format!(
        "{} of {} claims reproduced, {} not, {} not tested at this scale",
        report.count(Verdict::Reproduced),
        report.claims.len(),
        report.count(Verdict::NotReproduced),
        report.count(Verdict::NotTested)
    ))?;
    files.iter().try_for_each(|file| cli::result(&format!("wrote {}", file.display())))
}
