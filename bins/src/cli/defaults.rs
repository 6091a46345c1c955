//! Defaults that are not in the program: environment variables, and the file that `--config` names.
//!
//! They are put in front of the given flags as if they had been typed there, so that flags beat environment beats
//! config file. Where each came from is kept, for the error that a bad one makes.

use std::{collections::BTreeMap, ffi::OsString, fs::File, io::Read, path::Path};

use checkpoints::FolderConfig;
use clap::Arg;
use datasets::catalog::Name;
use serde_json::Value;

const PREFIX: &str = "FREQBIAS_";

/// The variable that is no flag: it chooses the kernels' instruction set.
const KERNELS: &str = "FREQBIAS_KERNELS";

/// The flag that names a run, and what the run's own configuration says for flags that are not given.
const RUN: &str = "run";
const OF_RUN: &[&str] = &[
    "dataset",
    "data",
    "arch",
    "arch-family",
    "labels",
    "class-map",
    "image-size",
    "resize",
    "interpolation",
    "val-labels",
    "val-fraction",
    "val-seed",
    "follow-links",
    "download",
];

/// The flag that names files of weights.
const CHECKPOINTS: &str = "checkpoints";

/// More than any configuration takes; a file beyond it is something else.
const LARGEST_CONFIG: u64 = 1 << 20;

/// By flag.
type Settings = BTreeMap<String, Setting>;

/// The same out of several files: where they differ, what is to be said.
type Beside = BTreeMap<&'static str, Result<Setting, String>>;

/// A command line with its defaults filled in.
#[derive(Debug)]
pub(super) struct CommandLine {
    /// What clap is to parse.
    pub arguments: Vec<OsString>,
    /// By flag: where a default came from.
    pub origins: BTreeMap<String, String>,
    /// What to tell: settings that no program knows, each with what it may have been meant to be; what was taken from beside
    /// the weights.
    pub notes: Vec<String>,
}

/// A setting as text, and where it stands.
struct Setting {
    value: String,
    origin: String,
}

/// Fills in what environment and config file say and the given flags do not. `known` are the command lines of all programs: a setting
/// of another program is fine, for they share a file.
///
/// # Errors
/// If the config file cannot be used, or a setting has no value that a flag could have; the message says where.
pub(super) fn fill_in(
    command: &clap::Command,
    known: &[clap::Command],
    given: Vec<OsString>,
) -> Result<CommandLine, String> {
    check_kernels()?;
    check_patterns(&given)?;
    let environment = environment()?;
    let config = match value_of("config", &given, &environment) {
        Some((path, origin)) => config_file(&path).map_err(|error| format!("{origin} {path}: {error}"))?,
        None => BTreeMap::new(),
    };
    let run = run_settings(command, &given, &environment);
    let (beside, unknown_beside) = settings_beside(command, &given, &environment, &config);
    let mut line = CommandLine {
        arguments: given.first().cloned().into_iter().collect(),
        origins: BTreeMap::new(),
        notes: environment
            .iter()
            .filter_map(|(flag, setting)| unknown(known, flag, &setting.origin))
            .chain(unknown_beside)
            .collect(),
    };
    if let Some(problem) = config.iter().find_map(|(flag, setting)| unknown(known, flag, &setting.origin)) {
        return Err(problem);
    }
    let is_given = |argument: &Arg| argument.get_long().is_some_and(|flag| is_given(&given, argument, flag));
    let given_flags: Vec<&Arg> = command.get_arguments().filter(|argument| is_given(argument)).collect();
    for argument in command.get_arguments() {
        let Some(flag) = argument.get_long().filter(|_| !is_given(argument)) else { continue };
        // `--gpu 0` says what a FREQBIAS_DEVICE would say otherwise.
        if given_flags.iter().any(|given| conflict(command, given, argument)) {
            continue;
        }
        let setting = environment.get(flag).or_else(|| config.get(flag)).or_else(|| run.get(flag));
        let setting = match (setting, beside.get(flag)) {
            (Some(setting), _) => setting,
            (None, Some(Ok(setting))) => {
                line.notes.push(format!("--{flag} {}, as {} says", setting.value, setting.origin));
                setting
            }
            (None, Some(Err(problem))) => return Err(problem.clone()),
            (None, None) => continue,
        };
        line.arguments.extend(as_argument(argument, flag, setting)?);
        line.origins.insert(flag.to_owned(), setting.origin.clone());
    }
    line.arguments.extend(given.into_iter().skip(1));
    Ok(line)
}

fn as_argument(argument: &Arg, flag: &str, setting: &Setting) -> Result<Option<OsString>, String> {
    let Setting { value, origin } = setting;
    if argument.get_action().takes_values() {
        return Ok(Some(format!("--{flag}={value}").into()));
    }
    match value.as_str() {
        "true" | "1" => Ok(Some(format!("--{flag}").into())),
        "false" | "0" => Ok(None),
        _ => Err(format!("{origin}: found `{value}`, expected true or false")),
    }
}

