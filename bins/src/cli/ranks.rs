//! The ranks that this process belongs to, from the first flag to the exit code.
//!
//! Rank 0 alone is seen: what others have to say goes through it. At the end all ranks end together, or rank 0 ends them.

use std::{process::ExitCode, sync::OnceLock, thread, time::Duration};

use ranks::{Error, Ranks, Unreached};

use super::{advice, terminal, usage::UsageError};

/// How long rank 0 may take to say what another rank has found before both joined.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// The ranks that were joined.
static JOINED: OnceLock<Ranks> = OnceLock::new();

/// Joins the ranks that somebody started; alone, if nobody did or this build cannot.
///
/// # Errors
/// If MPI does not start, or torchrun has started several processes: they would all write the same files.
pub(super) fn join(patience: usize) -> anyhow::Result<Ranks> {
    if let Some(others) = ranks::unreached() {
        face_strangers(others)?;
    }
    let ranks = ranks::started(Duration::from_secs(patience as u64))?;
    if !cfg!(feature = "mpi") && ranks::announced() == Some(0) && others_are_announced() {
        terminal::note(
            "note: ranks are started, but this program was built without MPI: each does all of the work by itself; build it with \
             --features mpi",
        );
    }
    Ok(JOINED.get_or_init(|| ranks).clone())
}

/// Whoever uses srun for runs that have nothing to do with each other may do so.
fn face_strangers(Unreached { launcher, size, rank }: Unreached) -> Result<(), UsageError> {
    let instead = "processes find each other by MPI alone (a build with --features mpi)";
    if launcher == "srun" {
        if rank == 0 {
            terminal::note(&format!(
                "note: srun has started {size} processes without MPI: each does all of the work by itself; {instead}: srun --mpi=pmix -n {size} …"
            ));
        }
        return Ok(());
    }
    Err(UsageError(format!(
        "{launcher} has started {size} processes: {instead}; start them with mpirun -n {size} …"
    )))
}

fn others_are_announced() -> bool {
    let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];
    sizes.iter().any(|name| std::env::var(name).is_ok_and(|size| size != "1"))
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
    if let Some(Error::Silent { .. }) = of_ranks {
        terminal::alarm(&format!("error: {message}"));
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
