//! Every operation of every scenario, with every fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
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

/// The scenario that takes longer than all others together: of it some faults are tried where all are of others, and else none.
pub(crate) const SLOW: &str = "reproduce";
/// Scenarios that run side by side.
const AT_ONCE: usize = 2;

/// Runs each scenario in a process of its own, and says how it went.
pub(crate) fn all(is_whole: bool) -> ExitCode {
    let started = Instant::now();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let scenarios: Vec<_> = SCENARIOS.iter().filter(|scenario| is_whole || scenario.name != SLOW).collect();
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::SeqCst)) {
            let arguments = ["--scenario", scenario.name, "--all"];
            let output = itself(&arguments[..if is_whole { 3 } else { 2 }]);
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
        scenarios.len(),
        started.elapsed().as_secs_f64()
    ));
    if !is_whole {
        say(
            "faults: some were tried of each scenario, and none of a whole `reproduce`; `cargo test -p tests --features faults --test faults -- --all` tries all",
        );
    }
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

/// About how many faults of a scenario are tried where not all are.
const SOME: usize = 12;
/// The same of the slow scenario where all are tried of others.
const SOME_SLOW: usize = 60;
/// Of so many last operations errors are tried in any case: there it is decided whether what failed looks finished.
const LAST: usize = 3;

/// Every so-manieth of so many faults, so that about `some` are left: of all kinds, of which an operation has three or four.
fn stride(faults: usize, some: usize) -> usize {
    (faults.div_ceil(some)..)
        .find(|stride| !stride.is_multiple_of(2) && !stride.is_multiple_of(3))
        .unwrap_or(1)
}

/// Some of all faults, of so many operations.
fn some(all: &[(Fault, usize)], operations: usize) -> Vec<(Fault, usize)> {
    let stride = stride(all.len(), SOME);
    let is_last = |(fault, number): (Fault, usize)| fault == Fault::Error && number + LAST > operations;
    let chosen = all.iter().enumerate().filter(|&(at, &fault)| at.is_multiple_of(stride) || is_last(fault));
    chosen.map(|(_, &fault)| fault).collect()
}

/// Runs one scenario: `--all` with every fault at every operation, else with a part of them; or `kill 17`, one fault at one operation.
pub(crate) fn scenario(name: &str, which: &[String]) -> ExitCode {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of this name");
    let started = Instant::now();
    let prepared = Prepared::new(scenario).expect("a run without faults");
    let mut problems = unsynced(&prepared.operations);
    let all = faults(&prepared.operations);
    let chosen: Vec<(Fault, usize)> = match which {
        [] => some(&all, prepared.operations.len()),
        [word] if word == "--all" && name == SLOW => {
            all.iter().copied().step_by(stride(all.len(), SOME_SLOW)).collect()
        }
        [word] if word == "--all" => all.clone(),
        [fault, number] => {
            let is_it = |of: &&(Fault, usize)| of.0.name() == fault && of.1.to_string() == *number;
            all.iter().filter(is_it).copied().collect()
        }
        other => panic!("{other:?}: expected nothing, --all, or a fault and a number"),
    };
    let (mut stuck, mut wrong) = (0, 0);
    for &(fault, number) in &chosen {
        let problem = match prepared.trial((fault, number), None).expect("a folder to work in") {
            Verdict::Same | Verdict::NotHit => continue,
            Verdict::Stuck => {
                stuck += 1;
                "stuck".to_owned()
            }
            Verdict::Wrong(what) => {
                wrong += 1;
                what
            }
        };
        let (operation, path) = &prepared.operations[number - 1];
        problems.push(format!("{} {number} ({operation:?} {}): {problem}", fault.name(), path.display()));
    }
    say(&format!(
        "{MARK}{} operations, {} of {} faults: {wrong} wrong or left over, {stuck} stuck, {:.1} s",
        prepared.operations.len(),
        chosen.len(),
        all.len(),
        started.elapsed().as_secs_f64()
    ));
    problems.iter().take(40).for_each(|problem| say(&format!("{MARK}{problem}")));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every fault at every operation; the disk takes half of what is written alone.
pub(crate) fn faults(operations: &[(Operation, PathBuf)]) -> Vec<(Fault, usize)> {
    let at = |number: usize| {
        let is_write = operations[number - 1].0 == Operation::Write;
        let each = Fault::SURVIVED.into_iter().filter(move |&fault| fault != Fault::Short || is_write);
        each.map(move |fault| (fault, number))
    };
    (1..=operations.len()).flat_map(at).collect()
}

/// What a power failure could take: bytes and names that the disk is never made to have.
fn unsynced(operations: &[(Operation, PathBuf)]) -> Vec<String> {
    let (mut written, mut renamed) = (BTreeSet::new(), BTreeMap::new());
    for (operation, path) in operations {
        let folder = path.parent().unwrap_or(path);
        match operation {
            Operation::Write => drop(written.insert(path)),
            Operation::Sync => drop(written.remove(path)),
            Operation::Remove => drop(written.remove(path)),
            Operation::RemoveFolder => {
                written.retain(|written| !written.starts_with(path));
                renamed.retain(|folder: &&Path, _| !folder.starts_with(path));
            }
            Operation::Rename => drop(renamed.insert(folder, path)),
            Operation::SyncFolder => drop(renamed.remove(path.as_path())),
            _ => {}
        }
    }
    let bytes = written.iter().map(|path| format!("{} is not synced", path.display()));
    bytes
        .chain(renamed.values().map(|path| format!("the name of {} is not synced", path.display())))
        .collect()
}

/// A line of this program.
#[allow(clippy::print_stdout)] // a program of its own
pub(crate) fn say(line: &str) {
    println!("{line}");
}
