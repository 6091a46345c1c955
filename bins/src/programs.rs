//! The programs by name: each as one of its own, and all as subcommands of `freqbias`.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, Parser};

use crate::{
    cli,
    commands::{
        easy_train, evaluate, generate_freq_dataset, generate_toy_dataset, grad, inspect, reproduce,
        train_toy_models,
    },
};

/// Runs a command line, with those of all programs.
type Start = dyn Fn(Vec<OsString>, &[clap::Command]) -> ExitCode;

/// A program.
pub(crate) struct Program {
    /// Its command line.
    pub(crate) command: clap::Command,
    start: Box<Start>,
}

impl Program {
    fn new<Flags: Parser + CommandFactory + 'static>(run: fn(Flags) -> anyhow::Result<()>) -> Self {
        let start =
            move |arguments: Vec<OsString>, known: &[clap::Command]| cli::launch(arguments, known, run);
        Self { command: Flags::command(), start: Box::new(start) }
    }
}

/// All of them, in the order in which they are used.
pub(crate) fn all() -> Vec<Program> {
    vec![
        Program::new(easy_train::run),
        Program::new(grad::run),
        Program::new(evaluate::run),
        Program::new(inspect::run),
        Program::new(train_toy_models::run),
        Program::new(generate_toy_dataset::run),
        Program::new(generate_freq_dataset::run),
        Program::new(reproduce::run),
    ]
}

/// Runs the program of this name with arguments, the first of which is what it was started as.
pub(crate) fn run(name: &str, arguments: Vec<OsString>) -> ExitCode {
    let programs = all();
    let known: Vec<clap::Command> = programs.iter().map(|program| program.command.clone()).collect();
    match programs.into_iter().find(|program| program.command.get_name() == name) {
        Some(program) => (program.start)(arguments, &known),
        None => cli::fail(&format!("there is no program {name}"), 2),
    }
}
