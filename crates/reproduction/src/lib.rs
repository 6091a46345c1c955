//! The experiments of a paper as a plan of steps, and a report with a verdict on each of its claims.
//!
//! The paper is Lin, Gao & Sang, *Investigating and Explaining the Frequency Bias in Image Classification* (IJCAI 2022,
//! [arXiv:2205.03154](https://arxiv.org/abs/2205.03154)). A [`Plan`] is data: a list of [`Step`]s, each the command line of one of
//! the freqbias programs and the file that it leaves. [`run()`] hands the steps that are not done yet to a function of the caller's,
//! which runs them in whatever way it likes, and writes the report from the files that they leave:
//!
//! | module | input → output |
//! |---|---|
//! | plan | [`ReproductionConfig`] → [`Step`]s |
//! | findings | files of finished steps → [`Findings`] |
//! | claims | [`Findings`] → [`Claim`]s, each with a [`Verdict`] |
//! | report | all of these → [`Report`]: `report.json`, `report.html`, `claims.csv`, `accuracy.csv`, `figures/` |
//!
//! Accuracies are percentages with 95 % intervals; radii ρ and r are in cycles per image.
//!
//! ```
//! use reproduction::{Plan, ReproductionConfig, Scale};
//!
//! let config = ReproductionConfig { epochs: 2, ..ReproductionConfig::for_scale(Scale::Smoke) };
//! let plan = Plan::new(config, "runs/mine")?;
//! assert_eq!(plan.steps().len(), 14);
//! assert_eq!(
//!     plan.steps()[1].command_line(),
//!     "evaluate --arch resnet20 --out-dir runs/mine --dataset synthetic --limit-train 2000 --limit-test 500 \
//!      --freq low,high --r 4,8,10,12,14,16,18 --features"
//! );
//! # Ok::<(), reproduction::Error>(())
//! ```
//!
//! To run it, start the programs (or call libraries that do the same):
//!
//! ```no_run
//! use std::process::Command;
//! use reproduction::{Environment, Plan, ReproductionConfig, Restart, Scale, StepRun, Verdict};
//!
//! let plan = Plan::new(ReproductionConfig::for_scale(Scale::Smoke), "runs/mine")?;
//! let environment = Environment { version: "0.1.0".to_owned(), kernels: "avx2".to_owned() };
//! let run_step = |run: &StepRun<'_>| -> Result<(), Box<dyn std::error::Error>> {
//!     let command = run.command();
//!     let status = Command::new(&command[0]).args(&command[1..]).status()?;
//!     if status.success() { Ok(()) } else { Err(format!("{}: {status}", run.title()).into()) }
//! };
//! let finished = reproduction::run(&plan, Restart::Resume, &environment, &Default::default(), run_step)?;
//! println!("{} claims reproduced", finished.report.count(Verdict::Reproduced));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod config;
mod csv;
mod error;
mod export;
mod figures;
mod findings;
mod measured;
mod page;
mod paper;
mod paths;
mod plan;
mod pool;
mod radii;
mod records;
mod report;
mod result_names;
mod run;
mod save;
mod step;
mod storage;
mod tables;
mod training_set;

// What is reproduced
pub use config::{FitEpochs, ReproductionConfig, Scale};
pub use paper::Paper;
pub use radii::{HYBRID_RADIUS, RADII};
pub use training_set::TrainingSet;

// The plan
pub use export::{PlanFormat, export};
pub use paths::ResultPaths;
pub use plan::Plan;
pub use step::{Program, Restart, Step};

// Running it
pub use pool::{Outcome, Workers, schedule};
pub use run::{FinishedReproduction, StepRun, help, report_results, run, run_on_ranks};

// What was found
pub use claims::{Claim, Measure, Unit, Verdict, test_claims};
pub use findings::{Bands, Component, Densities, Evaluation, Findings, Separation};

// The report
pub use figures::Figure;
pub use report::{CompletedStep, Environment, Report};
pub use tables::{Cell, Row, Table};

// What can go wrong
pub use error::Error;
