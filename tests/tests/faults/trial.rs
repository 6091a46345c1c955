//! One fault: a program runs into it, goes on, and must leave what it leaves without one.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use files::{
    Operation,
    faults::{self, Fault, Seen},
};

use crate::{
    programs::{Scenario, small},
    results::{self, Results},
};

/// A scenario that is ready: what was there before, and what is there after it.
pub(crate) struct Prepared<'a> {
    pub(crate) scenario: &'a Scenario,
    root: tempfile::TempDir,
    expected: Results,
    /// What the program does without a fault.
    pub(crate) operations: Vec<(Operation, PathBuf)>,
}

/// What became of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All is as without it.
    Same,
    /// The program did not come to it.
    NotHit,
    /// It cannot go on.
    Stuck,
    /// Something is other than without it.
    Wrong(String),
}

impl<'a> Prepared<'a> {
    /// Runs what comes before, and the scenario without a fault, twice.
    pub(crate) fn new(scenario: &'a Scenario) -> io::Result<Self> {
        let root = folder()?;
        let prepared = Self { scenario, root, expected: Results::new(), operations: Vec::new() };
        let base = prepared.base();
        fs::create_dir_all(&base)?;
        for command in scenario.before {
            assert!(run_in(&base, command, "")?, "{command}");
        }
        let mut expected = Vec::new();
        let mut operations = Vec::new();
        for _ in 0..2 {
            let work = prepared.begin()?;
            faults::arm(None);
            let is_done = run_in(&work, scenario.command, "")?;
            operations = faults::disarm().operations;
            assert!(is_done, "{} without a fault", scenario.command);
            expected.push(results::read(&work)?);
        }
        assert_eq!(results::difference(&expected[0], &expected[1]), None, "{} twice", scenario.command);
        Ok(Self { expected: expected.swap_remove(0), operations, ..prepared })
    }

    fn base(&self) -> PathBuf {
        self.root.path().join("base")
    }

    /// A fresh copy of what was there before.
    pub(crate) fn begin(&self) -> io::Result<PathBuf> {
        let work = self.root.path().join("work");
        // The process must not stand in a folder that goes.
        std::env::set_current_dir(self.root.path())?;
        for old in [&work, &self.root.path().join("moved")] {
            if old.exists() {
                fs::remove_dir_all(old)?;
            }
        }
        results::copy(&self.base(), &work)?;
        Ok(work)
    }

    /// One fault, and perhaps another one while the program goes on.
    pub(crate) fn trial(&self, fault: (Fault, usize), second: Option<(Fault, usize)>) -> io::Result<Verdict> {
        let work = self.begin()?;
        let (runs, moved) = (work.join("runs"), self.root.path().join("moved"));
        faults::move_away(&runs, &moved);
        faults::arm(Some(fault));
        let is_done = run_in(&work, self.scenario.command, "")?;
        let Seen { is_hit, .. } = faults::disarm();
        if moved.exists() {
            put_back(&moved, &runs)?;
        }
        if !is_hit {
            return Ok(Verdict::NotHit);
        }
        if fault.0 == Fault::Move {
            // What was done in a new folder of the name is gone; what was done before may be all.
            return match self.judge(&work)? {
                Verdict::Stuck => self.compare(&work),
                verdict => Ok(verdict),
            };
        }
        if is_done {
            // It got over the fault: nobody gives the command again.
            return self.compare(&work);
        }
        if let Some(second) = second {
            faults::arm(Some(second));
            let is_done = self.go_on(&work)?;
            faults::disarm();
            if is_done {
                return self.compare(&work);
            }
        }
        self.judge(&work)
    }

    /// One fault, and something that happens to the folder before the program goes on.
    pub(crate) fn trial_between(
        &self,
        fault: (Fault, usize),
        happens: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<Verdict> {
        let work = self.begin()?;
        faults::arm(Some(fault));
        let is_done = run_in(&work, self.scenario.command, "")?;
        faults::disarm();
        happens(&work)?;
        if is_done { self.compare(&work) } else { self.judge(&work) }
    }

    /// Goes on without faults, and compares.
    pub(crate) fn judge(&self, work: &Path) -> io::Result<Verdict> {
        if !self.go_on(work)? {
            return Ok(Verdict::Stuck);
        }
        self.compare(work)
    }

    /// Compares what is there with what a run without faults leaves.
    pub(crate) fn compare(&self, work: &Path) -> io::Result<Verdict> {
        Ok(match results::difference(&results::read(work)?, &self.expected) {
            None => Verdict::Same,
            Some(difference) => Verdict::Wrong(difference),
        })
    }

    /// Gives the command again, in the first way that the program accepts.
    fn go_on(&self, work: &Path) -> io::Result<bool> {
        for again in self.scenario.again {
            if run_in(work, self.scenario.command, again)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A folder that was moved away comes back in the place of what was written there since.
fn put_back(moved: &Path, runs: &Path) -> io::Result<()> {
    if runs.exists() {
        fs::remove_dir_all(runs)?;
    }
    fs::rename(moved, runs)
}

/// A folder in memory, where the system has one: syncing it takes no time.
pub(crate) fn folder() -> io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// Runs a command line in a folder, in this process; whether it succeeded.
pub(crate) fn run_in(folder: &Path, command: &str, more: &str) -> io::Result<bool> {
    std::env::set_current_dir(folder)?;
    let arguments = line(command, more);
    let name = command.split(' ').next().unwrap_or_default();
    Ok(bins::run_with(name, arguments) == ExitCode::SUCCESS)
}

/// The program's name, and the words of a command line on a small set.
pub(crate) fn arguments(command: &str) -> Vec<OsString> {
    let name = command.split(' ').next().unwrap_or_default();
    std::iter::once(name.into()).chain(line(command, "").into_iter().skip(1)).collect()
}

/// The words of a command line, on a small set, with what is to be added.
fn line(command: &str, more: &str) -> Vec<OsString> {
    let small = small(command.split(' ').next().unwrap_or_default());
    let words = command.split(' ').chain(small.split(' ')).chain(more.split(' ')).chain(["--quiet"]);
    let mut line: Vec<OsString> = Vec::new();
    for word in words.filter(|word| !word.is_empty()).map(OsString::from) {
        // What is added may be there already.
        if word != "--resume" && word != "--overwrite" || !line.contains(&word) {
            line.push(word);
        }
    }
    line
}
