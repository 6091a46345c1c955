//! Ctrl-C: the first one asks the work to stop at the next batch, the second one ends the program at once.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::terminal;

/// Exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Installs the handler; the flag turns true at the first Ctrl-C.
///
/// # Errors
/// If the system refuses the handler.
pub(crate) fn watch() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
        // A terminal shows ^C where the cursor is; elsewhere an empty line would stand in a log.
        let line_end = if std::io::stderr().is_terminal() { "\n" } else { "" };
        terminal::note(&format!("{line_end}stopping after this batch (Ctrl-C again to stop at once)"));
    })?;
    Ok(flag)
}