/// The variables of the environment with our prefix, by flag.
fn environment() -> Result<Settings, String> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let flag = name.strip_prefix(PREFIX)?.to_lowercase().replace('_', "-");
        (name != KERNELS).then_some((name, flag, value))
    });
    let setting = |(name, flag, value): (String, String, OsString)| match value.into_string() {
        Ok(value) => Ok((flag, Setting { value, origin: name })),
        Err(value) => Err(format!("{name}: found {value:?}, expected UTF-8")),
    };
    ours.map(setting).collect()
}

/// The value of a flag and who says so: the flag itself, or its variable.
fn value_of(flag: &str, given: &[OsString], environment: &Settings) -> Option<(String, String)> {
    let long = format!("--{flag}");
    let inline = given.iter().filter_map(|g| g.to_str()?.strip_prefix(&long)?.strip_prefix('=')).next_back();
    let position = given.iter().rposition(|g| *g == *long);
    let after = position.and_then(|position| given.get(position + 1)).and_then(|value| value.to_str());
    let typed = inline.or(after).map(|value| (value.to_owned(), long));
    typed.or_else(|| environment.get(flag).map(|setting| (setting.value.clone(), setting.origin.clone())))
}

/// What the run that `--run` names says of itself. A folder that says nothing, or nothing readable, is for the command to
/// judge.
fn run_settings(command: &clap::Command, given: &[OsString], environment: &Settings) -> Settings {
    let takes_run = command.get_arguments().any(|argument| argument.get_long() == Some(RUN));
    let run = value_of(RUN, given, environment).filter(|_| takes_run);
    let settings = run.and_then(|(run, _)| config_file(Path::new(&run).join("config.json").to_str()?).ok());
    settings.unwrap_or_default().into_iter().filter(|(flag, _)| OF_RUN.contains(&flag.as_str())).collect()
}

/// What timm's or Hugging Face's configurations beside the files of `--checkpoints` say: the architecture, if it is known here (else a note
/// that it is not), and how photographs are brought to their size. Where they differ, what to say if the flag is not given.
fn settings_beside(
    command: &clap::Command,
    given: &[OsString],
    environment: &Settings,
    config: &Settings,
) -> (Beside, Option<String>) {
    let takes_files = command.get_arguments().any(|argument| argument.get_long() == Some(CHECKPOINTS));
    let named = value_of(CHECKPOINTS, given, environment).filter(|_| takes_files);
    let Some((path, _)) = named else { return Default::default() };
    let files = runs::checkpoints_matching(&path).map(|found| found.checkpoints).unwrap_or_default();
    let own = |file: &runs::StoredCheckpoint| {
        checkpoints::CheckpointFile::open(&file.path).ok().and_then(|file| file.config().cloned())
    };
    let configs: Vec<FolderConfig> = files.iter().map(|file| own(file).unwrap_or_default()).collect();
    let dataset = value_of("dataset", given, environment).map(|(name, _)| name);
    let dataset = dataset.or_else(|| config.get("dataset").map(|setting| setting.value.clone()));
    let is_resized = dataset.is_some_and(|name| name.parse::<Name>().is_ok_and(|name| name.is_resized()));
    let is_known = |name: &String| name.parse::<models::Architecture>().is_ok();
    let unknown =
        configs.iter().filter_map(|config| config.architecture.clone()).find(|name| !is_known(name));
    let origin = format!("the configuration beside {path}");
    let unknown =
        unknown.map(|name| format!("{origin} says that the network is {name}, which is not known here"));
    let said = |flag: &str, config: &FolderConfig| match flag {
        "arch" => config.architecture.clone().filter(is_known),
        _ if !is_resized => None,
        "image-size" => config.image_size.map(|size| size.to_string()),
        "resize" => config.resize.map(|size| size.to_string()),
        _ => config.interpolation.clone(),
    };
    let settings = ["arch", "image-size", "resize", "interpolation"].into_iter().filter_map(|flag| {
        let mut values: Vec<Option<String>> = configs.iter().map(|config| said(flag, config)).collect();
        values.sort();
        values.dedup();
        match values.as_slice() {
            [] | [None] => None,
            [Some(value)] => Some((flag, Ok(Setting { value: value.clone(), origin: origin.clone() }))),
            _ => {
                let differ = "the configurations beside these files differ; give the flag, or measure those of each kind alone";
                Some((flag, Err(format!("--{flag}: --checkpoints {path}: {differ}"))))
            }
        }
    });
    (settings.collect(), unknown)
}

/// The last value of a flag counts, but files that are named must not be passed over.
fn check_patterns(given: &[OsString]) -> Result<(), String> {
    let names = |given: &&OsString| {
        given.to_str().is_some_and(|given| given == "--checkpoints" || given.starts_with("--checkpoints="))
    };
    match given.iter().filter(names).count() {
        0 | 1 => Ok(()),
        count => Err(format!(
            "--checkpoints: found {count} times, expected once; one pattern in quotes names many files, as 'runs/*/*.pt'"
        )),
    }
}

