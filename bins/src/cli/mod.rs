//! The command line itself: flags and their defaults, usage errors and advice, the terminal, exit codes.

mod advice;
mod defaults;
mod device;
pub(crate) mod flags;
mod interrupt;
mod launch;
mod ranks;
mod session;
mod terminal;
mod unused;
mod usage;

// From the command line to a workflow
pub(crate) use launch::{fail, launch, refuse};
pub(crate) use session::{first_rank_first, start, start_to_read, start_without_networks};

// What a person sees
pub(crate) use terminal::{counted, result, result_as_it_is};

// What to do about errors and notes
pub(crate) use advice::{is_interrupted, is_of_flags, of_note as note_advice};

// Command lines that cannot be used
pub(crate) use usage::{UsageError, must_exist};
