//! What a program works with from its first line to its last: the terminal and Ctrl-C.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use indicatif::ProgressBar;
use models::Backend;

use crate::{
    backend,
    flags::MachineFlags,
    interrupt::{self, Interrupted},
    terminal::Terminal,
};

/// A program at work. One process has one; a workflow that runs others hands it on.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Notes and progress.
    pub terminal: Terminal,
    /// True once Ctrl-C was pressed.
    pub interrupt: Arc<AtomicBool>,
    /// What runs the networks.
    pub backend: Backend,
}

impl Session {
    /// Sets the number of threads, opens the terminal, watches for Ctrl-C and opens the device that runs the networks.
    ///
    /// # Errors
    /// If the thread pool cannot be started, the system refuses the handler, or there is no such device.
    pub(crate) fn start(machine: &MachineFlags) -> anyhow::Result<Self> {
        let terminal = machine.prepare()?;
        Ok(Self { terminal, interrupt: interrupt::watch()?, backend: backend::choose(machine, terminal)? })
    }

    /// The same for a program that runs no network.
    ///
    /// # Errors
    /// If the thread pool cannot be started or the system refuses the handler.
    pub(crate) fn without_networks(machine: &MachineFlags) -> anyhow::Result<Self> {
        let terminal = machine.prepare()?;
        let of_gpus = [
            ("--gpu", machine.gpu.is_some()),
            ("--device", !["auto", "cpu"].contains(&machine.device.as_str())),
            ("--tf32", machine.tf32),
            ("--bf16", machine.bf16),
        ];
        let given: Vec<&str> =
            of_gpus.iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| *flag).collect();
        if !given.is_empty() {
            let have = if given.len() == 1 { "has" } else { "have" };
            terminal.note(&format!(
                "note: {} {have} no effect: this program works on the CPU alone",
                given.join(", ")
            ));
        }
        Ok(Self { terminal, interrupt: interrupt::watch()?, backend: Backend::default() })
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    /// Ends the work if Ctrl-C was pressed, with a message that says how to go on.
    ///
    /// # Errors
    /// If it was pressed.
    pub(crate) fn check(&self, bar: &ProgressBar, how_to_go_on: &str) -> anyhow::Result<()> {
        if !self.is_interrupted() {
            return Ok(());
        }
        bar.finish_and_clear();
        Err(Interrupted(how_to_go_on.to_owned()).into())
    }
}
