//! Ctrl-C, and the signals by which a system or a scheduler ends programs: the first one asks the work to stop at the next batch, the
//! second one ends the program at once. Signals that were ignored when the program started, as `nohup` and scripts do, stay ignored.

use std::{
    io::IsTerminal,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::terminal;

/// Installs the handler; the flag turns true at the first signal.
///
/// # Errors
/// If the system refuses the handler.
pub(crate) fn watch() -> anyhow::Result<Arc<AtomicBool>> {
    // A process has one handler, however many commands it runs.
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        flag.store(false, Ordering::SeqCst);
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::clone(FLAG.get_or_init(Arc::default));
    install(Arc::clone(&flag))?;
    Ok(flag)
}

/// What a signal does; `code` is the exit code of a program that it ended, as shells have it.
fn stop(flag: &AtomicBool, code: i32) {
    if flag.swap(true, Ordering::SeqCst) {
        std::process::exit(code);
    }
    // A terminal shows ^C where the cursor is; elsewhere an empty line would stand in a log.
    let line_end = if std::io::stderr().is_terminal() { "\n" } else { "" };
    terminal::note(&format!("{line_end}stopping after this batch (Ctrl-C again to stop at once)"));
}

#[cfg(unix)]
fn install(flag: Arc<AtomicBool>) -> anyhow::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };
    let ignored = ignored();
    let watched = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(watched)?;
    let wait = move || signals.forever().for_each(|signal| stop(&flag, 128 + signal));
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}

/// The signals that are ignored, a bit each from signal 1 on. Only Linux says it without a call that a safe program cannot make: elsewhere
/// none are known.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(not(unix))]
fn install(flag: Arc<AtomicBool>) -> anyhow::Result<()> {
    const INTERRUPTED: i32 = 130;
    Ok(ctrlc::set_handler(move || stop(&flag, INTERRUPTED))?)
}
