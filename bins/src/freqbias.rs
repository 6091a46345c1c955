//! `freqbias`: all programs as subcommands of one, with shell completions and manual pages.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    cli,
    programs::{self, Program},
};

/// Shows which image frequencies a neural network learns, when, and why.
#[derive(Debug, Parser)]
#[command(name = "freqbias", version, arg_required_else_help = true)]
struct Flags {
    #[command(subcommand)]
    command: Own,
}

/// What is no program of its own.
#[derive(Debug, Subcommand)]
enum Own {
    /// Prints a script that completes flags and their values in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes a manual page of each program
    Man {
        /// The folder for the pages
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Runs the subcommand that the arguments name.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let programs = programs::all();
    let name = arguments.get(1).and_then(|name| name.to_str()).unwrap_or_default().replace('-', "_");
    if programs.iter().any(|program| program.command.get_name() == name) {
        let line = std::iter::once(format!("freqbias {name}").into()).chain(arguments.into_iter().skip(2));
        return programs::run(&name, line.collect());
    }
    let command = command(&programs);
    match command.clone().try_get_matches_from(arguments).map(|matches| own(&matches)) {
        Ok(Some(Own::Completions { shell })) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), "freqbias", &mut script);
            match cli::result_as_it_is(&script) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => cli::fail(&format!("{error:#}"), 1),
            }
        }
        Ok(Some(Own::Man { folder })) => match man(command, &folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => cli::fail(&format!("{error:#}"), 1),
        },
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => cli::refuse(&error, &command),
    }
}

fn own(matches: &clap::ArgMatches) -> Option<Own> {
    Flags::from_arg_matches(matches).ok().map(|flags| flags.command)
}

/// The command line with all subcommands.
fn command(programs: &[Program]) -> clap::Command {
    let programs = programs.iter().map(|program| program.command.clone());
    Flags::command().subcommands(programs)
}

fn man(command: clap::Command, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create folder {}", folder.display()))?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    cli::result(&format!("wrote manual pages to {}", folder.display()))
}
