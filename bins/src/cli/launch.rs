//! From the command line to a workflow, and from its result to an exit code.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{
    advice::{self, Folders},
    defaults, ranks, terminal, unused,
};

/// Exit code of a command line that cannot be used.
const UNUSABLE_FLAGS: u8 = 2;

/// Parses a command line and runs the command: exit code 0 if the work was done, 1 if the run failed, 2 if the
/// flags are unusable, which they are too if they name what is not there or do not suit the run that is. An error is one
/// line on stderr. `known` are the flags of all programs: a configuration file may name those of others.
pub(crate) fn launch<Flags: Parser>(
    arguments: Vec<OsString>,
    known: &[clap::Command],
    run: fn(Flags) -> anyhow::Result<()>,
) -> ExitCode {
    match parse(arguments, known) {
        Err(refusal) => refusal,
        Ok((flags, folders)) => match run(flags) {
            Ok(()) => ranks::succeed(),
            Err(error) => {
                let code = if advice::is_of_flags(&error) { UNUSABLE_FLAGS } else { 1 };
                let message = message(&error, &Flags::command(), &folders);
                let exit = fail(&message, code);
                ranks::fail(&error, &one_line(&message), code);
                exit
            }
        },
    }
}

/// The error and its causes, each cause that the message does not hold yet, and what to do about it.
fn message(error: &anyhow::Error, command: &clap::Command, folders: &Folders) -> String {
    let facts = error.chain().fold(String::new(), |mut message, cause| {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message = if message.is_empty() { cause } else { format!("{message}: {cause}") };
        }
        message
    });
    match advice::of(error, command, folders) {
        Some(advice) => format!("{facts}; {advice}"),
        None => facts,
    }
}

/// Prints an error of a program; its exit code.
pub(crate) fn fail(message: &str, code: u8) -> ExitCode {
    ranks::say(&format!("error: {}", one_line(message)));
    ExitCode::from(code)
}

/// Without the backtrace that candle appends where RUST_BACKTRACE is set: it is for its authors.
fn one_line(message: &str) -> String {
    let is_frame =
        |line: &str| line.split_once(": ").is_some_and(|(number, _)| number.parse::<usize>().is_ok());
    let said = message.lines().map(str::trim).take_while(|line| !is_frame(line));
    said.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The flags of a command line, and the folders that it names.
fn parse<Flags: Parser>(
    arguments: Vec<OsString>,
    known: &[clap::Command],
) -> Result<(Flags, Folders), ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().map(with_hyphens).collect();
    let line = defaults::fill_in(&Flags::command(), known, arguments)
        .map_err(|message| fail(&format!("{message} (--help lists all flags)"), UNUSABLE_FLAGS))?;
    let mut command = Flags::command();
    let parsed = command.try_get_matches_from_mut(&line.arguments).and_then(|matches| {
        let flags = Flags::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok((flags, matches))
    });
    let (flags, matches) = parsed.map_err(|error| {
        let origin = origin(&error, &line.origins);
        let advice = pattern_advice(&error, &line.arguments);
        refuse_with(&error, &command, origin, advice)
    })?;
    if !matches.try_get_one("quiet").ok().flatten().is_some_and(|&quiet: &bool| quiet) {
        let unused = unused::notes(&matches, |flag| !line.origins.contains_key(flag));
        line.notes.iter().chain(&unused).for_each(|note| terminal::note(&format!("note: {note}")));
    }
    let folder = |id: &str| matches.try_get_one::<PathBuf>(id).ok().flatten().cloned();
    Ok((flags, Folders { out_dir: folder("out_dir"), run: folder("run_folder") }))
}

/// Prints what clap has to say instead of running a command: an error in one line, or the help or version that is asked for.
pub(crate) fn refuse(error: &clap::Error, command: &clap::Command) -> ExitCode {
    refuse_with(error, command, None, "")
}

fn refuse_with(error: &clap::Error, command: &clap::Command, origin: Option<&str>, advice: &str) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        return fail(&format!("which subcommand? expected one of {}", names.join(", ")), UNUSABLE_FLAGS);
    }
    if error.use_stderr() {
        return fail(&format!("{}{advice}", refusal(error, origin)), UNUSABLE_FLAGS);
    }
    match terminal::result(error.to_string().trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&message(&error, command, &Folders::default()), 1),
    }
}

/// The files that a shell makes of a pattern are one flag's value and words that belong to none.
fn pattern_advice(error: &clap::Error, arguments: &[OsString]) -> &'static str {
    let is_word = matches!(
        error.get(ContextKind::InvalidArg),
        Some(ContextValue::String(argument)) if !argument.starts_with('-')
    );
    let is_pattern = |argument: &OsString| {
        argument.to_str().is_some_and(|argument| argument.split('=').next() == Some("--checkpoints"))
    };
    let has_pattern = arguments.iter().any(is_pattern);
    if error.kind() == ErrorKind::UnknownArgument && is_word && has_pattern {
        "; --checkpoints takes one file or one pattern in quotes, as --checkpoints 'weights/*.pt'"
    } else {
        ""
    }
}

