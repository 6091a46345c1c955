//! The programs by name: each as one of its own, and all as subcommands of `freqbias`.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, Parser};

use crate::{
    cli,
    commands::{
        compare, easy_train, evaluate, generate_freq_dataset, generate_toy_dataset, grad, inspect, measure,
        reproduce, train_toy_models,
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

    /// A program whose first argument is which of these it runs.
    fn of_several(command: clap::Command, parts: Vec<Self>) -> Self {
        let own = command.subcommands(parts.iter().map(|part| part.command.clone()));
        let command = own.clone();
        let start = move |mut arguments: Vec<OsString>, known: &[clap::Command]| {
            let is_named =
                |part: &&Self| arguments.get(1).is_some_and(|name| name == part.command.get_name());
            if let Some(part) = parts.iter().find(is_named) {
                let which = arguments.remove(1);
                arguments[0].push(" ");
                arguments[0].push(which);
                return (part.start)(arguments, known);
            }
            match own.clone().try_get_matches_from(arguments) {
                Ok(_) => ExitCode::SUCCESS,
                Err(error) => cli::refuse(&error, &own),
            }
        };
        Self { command, start: Box::new(start) }
    }
}

/// All of them, in the order in which they are used.
pub(crate) fn all() -> Vec<Program> {
    vec![
        Program::new(easy_train::run),
        Program::new(grad::run),
        Program::new(evaluate::run),
        Program::of_several(measure::command(), measures()),
        Program::new(compare::run),
        Program::new(inspect::run),
        Program::new(train_toy_models::run),
        Program::new(generate_toy_dataset::run),
        Program::new(generate_freq_dataset::run),
        Program::new(reproduce::run),
    ]
}

/// What `measure` measures.
fn measures() -> Vec<Program> {
    vec![
        Program::new(measure::run::<measure::FourierHeatMapFlags>),
        Program::new(measure::run::<measure::SensitivityFlags>),
        Program::new(measure::run::<measure::PhaseAmplitudeFlags>),
        Program::new(measure::run::<measure::CorruptionsFlags>),
        Program::new(measure::run::<measure::CriticalBandsFlags>),
        Program::new(measure::run::<measure::ShortcutsFlags>),
        Program::new(measure::run::<measure::AttackSpectrumFlags>),
        Program::new(measure::run::<measure::LayerSpectraFlags>),
    ]
}

/// Runs the program of this name with arguments, the first of which is what it was started as.
pub(crate) fn run(name: &str, arguments: Vec<OsString>) -> ExitCode {
    let programs = all();
    let commands = programs.iter().map(|program| &program.command);
    let known: Vec<clap::Command> = commands
        .flat_map(|command| [command].into_iter().chain(command.get_subcommands()))
        .cloned()
        .collect();
    match programs.into_iter().find(|program| program.command.get_name() == name) {
        Some(program) => (program.start)(arguments, &known),
        None => cli::fail(&format!("there is no program {name}"), 2),
    }
}
