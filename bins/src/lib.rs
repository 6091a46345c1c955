//! The programs: flags → options → one library call → what is printed.
//!
//! A program is a few lines in `src/bin`: [`run`] of its name. This package alone knows the command line, the terminal and the process;
//! whatever a program does, a Rust program does with the crate `freqbias`.

pub mod commands;

mod cli;
mod freqbias;
mod programs;
mod provenance;

use std::{ffi::OsString, process::ExitCode};

/// Buffers of a megabyte come and go with every batch; the system's allocator returns them each time and has them cleared anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the program of this name with the arguments of this process.
pub fn run(name: &str) -> ExitCode {
    run_with(name, std::env::args_os().collect())
}

/// The same with other arguments; the first one is what the program is called.
pub fn run_with(name: &str, arguments: Vec<OsString>) -> ExitCode {
    enable_mpi();
    programs::run(name, arguments)
}

/// Runs `freqbias`, whose subcommands are all programs, with the arguments of this process.
pub fn run_freqbias() -> ExitCode {
    run_freqbias_with(std::env::args_os().collect())
}

/// The same with other arguments, of which the first is the program's name: for a process that another language has started.
pub fn run_freqbias_with(arguments: Vec<OsString>) -> ExitCode {
    enable_mpi();
    freqbias::run(arguments)
}

/// Programs that `mpirun` has started are its ranks, where MPI is built in.
fn enable_mpi() {
    #[cfg(feature = "mpi")]
    mpi_ranks::enable();
}
