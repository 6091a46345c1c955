//! Running the steps of a plan, each once.

use std::{path::PathBuf, time::Instant};

use files::FolderLock;
use progress::Progress;
use ranks::Ranks;

use crate::{
    error::Error,
    plan::Plan,
    pool::{Outcome, Workers, schedule, serve},
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
    let mut running = Running::begin(plan, restart, environment, progress)?;
    // After the check: a folder that is refused is left as it was.
    let _lock = FolderLock::take(plan.root()).map_err(Error::from)?;
    let count = plan.steps().len();
    for index in 0..count {
        let was_run = running.step(index, &mut run_step)?;
        if was_run && index + 1 < count {
            running.save_report()?;
        }
    }
    Ok(running.save_report()?)
}

/// Runs a plan on several ranks: each other rank, which must call [`help`] with the same plan, runs one step at a time. Rank 0 writes the
/// records and the report. On one rank this is [`run`].
///
/// # Errors
/// As [`run`]; and if another rank cannot do its step, or none is left that works.
pub fn run_on_ranks<E: From<Error>>(
    plan: &Plan,
    restart: Restart,
    environment: &Environment,
    (progress, ranks): (&Progress, &Ranks),
    run_step: impl FnMut(&StepRun<'_>) -> Result<(), E>,
) -> Result<FinishedReproduction, E> {
    if ranks.is_alone() {
        return run(plan, restart, environment, progress, run_step);
    }
    let mut running = Running::begin(plan, restart, environment, progress)?;
    let _lock = FolderLock::take(plan.root()).map_err(Error::from)?;
    let is_done: Result<Vec<bool>, Error> =
        (0..plan.steps().len()).map(|index| running.was_done(index)).collect();
    let is_done = is_done?;
    let stops = || progress.is_interrupted();
    let hear = |index: usize, outcome| running.hear(index, outcome, ranks);
    match schedule(Workers::new(ranks), plan.needs(), is_done, stops, hear) {
        Ok(()) | Err(Error::Ranks(ranks::Error::Stopped { .. })) => {}
        Err(error) => return Err(error.into()),
    }
    for (index, step) in plan.steps().iter().enumerate() {
        if running.records.is_done(step)? {
            continue;
        }
        let (step, folder) = (running.step_run(index).title(), plan.root().to_owned());
        return Err(Error::Interrupted { step, folder }.into());
    }
    ranks.announce(&None::<(usize, Vec<String>)>).map_err(Error::from)?;
    Ok(running.save_report()?)
}

/// Runs the steps that rank 0 hands to this rank, one of several and not the first.
///
/// # Errors
/// Those of `run_step`, as they are; [`ranks::Error::Ended`] if rank 0 has ended the work.
pub fn help<E: From<Error>>(
    plan: &Plan,
    ranks: &Ranks,
    mut run_step: impl FnMut(&StepRun<'_>) -> Result<(), E>,
) -> Result<(), E> {
    /// Errors of messages are errors of this crate first.
    struct Either<E>(E);
    impl<E: From<Error>> From<ranks::Error> for Either<E> {
        fn from(error: ranks::Error) -> Self {
            Self(Error::from(error).into())
        }
    }
    let count = plan.steps().len();
    let served = serve(ranks, |index, start| {
        let step = plan.steps().get(index).ok_or(Either(Error::from(ranks::Error::Ended).into()))?;
        let started = Instant::now();
        run_step(&StepRun { step, number: index + 1, count, start }).map_err(Either)?;
        Ok(started.elapsed().as_secs_f64())
    });
    served.map_err(|Either(error)| error)
}

/// Writes the report of results that are all there, whoever ran the steps.
///
/// # Errors
/// [`Error::NoResult`] if one is missing. Else as [`run`].
pub fn report_results(
    plan: &Plan,
    environment: &Environment,
    progress: &Progress,
) -> Result<FinishedReproduction, Error> {
    let mut running = Running::begin(plan, Restart::Resume, environment, progress)?;
    let _lock = FolderLock::take(plan.root())?;
    for (index, step) in plan.steps().iter().enumerate() {
        if !step.result.exists() {
            let (step, path) = (running.step_run(index).title(), step.result.clone());
            return Err(Error::NoResult { step, path });
        }
        if !running.records.is_done(step)? {
            let crc32c = storage::checksum(&step.result)?;
            running.records.keep(step, Some(Done { seconds: None, crc32c }))?;
        }
    }
    running.save_report()
}

/// A plan that is being run.
struct Running<'a> {
    plan: &'a Plan,
    records: StepRecords,
    environment: &'a Environment,
    progress: &'a Progress,
}

impl<'a> Running<'a> {
    fn begin(
        plan: &'a Plan,
        restart: Restart,
        environment: &'a Environment,
        progress: &'a Progress,
    ) -> Result<Self, Error> {
        let records = match restart {
            Restart::Resume => StepRecords::open(plan)?,
            Restart::Overwrite => StepRecords::empty(plan),
        };
        Ok(Self { plan, records, environment, progress })
    }

    fn step_run(&self, index: usize) -> StepRun<'a> {
        let steps = self.plan.steps();
        StepRun { step: &steps[index], number: index + 1, count: steps.len(), start: Vec::new() }
    }

    /// Whether a step is done already, and says so.
    fn was_done(&self, index: usize) -> Result<bool, Error> {
        let run = self.step_run(index);
        let is_done = self.records.is_done(run.step)?;
        if is_done {
            self.progress.line(&format!("{}: done before", run.title()));
        }
        Ok(is_done)
    }

    /// Records that a step begins; the arguments that say what becomes of earlier work.
    fn begin_step(&mut self, step: &Step) -> Result<Vec<String>, Error> {
        // Work that this reproduction did not begin is of another one.
        let was_begun = self.records.was_begun(step);
        let start = step.start(if was_begun { Restart::Resume } else { Restart::Overwrite });
        self.records.keep(step, None)?;
        Ok(start)
    }

    fn finish_step(&mut self, step: &Step, seconds: f64) -> Result<(), Error> {
        let crc32c = storage::checksum(&step.result)?;
        self.records.keep(step, Some(Done { seconds: Some(seconds), crc32c }))
    }

    /// Runs a step unless it is done; whether it was run.
    fn step<E: From<Error>>(
        &mut self,
        index: usize,
        run_step: &mut impl FnMut(&StepRun<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.was_done(index)? {
            return Ok(false);
        }
        let mut run = self.step_run(index);
        if self.progress.is_interrupted() {
            let folder = self.plan.root().to_owned();
            return Err(Error::Interrupted { step: run.title(), folder }.into());
        }
        self.progress.line(&run.title());
        run.start = self.begin_step(run.step)?;
        let started = Instant::now();
        run_step(&run)?;
        self.finish_step(run.step, started.elapsed().as_secs_f64())?;
        Ok(true)
    }

    /// What becomes of a step on another rank.
    fn hear(&mut self, index: usize, outcome: Outcome, ranks: &Ranks) -> Result<Vec<String>, Error> {
        let run = self.step_run(index);
        let title = run.title();
        match outcome {
            Outcome::Begun { rank } => {
                self.progress.line(&format!("{title}, on {}", ranks.place(rank)));
                return self.begin_step(run.step);
            }
            Outcome::Lost { rank } => {
                self.progress.note(&format!("{title}: {}; another rank gets it", ranks.silence_of(rank)));
            }
            Outcome::Done { seconds } => {
                self.finish_step(run.step, seconds)?;
                self.progress.line(&format!("{title}: done"));
                self.save_report()?;
            }
        }
        Ok(Vec::new())
    }

    fn save_report(&self) -> Result<FinishedReproduction, Error> {
        let report = Report::of_records(self.plan, &self.records, self.environment)?;
        let files = report.save(self.plan.root())?;
        Ok(FinishedReproduction { report, files })
    }
}
