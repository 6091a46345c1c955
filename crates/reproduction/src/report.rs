//! Everything that a reproduction found, as one structure.

use serde::Serialize;

use crate::{
    claims::{Claim, Verdict, test_claims},
    config::ReproductionConfig,
    error::Error,
    figures::{self, Figure},
    findings::Findings,
    plan::Plan,
    records::StepRecords,
    step::Step,
    tables::{Table, accuracy_tables},
};

/// The software that the numbers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The version of the programs that run the steps.
    pub version: String,
    /// The instruction set of the kernels that they compute with.
    pub kernels: String,
}

/// A reproduction as far as it has come. Its JSON is the file `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The version of the programs.
    pub version: String,
    /// The instruction set of the kernels.
    pub kernels: String,
    /// The settings.
    #[serde(rename = "study")]
    pub config: ReproductionConfig,
    /// The paper's claims.
    pub claims: Vec<Claim>,
    /// The accuracy of each network.
    pub tables: Vec<Table>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The steps.
    pub steps: Vec<CompletedStep>,
    /// What all of this was found from; results have it in files of their own.
    #[serde(skip)]
    pub findings: Findings,
}

/// A step and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompletedStep {
    /// What it does.
    pub name: String,
    /// Its command line.
    pub command: String,
    /// Whether its result is there.
    pub done: bool,
    /// How long it took; absent until it is done, and of a step that another program ran.
    pub seconds: Option<f64>,
}

impl Report {
    /// Collects what the finished steps of a plan found, and their figures into the folder `figures` beside the report.
    ///
    /// # Errors
    /// If the record of steps is damaged or of other settings, a result cannot be read, or a figure cannot be drawn or written.
    pub fn collect(plan: &Plan, environment: &Environment) -> Result<Self, Error> {
        Self::of_records(plan, &StepRecords::open(plan)?, environment)
    }

    /// The same with a record that was read before.
    pub(crate) fn of_records(
        plan: &Plan,
        records: &StepRecords,
        environment: &Environment,
    ) -> Result<Self, Error> {
        let paths = plan.paths();
        let findings = Findings::read(plan.config().paper, &paths, |path| records.has_result(plan, path))?;
        let completed = |step: &Step| {
            Ok::<_, Error>(CompletedStep {
                name: step.name.clone(),
                command: step.command_line(),
                done: records.is_done(step)?,
                seconds: records.seconds(step),
            })
        };
        Ok(Self {
            version: environment.version.clone(),
            kernels: environment.kernels.clone(),
            config: plan.config().clone(),
            claims: test_claims(plan.config().paper, &findings),
            tables: accuracy_tables(&findings),
            figures: figures::collect(plan.config().paper, &paths, &findings, plan.root())?,
            steps: plan.steps().iter().map(completed).collect::<Result<_, _>>()?,
            findings,
        })
    }

    /// How many claims have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|claim| claim.verdict == verdict).count()
    }
}