/// A name that no path of the kernels has would be passed over.
fn check_kernels() -> Result<(), String> {
    let Some(found) = std::env::var_os(KERNELS) else { return Ok(()) };
    let names: Vec<_> =
        kernels::blocked::InstructionSet::available().iter().map(|path| path.name()).collect();
    if names.iter().any(|name| found == *name) {
        return Ok(());
    }
    Err(format!("{KERNELS}: found {found:?}, expected one of {} on this machine", names.join(", ")))
}

/// The settings in a file: a JSON object from flag to value, or a run's `config.json`, whose `settings` is such an
/// object.
fn config_file(path: &str) -> Result<Settings, String> {
    const ADVICE: &str = "expected a JSON object from flag to value, or the config.json of a run folder";
    if Path::new(path).exists() && !Path::new(path).is_file() {
        return Err(format!("this is no file; {ADVICE}"));
    }
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_CONFIG + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{error}; {ADVICE}"))?;
    if text.len() as u64 > LARGEST_CONFIG {
        return Err(format!("larger than {LARGEST_CONFIG} bytes; {ADVICE}"));
    }
    let root: Value = serde_json::from_str(&text).map_err(|error| format!("{error}; {ADVICE}"))?;
    let object = root.get("settings").unwrap_or(&root).as_object().ok_or(ADVICE)?;
    let mut settings = BTreeMap::new();
    for (key, value) in object {
        if let Some(value) = plain(value).map_err(|error| format!("`{key}`: {error}"))? {
            let origin = format!("`{key}` in {path}");
            settings.insert(key.replace('_', "-"), Setting { value, origin });
        }
    }
    Ok(settings)
}

/// A value as it would be typed; `null` is no value.
fn plain(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Object(_) => {
            Err("found an object, expected a text, a number, true, false or a list".to_owned())
        }
        Value::Array(values) => {
            let parts: Result<Vec<_>, _> = values.iter().map(plain).collect();
            Ok(Some(parts?.into_iter().flatten().collect::<Vec<_>>().join(",")))
        }
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
    }
}

/// What to say of a setting that is no flag of any program.
fn unknown(known: &[clap::Command], flag: &str, origin: &str) -> Option<String> {
    let flags: Vec<String> = known
        .iter()
        .flat_map(clap::Command::get_arguments)
        .flat_map(|argument| {
            argument.get_long().into_iter().chain(argument.get_all_aliases().unwrap_or_default())
        })
        .map(str::to_owned)
        .collect();
    if flags.iter().any(|known| known == flag) {
        return None;
    }
    let nearest = flags.iter().min_by_key(|known| strsim::damerau_levenshtein(known, flag))?;
    Some(format!("{origin}: there is no such flag; did you mean --{nearest}?"))
}

fn is_given(given: &[OsString], argument: &Arg, flag: &str) -> bool {
    let aliases = argument.get_all_aliases().unwrap_or_default();
    given.iter().filter_map(|g| g.to_str()?.strip_prefix("--")).any(|g| {
        let name = g.split('=').next().unwrap_or(g);
        name == flag || aliases.contains(&name)
    })
}

fn conflict(command: &clap::Command, one: &Arg, other: &Arg) -> bool {
    let declares = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|conflicting| conflicting.get_id() == other.get_id())
    };
    declares(one, other) || declares(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_configuration_gives_its_settings() -> Result<(), Box<dyn std::error::Error>> {
        let file = tempfile::NamedTempFile::new()?;
        let text =
            r#"{"settings": {"batch_size": 64, "task": "x", "resume": null, "mean": [0.5, 0.4, 0.3]}}"#;
        std::fs::write(file.path(), text)?;
        let found = config_file(file.path().to_str().ok_or("UTF-8")?)?;
        let values: Vec<_> = found.iter().map(|(flag, setting)| (flag.as_str(), &*setting.value)).collect();
        assert_eq!(values, [("batch-size", "64"), ("mean", "0.5,0.4,0.3"), ("task", "x")]);
        Ok(())
    }

    #[test]
    fn a_broken_configuration_is_told_by_line_and_column() -> Result<(), Box<dyn std::error::Error>> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), "{\n\"epochs\": 3,,\n}")?;
        let error = config_file(file.path().to_str().ok_or("UTF-8")?).err().ok_or("refused")?;
        assert!(error.contains("line 2 column 13"), "{error}");
        Ok(())
    }

    #[test]
    fn an_unknown_setting_is_reported_with_the_nearest() {
        let known = [clap::Command::new("easy_train").arg(Arg::new("epochs").long("epochs"))];
        assert_eq!(unknown(&known, "epochs", "x"), None);
        let said = unknown(&known, "epcohs", "FREQBIAS_EPCOHS").expect("no such flag");
        assert_eq!(said, "FREQBIAS_EPCOHS: there is no such flag; did you mean --epochs?");
    }
}
