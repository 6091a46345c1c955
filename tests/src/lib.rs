//! What the workflow tests beside it share: the built programs, and the reference values and images that lie outside the
//! repository.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// A small network on a few generated images.
pub const SMALL: [&str; 8] =
    ["--arch", "resnet20", "--limit-train", "96", "--limit-test", "32", "--batch-size", "32"];

/// `easy_train` of the small network; flags given again replace it.
pub fn easy_train(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("easy_train", folder);
    command.args(SMALL).args(flags);
    command
}

/// `grad` of the small network.
pub fn grad(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("grad", folder);
    command.args(SMALL).args(flags);
    command
}

/// A program of the package `bins`, built in the profile that the tests were built in, in a folder of its own.
pub fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(programs().join(name));
    command.current_dir(folder);
    // What the person who runs the tests has set must not reach the programs.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FREQBIAS_") && variable != "FREQBIAS_KERNELS" {
            command.env_remove(variable);
        }
    }
    command
}

/// The folder of the built programs. `cargo test` builds the tests of `bins`, not its programs: so they are built here.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/{profile}/deps/{test}
        let test = std::env::current_exe().expect("the path of this test");
        let folder = test.ancestors().nth(2).expect("the folder of the profile").to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "bins", "--bins"]);
        build.arg("--target-dir").arg(folder.parent().expect("the target folder"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        // With `--gpu` the programs of a build without it would say that they run on the CPU.
        if cfg!(feature = "cuda") {
            build.args(["--features", "cuda"]);
        }
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo");
        assert!(status.success(), "the programs do not build");
        folder
    })
}

/// Runs a command that must succeed; what it printed on stdout.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("a program that starts");
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{command:?} failed\n{stdout}\n{stderr}");
    stdout
}

/// Runs a command that must fail with an exit code and one line on stderr, which is returned.
pub fn fail(command: &mut Command, code: i32) -> String {
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
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let due = std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_some();
    assert!(!due, "{} is required and absent", folder.display());
    println!("SKIPPED: there is no {}", folder.display());
    None
}
