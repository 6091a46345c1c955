//! The command-line programs.

use std::{ffi::OsString, process::ExitCode};

use pyo3::prelude::*;

/// Runs `freqbias` with arguments, of which the first is the program's name; the exit code. Ctrl-C is the program's from then on, as it
/// is where nothing but the program runs: it finishes the batch and says how to go on.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let code = py.detach(|| bins::run_freqbias_with(arguments));
    // An exit code tells its number by comparison alone.
    (0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1)
}