/// Where the value that clap refuses came from, if not from the command line.
fn origin<'a>(error: &clap::Error, origins: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = argument.strip_prefix("--")?.split([' ', '=']).next()?;
    origins.get(flag).map(String::as_str)
}

/// What clap has to say about a flag, in one line, and where a value came from that was not typed.
fn refusal(error: &clap::Error, origin: Option<&str>) -> String {
    let said = refused_value(error).unwrap_or_else(|| words(&error.to_string()));
    let origin = origin.map_or_else(String::new, |origin| format!("{origin}: "));
    format!("{origin}{said} (--help lists all flags)")
}

/// A value that a flag cannot have: what was found, and what its parser expected.
fn refused_value(error: &clap::Error) -> Option<String> {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg)?.split(" <").next()?;
    let value = text(ContextKind::InvalidValue)?;
    let reason = std::error::Error::source(error)?.to_string();
    // Errors of libraries name the value themselves.
    let expected = reason.split_once(&format!("`{value}`: ")).map_or(&*reason, |(_, expected)| expected);
    Some(format!("{flag}: found `{value}`, {}", one_line(expected)))
}

/// Clap's own words, without their heading and the usage. Its lines are sentences, or parts of a list.
fn words(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| line.strip_prefix("error: ").or_else(|| line.strip_prefix("tip: ")).unwrap_or(line));
    lines.fold(String::new(), |said, line| match said.chars().next_back() {
        None => line.to_owned(),
        Some(':' | ',') => format!("{said} {line}"),
        Some(_) => format!("{said}; {line}"),
    })
}

/// `--kernel_size=7` → `--kernel-size=7`: both spellings of a flag work; values are left alone.
fn with_hyphens(argument: OsString) -> OsString {
    let Some(text) = argument.to_str().filter(|text| text.starts_with("--")) else { return argument };
    let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
    let flag = flag.replace('_', "-");
    value.map_or_else(|| flag.clone(), |value| format!("{flag}={value}")).into()
}

#[cfg(test)]
mod tests {
    use std::io;

    use files::Action;

    use super::*;

    #[test]
    fn both_spellings_of_a_flag_are_the_same() {
        assert_eq!(with_hyphens("--kernel_size=a_b".into()), OsString::from("--kernel-size=a_b"));
        assert_eq!(with_hyphens("--batch_size".into()), OsString::from("--batch-size"));
        assert_eq!(with_hyphens("some_value".into()), OsString::from("some_value"));
    }

    #[test]
    fn causes_are_said_once() {
        let error = anyhow::anyhow!("no space").context("cannot write: no space").context("run.json");
        assert_eq!(
            message(&error, &clap::Command::new("grad"), &Folders::default()),
            "run.json: cannot write: no space"
        );
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let said = |kind: io::ErrorKind, command: &clap::Command| {
            let error = anyhow::Error::from(io::Error::from(kind)).context("0_checkpoint");
            message(&error, command, &Folders::default())
        };
        let grad = clap::Command::new("grad");
        let train = clap::Command::new("easy_train").arg(clap::Arg::new("resume").long("resume"));
        let full = said(io::ErrorKind::StorageFull, &grad);
        assert!(full.contains("free some room") && !full.contains("--resume"), "{full}");
        let full = said(io::ErrorKind::QuotaExceeded, &train);
        assert!(
            full.ends_with("give the command again (a run that was begun is resumed with --resume)"),
            "{full}"
        );
        let other = said(io::ErrorKind::PermissionDenied, &train);
        assert!(!other.contains("free some room"), "{other}");
    }

    #[test]
    fn another_folder_is_asked_for_where_that_helps() {
        let grad = clap::Command::new("grad");
        let error = |action: Action, path: &str| {
            let source = io::ErrorKind::ReadOnlyFilesystem.into();
            files::Error::File { action, path: path.into(), source }
        };
        let folders = Folders { out_dir: Some("ro".into()), run: Some("disc/run".into()) };
        let said = |error: anyhow::Error| message(&error, &grad, &folders);
        let made = said(error(Action::CreateFolder, "ro/run").into());
        assert!(made.starts_with("ro/run: cannot create folder: "), "{made}");
        assert!(made.ends_with("; choose another --out-dir"), "{made}");
        assert_eq!(said(training::Error::from(error(Action::CreateFolder, "ro/run")).into()), made);
        let of_run = said(error(Action::Create, "disc/run/grad/.lock").into());
        assert!(of_run.contains("name a copy of it with --run") && !of_run.contains("--out-dir"), "{of_run}");
        for other in [error(Action::Read, "ro/run"), error(Action::CreateFolder, "elsewhere")] {
            assert!(!said(other.into()).contains("--out-dir"));
        }
    }
}
