//! From the command line to a workflow, and from its result to an exit code.

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::Parser;

use crate::terminal;

/// Exit code of a command line that cannot be used.
const UNUSABLE_FLAGS: u8 = 2;

/// Flags whose default comes from elsewhere when the command line does not give them.
const ENVIRONMENT_PREFIX: &str = "FREQBIAS_";

/// Parses the flags of a command and runs it: exit code 0 if the work was done, 1 if the run failed, 2 if the
/// flags are unusable. An error is one line on stderr.
pub fn launch<Flags: Parser>(run: fn(Flags) -> anyhow::Result<()>) -> ExitCode {
    match parse(std::env::args_os().collect()) {
        Err(refusal) => refusal,
        Ok(flags) => match run(flags) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&message(&error), exit_code(&error)),
        },
    }
}

/// A problem with the flags that only shows once they are put together, such as `--resume` with `--overwrite`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnusableFlags(pub String);

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<UnusableFlags>() { UNUSABLE_FLAGS } else { 1 }
}

/// The error and its causes, each cause that the message does not hold yet.
fn message(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut message, cause| {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message = if message.is_empty() { cause } else { format!("{message}: {cause}") };
        }
        message
    })
}

fn fail(message: &str, code: u8) -> ExitCode {
    terminal::note(&format!("error: {}", one_line(message)));
    ExitCode::from(code)
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn parse<Flags: Parser>(arguments: Vec<OsString>) -> Result<Flags, ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().map(with_hyphens).collect();
    let layered =
        with_defaults(&Flags::command(), arguments).map_err(|message| fail(&message, UNUSABLE_FLAGS))?;
    Flags::try_parse_from(layered).map_err(|error| {
        if error.use_stderr() {
            return fail(&refusal(&error.to_string()), UNUSABLE_FLAGS);
        }
        // --help and --version.
        let _ = error.print();
        ExitCode::SUCCESS
    })
}

/// What clap has to say about a flag, without its heading and its last words: an error is one line.
fn refusal(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let said: Vec<&str> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .collect();
    let said = one_line(&said.join("\n"));
    format!("{} (--help lists all flags)", said.strip_prefix("error: ").unwrap_or(&said))
}

/// `--kernel_size=7` → `--kernel-size=7`: both spellings of a flag work; values are left alone.
fn with_hyphens(argument: OsString) -> OsString {
    let Some(text) = argument.to_str().filter(|text| text.starts_with("--")) else { return argument };
    let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
    let flag = flag.replace('_', "-");
    value.map_or_else(|| flag.clone(), |value| format!("{flag}={value}")).into()
}

/// Puts the values of environment variables and of the `--config` file in front of the given flags, so that
/// flags beat environment beats config file beats defaults.
fn with_defaults(command: &clap::Command, given: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let config = config_file(&given)?;
    let mut layered: Vec<OsString> = given.first().cloned().into_iter().collect();
    for argument in command.get_arguments() {
        let Some(flag) = argument.get_long().filter(|&flag| !is_given(&given, argument, flag)) else {
            continue;
        };
        let variable = format!("{ENVIRONMENT_PREFIX}{}", flag.replace('-', "_").to_uppercase());
        let value = std::env::var(variable).ok().or_else(|| config.get(flag).cloned());
        let Some(value) = value else { continue };
        if argument.get_action().takes_values() {
            layered.push(format!("--{flag}={value}").into());
        } else if value == "true" || value == "1" {
            layered.push(format!("--{flag}").into());
        }
    }
    layered.extend(given.into_iter().skip(1));
    Ok(layered)
}

fn is_given(given: &[OsString], argument: &clap::Arg, flag: &str) -> bool {
    let aliases = argument.get_all_aliases().unwrap_or_default();
    given.iter().filter_map(|g| g.to_str()?.strip_prefix("--")).any(|g| {
        let name = g.split('=').next().unwrap_or(g);
        name == flag || aliases.contains(&name)
    })
}

/// The settings in the file that `--config` names: a JSON object from flag to value, or a run's `config.json`,
/// whose `settings` is such an object.
fn config_file(given: &[OsString]) -> Result<std::collections::BTreeMap<String, String>, String> {
    let position = given.iter().position(|g| g == "--config");
    let inline = given.iter().filter_map(|g| g.to_str()?.strip_prefix("--config=")).next_back();
    let after = position.and_then(|p| given.get(p + 1)).and_then(|p| p.to_str());
    let Some(path) = inline.or(after) else { return Ok(Default::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("--config {path}: {error}"))?;
    settings(&text).ok_or_else(|| {
        format!(
            "--config {path}: expected a JSON object from flag to value, or the config.json of a run folder"
        )
    })
}

fn settings(text: &str) -> Option<std::collections::BTreeMap<String, String>> {
    let root: serde_json::Value = serde_json::from_str(text).ok()?;
    let object = root.get("settings").unwrap_or(&root).as_object()?;
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::Null | serde_json::Value::Object(_) => None,
        serde_json::Value::Array(values) => {
            Some(values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Some(object.iter().filter_map(|(key, value)| Some((key.replace('_', "-"), plain(value)?))).collect())
}

/// Whether a path given on the command line is there; the error names flag and path.
pub(crate) fn must_exist(flag: &str, path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(path.exists(), "{flag} {}: no such file or folder", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
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
        assert_eq!(message(&error), "run.json: cannot write: no space");
    }

    #[test]
    fn a_run_configuration_gives_its_settings() {
        let found = settings(
            r#"{"settings": {"batch_size": 64, "task": "x", "resume": null, "mean": [0.5, 0.4, 0.3]}}"#,
        );
        let found = found.expect("an object");
        assert_eq!(found["mean"], "0.5,0.4,0.3");
        assert_eq!(found["batch-size"], "64");
        assert_eq!(found["task"], "x");
        assert!(!found.contains_key("resume"));
    }
}
