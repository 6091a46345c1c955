//! All programs as subcommands of `freqbias`, and what `cargo run` says.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// `freqbias` in a folder of its own, with the settings of the person who runs the tests left out.
fn freqbias(folder: &Path) -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_freqbias")), folder)
}

fn without_settings(mut command: Command, folder: &Path) -> Command {
    for (variable, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FREQBIAS_"))
    {
        command.env_remove(variable);
    }
    command.current_dir(folder);
    command
}

/// What a command that must succeed printed.
fn succeed(command: &mut Command) -> Outcome<String> {
    let Output { status, stdout, stderr } = command.output()?;
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}

/// The one line of a command line that is refused.
fn refused(command: &mut Command) -> Outcome<String> {
    let Output { status, stderr, .. } = command.output()?;
    let stderr = String::from_utf8(stderr)?;
    assert_eq!((status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    Ok(stderr)
}

const SMALL: &str = "--arch resnet20 --limit-train 64 --limit-test 32 --batch-size 32 --epochs 1";

#[test]
fn a_subcommand_is_the_program_of_its_name() -> Outcome {
    let folder = tempfile::tempdir()?;
    for name in ["easy_train", "easy-train"] {
        let help = succeed(freqbias(folder.path()).args([name, "--help"]))?;
        assert!(help.contains("Usage: freqbias easy_train") && help.contains("--spectrum-every"), "{help}");
    }
    succeed(freqbias(folder.path()).arg("easy_train").args(SMALL.split(' ')))?;
    let run = folder.path().join("runs/synthetic/resnet20_baseline");
    let config = fs::read_to_string(run.join("config.json"))?;
    assert!(config.contains("\"command\": \"easy_train\""), "{config}");
    let said = refused(freqbias(folder.path()).args(["grad", "--run", "nowhere"]))?;
    assert!(said.contains("--run nowhere"), "{said}");
    Ok(())
}

#[test]
fn unknown_subcommands_are_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let said = refused(freqbias(folder.path()).arg("gard"))?;
    assert!(said.contains("gard") && said.contains("grad"), "{said}");
    let said = refused(&mut freqbias(folder.path()))?;
    assert!(said.contains("which subcommand?") && said.contains("easy_train, "), "{said}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn completions_that_cannot_be_written_are_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let full = fs::File::options().write(true).open("/dev/full")?;
    let Output { status, stderr, .. } =
        freqbias(folder.path()).args(["completions", "bash"]).stdout(full).output()?;
    let said = String::from_utf8(stderr)?;
    assert_eq!((status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("stdout"), "{said}");
    Ok(())
}

#[test]
fn completions_and_manual_pages_know_all_programs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let script = succeed(freqbias(folder.path()).args(["completions", "bash"]))?;
    assert!(script.contains("train_toy_models") && script.contains("--spectrum-every"));
    succeed(freqbias(folder.path()).args(["man", "pages"]))?;
    for page in ["freqbias.1", "freqbias-grad.1", "freqbias-reproduce.1"] {
        assert!(fs::read_to_string(folder.path().join("pages").join(page))?.contains("freqbias"), "{page}");
    }
    Ok(())
}

/// cargo hands the variables of a build script to the program that it runs: none may look like a setting of ours.
#[test]
fn cargo_run_adds_no_note() -> Outcome {
    let folder = tempfile::tempdir()?;
    let program = Path::new(env!("CARGO_BIN_EXE_freqbias"));
    let target = program.ancestors().nth(2).ok_or("a target folder")?;
    let mut run = without_settings(Command::new(env!("CARGO")), Path::new(env!("CARGO_MANIFEST_DIR")));
    // What cargo says of this package to its tests, build scripts of others take for news, and compile again.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"]
            .iter()
            .any(|of| name.starts_with(of))
        {
            run.env_remove(&variable);
        }
    }
    run.args([
        "run",
        "--quiet",
        "--locked",
        "--offline",
        "--package",
        "bins",
        "--bin",
        "inspect",
        "--target-dir",
    ]);
    run.arg(target);
    if program.iter().any(|part| part == "release") {
        run.arg("--release");
    }
    run.args(["--", "--dataset", "synthetic", "--limit-train", "20", "--limit-test", "20", "--out-dir"]);
    let Output { status, stderr, .. } = run.arg(folder.path()).output()?;
    assert_eq!(
        (status.success(), String::from_utf8(stderr)?.as_str()),
        (true, ""),
        "only what the program says"
    );
    Ok(())
}
