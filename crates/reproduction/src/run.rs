//! Running the steps of a plan, each once.

use std::{path::PathBuf, time::Instant};

use files::FolderLock;
use progress::Progress;

use crate::{
    error::Error,
    plan::Plan,
    records::{Done, StepRecords},
    report::{Environment, Report},
    step::{Restart, Step},
    storage,
};

/// A step that is about to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRun<'a> {
    /// The step.
    pub step: &'a Step,
    /// Its number in the plan, from 1 on.
    pub number: usize,
    /// How many steps the plan has.
    pub count: usize,
    /// Further arguments, which say what becomes of earlier work in the step's folder.
    pub start: Vec<String>,
}

impl StepRun<'_> {
    /// The step in a line: `step 3 of 12: …`.
    pub fn title(&self) -> String {
        format!("step {} of {}: {}", self.number, self.count, self.step.name)
    }

    /// The program's name and all arguments.
    pub fn command(&self) -> Vec<String> {
        let name = [self.step.program.name().to_owned()];
        name.iter().chain(&self.step.arguments).chain(&self.start).cloned().collect()
    }
}

/// What a run leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedReproduction {
    /// The report.
    pub report: Report,
    /// Its files; the last one is the page.
    pub files: Vec<PathBuf>,
}

/// Runs the steps of a plan that are not done yet, and writes the report after each. `run_step` runs one: it must leave the file
/// [`Step::result`]. A plan that was interrupted or has failed is continued with the step that was not done. Each step is reported
/// to `progress` as a line.
///
/// [`Restart::Overwrite`] forgets the steps of an earlier reproduction in the folder; its results are replaced one by one.
///
/// # Errors
/// Those of `run_step`, as they are. Else if a reproduction of other settings is in the folder, another program writes to it, the
/// interrupt flag is set between steps, or a file cannot be read or written.
pub fn run<E: From<Error>>(
    plan: &Plan,
    restart: Restart,
    environment: &Environment,
    progress: &Progress,
    mut run_step: impl FnMut(&StepRun<'_>) -> Result<(), E>,
) -> Result<FinishedReproduction, E> {
    let records = match restart {
        Restart::Resume => StepRecords::open(plan)?,
        Restart::Overwrite => StepRecords::empty(plan),
    };
    // After the check: a folder that is refused is left as it was.
    let _lock = FolderLock::take(plan.root()).map_err(Error::from)?;
    let mut running = Running { plan, records, environment, progress };
    let count = plan.steps().len();
    for index in 0..count {
        let was_run = running.step(index, &mut run_step)?;
        if was_run && index + 1 < count {
            running.save_report()?;
        }
    }
    Ok(running.save_report()?)
}

/// A plan that is being run.
struct Running<'a> {
    plan: &'a Plan,
    records: StepRecords,
    environment: &'a Environment,
    progress: &'a Progress,
}

impl Running<'_> {
    /// Runs a step unless it is done; whether it was run.
    fn step<E: From<Error>>(
        &mut self,
        index: usize,
        run_step: &mut impl FnMut(&StepRun<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let steps = self.plan.steps();
        let step = &steps[index];
        let mut run = StepRun { step, number: index + 1, count: steps.len(), start: Vec::new() };
        let title = run.title();
        if self.records.is_done(step) {
            self.progress.line(&format!("{title}: done before"));
            return Ok(false);
        }
        if self.progress.is_interrupted() {
            return Err(Error::Interrupted { step: title, folder: self.plan.root().to_owned() }.into());
        }
        self.progress.line(&title);
        // Work that this reproduction did not begin is of another one.
        let was_begun = self.records.was_begun(step);
        run.start = step.start(if was_begun { Restart::Resume } else { Restart::Overwrite });
        self.records.keep(step, None)?;
        let started = Instant::now();
        run_step(&run)?;
        let (seconds, crc32c) = (started.elapsed().as_secs_f64(), storage::checksum(&step.result)?);
        self.records.keep(step, Some(Done { seconds, crc32c }))?;
        Ok(true)
    }

    fn save_report(&self) -> Result<FinishedReproduction, Error> {
        let report = Report::of_records(self.plan, &self.records, self.environment)?;
        let files = report.save(self.plan.root())?;
        Ok(FinishedReproduction { report, files })
    }
}
