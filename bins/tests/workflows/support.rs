//! What these tests share: the built programs, and the reference values and images that lie outside the repository.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    time::{Duration, Instant},
};

/// A small network on a few generated images.
pub(crate) const SMALL: [&str; 8] =
    ["--arch", "resnet20", "--limit-train", "96", "--limit-test", "32", "--batch-size", "32"];

/// `easy_train` of the small network; flags given again replace it.
pub(crate) fn easy_train(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("easy_train", folder);
    command.args(SMALL).args(flags);
    command
}

/// `grad` of the small network.
pub(crate) fn grad(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("grad", folder);
    command.args(SMALL).args(flags);
    command
}

/// A program, in a folder of its own.
pub(crate) fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(path(name));
    command.current_dir(folder);
    // What the person who runs the tests has set must not reach the programs.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FREQBIAS_") && variable != "FREQBIAS_KERNELS" {
            command.env_remove(variable);
        }
    }
    command
}

/// A reproduction as small as has all parts.
pub(crate) fn reproduce(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("reproduce", folder);
    command.args(["--epochs", "2", "--fit-epochs", "2", "--limit-train", "300", "--limit-test", "100"]);
    command.args(flags);
    command
}

/// Where cargo built a program for these tests.
pub(crate) fn path(name: &str) -> &'static str {
    match name {
        "easy_train" => env!("CARGO_BIN_EXE_easy_train"),
        "evaluate" => env!("CARGO_BIN_EXE_evaluate"),
        "generate_freq_dataset" => env!("CARGO_BIN_EXE_generate_freq_dataset"),
        "generate_toy_dataset" => env!("CARGO_BIN_EXE_generate_toy_dataset"),
        "grad" => env!("CARGO_BIN_EXE_grad"),
        "inspect" => env!("CARGO_BIN_EXE_inspect"),
        "compare" => env!("CARGO_BIN_EXE_compare"),
        "measure" => env!("CARGO_BIN_EXE_measure"),
        "reproduce" => env!("CARGO_BIN_EXE_reproduce"),
        "train_toy_models" => env!("CARGO_BIN_EXE_train_toy_models"),
        other => panic!("there is no program {other}"),
    }
}

/// Runs a command that must succeed; what it printed on stdout.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("a program that starts");
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{command:?} failed\n{stdout}\n{stderr}");
    stdout
}

/// Runs a command that must fail with an exit code and one line on stderr, which is returned.
pub(crate) fn fail(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("a program that starts");
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{stdout}\n{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("error: "), "{command:?}: one line: {stderr}");
    assert_eq!(stdout, "", "{command:?}: an error leaves no result");
    stderr
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A folder beside the checkout; without it a test says so and ends, or fails where it is due.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let due = std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_some();
    assert!(!due, "{} is required and absent", folder.display());
    println!("SKIPPED: there is no {}", folder.display());
    None
}

pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() && started.elapsed() < Duration::from_secs(300) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Stops a program once it is time, as Ctrl-C does. Jobs in a shell's background ignore SIGINT, and our programs leave ignored signals
/// ignored: there SIGTERM does it.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child, is_time: impl Fn() -> bool) -> std::io::Result<()> {
    wait_until(is_time);
    const SIGINT: u64 = 1 << 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let signal = if ignored & SIGINT == 0 { "-INT" } else { "-TERM" };
    Command::new("kill").args([signal, &child.id().to_string()]).status()?;
    Ok(())
}
