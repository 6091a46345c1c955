//! One file per workflow; each reads its flags, builds library objects and runs them.

use clap::CommandFactory;

pub mod easy_train;
pub mod grad;
mod grad_report;

/// Every command line, for what must know all flags.
pub(crate) fn all() -> [clap::Command; 2] {
    [easy_train::Flags::command(), grad::Flags::command()]
}
