//! Every operation of every scenario, with every fault.

use std::{
    io,
    process::{Command, ExitCode, Output},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use files::{Operation, faults::Fault};

use crate::{
    programs::SCENARIOS,
    trial::{Prepared, Verdict},
};

/// Scenarios that run side by side.
const AT_ONCE: usize = 2;

/// Runs each scenario in a process of its own, and says how it went.
pub(crate) fn all() -> ExitCode {
    let started = Instant::now();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(scenario) = SCENARIOS.get(next.fetch_add(1, Ordering::SeqCst)) {
            let output = itself(&["--scenario", scenario.name]);
            let (is_right, said) = match &output {
                Ok(output) => (output.status.success(), summary(output)),
                Err(error) => (false, error.to_string()),
            };
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            say(&format!("{:34} {said}", scenario.name));
            if !is_right {
                failed.push(scenario.name);
            }
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap_or_default();
    say(&format!(
        "faults: {} of {} scenarios failed, {:.0} s",
        failed.len(),
        SCENARIOS.len(),
        started.elapsed().as_secs_f64()
    ));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// This program with other arguments.
pub(crate) fn itself(arguments: &[&str]) -> io::Result<Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env("RAYON_NUM_THREADS", "1");
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FREQBIAS_") && variable != "FREQBIAS_KERNELS" {
            command.env_remove(variable);
        }
    }
    command.output()
}

/// The lines of a scenario that are of this program, which begin with its mark.
fn summary(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(MARK)).collect();
    let end = if output.status.success() {
        String::new()
    } else {
        format!(
            "\n{} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).lines().rev().take(5).collect::<Vec<_>>().join(" | ")
        )
    };
    lines.join("\n    ") + &end
}

/// What stands before the lines of this program among those of the programs that it runs.
pub(crate) const MARK: &str = "@ ";

/// Runs one scenario with every fault at every operation, or with one fault at one operation: `kill 17`.
pub(crate) fn scenario(name: &str, only: &[String]) -> ExitCode {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of this name");
    let started = Instant::now();
    let prepared = Prepared::new(scenario).expect("a run without faults");
    let mut problems = unsynced(&prepared.operations);
    let (mut trials, mut tally) = (0, [0; 2]);
    for number in 1..=prepared.operations.len() {
        for fault in Fault::SURVIVED {
            let is_asked = only.is_empty() || only[0] == fault.name() && only[1] == number.to_string();
            if !is_asked || fault == Fault::Short && prepared.operations[number - 1].0 != Operation::Write {
                continue;
            }
            trials += 1;
            let verdict = prepared.trial((fault, number), None).expect("a folder to work in");
            let (operation, path) = &prepared.operations[number - 1];
            let problem = match verdict {
                Verdict::Same | Verdict::NotHit => continue,
                Verdict::Stuck => {
                    tally[0] += 1;
                    "stuck".to_owned()
                }
                Verdict::Wrong(what) => {
                    tally[1] += 1;
                    what
                }
            };
            problems.push(format!("{} {number} ({operation:?} {}): {problem}", fault.name(), path.display()));
        }
    }
    let [stuck, wrong] = tally;
    say(&format!(
        "{MARK}{} operations, {trials} faults: {wrong} wrong or left over, {stuck} stuck, {:.1} s",
        prepared.operations.len(),
        started.elapsed().as_secs_f64()
    ));
    problems.iter().take(12).for_each(|problem| say(&format!("{MARK}{problem}")));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a power failure could take: files that have their names before the disk has their bytes, and names that it never has.
fn unsynced(operations: &[(Operation, std::path::PathBuf)]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut written = std::collections::BTreeSet::new();
    let mut renamed = std::collections::BTreeMap::new();
    for (operation, path) in operations {
        let folder = path.parent().unwrap_or(path);
        match operation {
            Operation::Write => drop(written.insert(path.clone())),
            Operation::Sync => drop(written.remove(path)),
            Operation::Rename => {
                if let Some(other) =
                    written.iter().find(|written| written.parent() == path.parent() && is_of(written, path))
                {
                    problems.push(format!(
                        "{} has its name before its bytes ({})",
                        path.display(),
                        other.display()
                    ));
                }
                renamed.insert(folder.to_owned(), path.clone());
            }
            Operation::SyncFolder => drop(renamed.remove(path)),
            _ => {}
        }
    }
    problems.extend(
        written
            .iter()
            .filter(|path| !is_passing(path))
            .map(|path| format!("{} is not synced", path.display())),
    );
    problems.extend(renamed.values().map(|path| format!("the name of {} is not synced", path.display())));
    problems
}

/// Whether a hidden file was that of a target: nothing else is unsynced in its folder when it is renamed.
fn is_of(written: &std::path::Path, _target: &std::path::Path) -> bool {
    !is_passing(written)
}

fn is_passing(path: &std::path::Path) -> bool {
    path.ends_with(".lock")
}

/// A line of this program.
#[allow(clippy::print_stdout)] // a program of its own
pub(crate) fn say(line: &str) {
    println!("{line}");
}
