//! The ranks that this process belongs to, from the first flag to the exit code.
//!
//! Rank 0 alone is seen: what others have to say goes through it. At the end all ranks end together, or rank 0 ends them.

use std::{
    process::{Command, ExitCode, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use anyhow::Context;
use ranks::{Error, Ranks, Unreached};

use super::{advice, flags::MachineFlags, terminal, usage::UsageError};

/// How long rank 0 may take to say what another rank has found before both joined.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// How long another rank may take to say that rank 0 is gone.
const LAST_WORD: Duration = Duration::from_secs(2);

/// The ranks that were joined.
static JOINED: OnceLock<Ranks> = OnceLock::new();

/// Joins the ranks that somebody started; alone, if nobody did or they cannot be reached.
///
/// # Errors
/// If MPI does not start, or ranks do not find each other.
pub(super) fn join(machine: &MachineFlags) -> anyhow::Result<Ranks> {
    if let Some(Unreached { rank: 0, size }) = ranks::unreached() {
        terminal::note(&format!(
            "note: {size} processes are started, and each does all of the work by itself; to share it, set MASTER_ADDR to the machine of \
             the first and MASTER_PORT to a port that is free there, or start a build with --features mpi by mpirun or srun --mpi=pmix"
        ));
    }
    let waiting = |who: &str| {
        if !machine.quiet {
            terminal::alarm(&format!("note: waiting, for {} s at most: {who}", machine.rank_timeout));
        }
    };
    let ranks = ranks::started(Duration::from_secs(machine.rank_timeout as u64), &waiting)?;
    Ok(JOINED.get_or_init(|| ranks).clone())
}

/// Joins ranks, or starts some: a process for each GPU that the flags name, where nobody has started several.
///
/// # Errors
/// As [`join`]; if the processes cannot be started.
pub(super) fn join_or_start(machine: &MachineFlags) -> anyhow::Result<Ranks> {
    let gpus = machine.gpu.as_ref().map_or(1, |gpus| gpus.0.len());
    if gpus == 1 || ranks::announced().is_some() || ranks::unreached().is_some() {
        return join(machine);
    }
    let program = std::env::current_exe().context("ranks cannot be started: this program is not found")?;
    let same = |variables: [(&'static str, String); 7]| {
        let mut command = Command::new(&program);
        command.args(std::env::args_os().skip(1)).envs(variables).stdin(Stdio::null());
        command.spawn()
    };
    let ranks = ranks::start(gpus, Duration::from_secs(machine.rank_timeout as u64), same)?;
    Ok(JOINED.get_or_init(|| ranks).clone())
}

/// Refuses several ranks for a program that does not share its work.
///
/// # Errors
/// If there are several.
pub(super) fn refuse_several(ranks: &Ranks) -> anyhow::Result<()> {
    if ranks.is_alone() {
        return Ok(());
    }
    Err(UsageError(format!(
        "{} ranks are started, and this program runs on one: easy_train, grad, evaluate, measure, train_toy_models and reproduce share their work",
        ranks.size()
    ))
    .into())
}

/// Ends a program that did its work, together with the other ranks.
pub(super) fn succeed() -> ExitCode {
    let Some(ranks) = JOINED.get() else { return ExitCode::SUCCESS };
    match ranks.end() {
        Ok(()) => ranks.finish(),
        Err(error) => {
            terminal::alarm(&format!("error: {error}"));
            ranks.abort(1);
        }
    }
    ExitCode::SUCCESS
}

/// Says an error. A rank that has not joined waits for rank 0 to say it, since whoever started the ranks ends them all with the first
/// that fails; one that is still there afterwards is the only one to know.
pub(super) fn say(line: &str) {
    terminal::note(line);
    if terminal::is_silent() && JOINED.get().is_none() {
        thread::sleep(FIRST_WORD);
        terminal::alarm(line);
    }
}

/// Ends a program that failed. Rank 0 has said why, and ends the others; another one says it to rank 0, which may be waiting for it.
pub(super) fn fail(error: &anyhow::Error, message: &str, code: u8) {
    let of_ranks = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let Some(ranks) = JOINED.get() else { return };
    if ranks.is_first() {
        // Who does not answer does not end either.
        if matches!(of_ranks, Some(Error::Silent { .. })) {
            ranks.abort(code.into());
        }
        let _ = ranks.end();
        return ranks.finish();
    }
    let has_no_first = matches!(of_ranks, Some(Error::Gone { .. })) && ranks.is_gone(0);
    if has_no_first || matches!(of_ranks, Some(Error::Silent { .. })) {
        // Without rank 0 the next one speaks.
        if has_no_first && (1..ranks.rank()).any(|other| !ranks.is_gone(other)) {
            thread::sleep(LAST_WORD);
        } else {
            terminal::alarm(&format!("error: {message}"));
        }
        return ranks.abort(code.into());
    }
    let said = match of_ranks {
        Some(Error::Ended) => return ranks.finish(),
        _ if advice::is_interrupted(error) => ranks.say_stopped(),
        _ => ranks.say_failed(message),
    };
    if said.and_then(|()| ranks.end()).is_err() {
        ranks.abort(code.into());
    }
    ranks.finish();
}
