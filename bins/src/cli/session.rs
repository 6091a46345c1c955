//! A program at work: threads, the terminal, Ctrl-C, the device.

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicBool};

use ::ranks::Ranks;
use anyhow::Context;
use pipeline::Session;
use progress::{Event, Progress};

use super::{
    device,
    flags::{MachineFlags, OutputFlags, PrecisionFlag},
    interrupt, ranks,
    terminal::Terminal,
};

/// Sets the number of threads, opens the terminal, joins other ranks, watches for Ctrl-C and opens the device that runs the networks.
///
/// # Errors
/// If the thread pool cannot be started, ranks do not find each other, the system refuses the handler, or there is no such device.
pub(crate) fn start(machine: &MachineFlags) -> anyhow::Result<Session> {
    let terminal = prepare(machine)?;
    let ranks = ranks::join_or_start(machine)?;
    let progress = progress(terminal, interrupt::watch()?);
    let backend = device::choose(machine, terminal)?;
    Ok(Session { backend, progress, ranks })
}

/// Does what makes files that all ranks need: on rank 0, then on the others, which find them.
///
/// # Errors
/// Those of the work; if rank 0 does not come to its end.
pub(crate) fn first_rank_first<T>(
    ranks: &Ranks,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if !ranks.is_first() {
        ranks.await_from::<()>(0)?;
        return work();
    }
    let done = work()?;
    ranks.announce(&())?;
    Ok(done)
}

/// The same for a program that runs no network, on one rank.
///
/// # Errors
/// If the thread pool cannot be started, the system refuses the handler, or several ranks are started.
pub(crate) fn start_without_networks(machine: &MachineFlags) -> anyhow::Result<Session> {
    let terminal = prepare(machine)?;
    ranks::refuse_several(&ranks::join(machine)?)?;
    let of_networks = [
        ("--gpu", machine.gpu.is_some()),
        ("--device", !["auto", "cpu"].contains(&machine.device.as_str())),
        ("--precision", machine.precision != PrecisionFlag::F32),
    ];
    let given: Vec<&str> =
        of_networks.iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| *flag).collect();
    if !given.is_empty() {
        terminal.note(&format!("note: {} has no effect: this program runs no network", given.join(", ")));
    }
    let progress = progress(terminal, interrupt::watch()?);
    Ok(Session { progress, ..Session::default() })
}

/// The same for a program that only reads results and writes files: what hears of its notes.
///
/// # Errors
/// If the system refuses the handler of Ctrl-C.
pub(crate) fn start_to_read(output: &OutputFlags) -> anyhow::Result<Progress> {
    Ok(progress(Terminal::new(output.quiet), interrupt::watch()?))
}

fn prepare(machine: &MachineFlags) -> anyhow::Result<Terminal> {
    if let Some(threads) = machine.threads.or_else(|| share_of_cores(machine)) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build_global().with_context(|| format!("--threads {threads}"))?;
    }
    Ok(Terminal::new(machine.quiet))
}

/// The threads of one of several ranks that are left all cores of a machine. What the user set in the environment stays.
fn share_of_cores(machine: &MachineFlags) -> Option<usize> {
    let of_gpus = machine.gpu.as_ref().map(|gpus| gpus.0.len()).filter(|&gpus| gpus > 1);
    let ranks = ::ranks::beside().or(of_gpus).filter(|_| std::env::var_os("RAYON_NUM_THREADS").is_none())?;
    Some((std::thread::available_parallelism().ok()?.get() / ranks).max(1))
}

/// Shows what libraries report: passes as bars, lines and notes as such.
fn progress(terminal: Terminal, interrupt: Arc<AtomicBool>) -> Progress {
    let bar = Mutex::new(None);
    let report = move |event: Event<'_>| {
        terminal.show(&mut bar.lock().unwrap_or_else(PoisonError::into_inner), event);
    };
    Progress::new(report, interrupt)
}
