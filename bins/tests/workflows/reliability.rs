//! Signals, folders that go away, memory that is too small, settings that must not change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{easy_train, fail, grad, program, succeed, wait_until};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn run_folder(folder: &Path) -> PathBuf {
    folder.join("runs/synthetic/resnet20_baseline")
}

fn checkpoint(folder: &Path, epoch: usize) -> std::io::Result<Vec<u8>> {
    fs::read(run_folder(folder).join(format!("{epoch}_checkpoint.safetensors")))
}

/// Evaluation that takes far longer than training, so that it is what is stopped.
const EVALUATES: [&str; 9] =
    ["--epochs", "2", "--limit-test", "96", "--adv-eval", "--eps", "0.5", "--attack-steps", "20"];

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_while_it_is_evaluated_keeps_its_epoch() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = ["--limit-train", "16", "--save-every", "0.0000001"];
    succeed(easy_train(whole.path(), &flags).args(EVALUATES));
    let mut child = easy_train(parts.path(), &flags).args(EVALUATES).stderr(Stdio::piped()).spawn()?;
    // The state is saved at the start, after the batch, and before the evaluation.
    let state = run_folder(parts.path()).join("checkpoint.latest.state.safetensors");
    let says =
        |words: &str| fs::read(&state).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(words));
    wait_until(|| says(r#"\"batch\":1"#));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    let code = child.wait()?.code();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().ok_or("stderr")?, &mut said)?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stopped in epoch 0 after 1 batch") && said.contains("--resume"), "{said}");
    assert!(checkpoint(parts.path(), 0).is_err(), "stopped before the evaluation's end");
    succeed(easy_train(parts.path(), &flags).args(EVALUATES).arg("--resume"));
    for epoch in 0..2 {
        assert!(checkpoint(whole.path(), epoch)? == checkpoint(parts.path(), epoch)?, "epoch {epoch}");
    }
    Ok(())
}

/// What `nohup` and scripts do to the programs that they start.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_were_ignored_stay_ignored() -> Outcome {
    let folder = tempfile::tempdir()?;
    let line = format!(
        "trap '' HUP INT; exec {} --arch resnet20 --epochs 3 --limit-train 320 --limit-test 32 --batch-size 32 --quiet",
        env!("CARGO_BIN_EXE_easy_train")
    );
    let mut child =
        Command::new("sh").args(["-c", &line]).current_dir(folder.path()).stdout(Stdio::null()).spawn()?;
    wait_until(|| checkpoint(folder.path(), 0).is_ok());
    for signal in ["-HUP", "-INT", "-HUP"] {
        Command::new("kill").args([signal, &child.id().to_string()]).status()?;
    }
    assert!(child.wait()?.success());
    assert!(checkpoint(folder.path(), 2).is_ok(), "all epochs");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_run_whose_folder_is_removed_ends() -> Outcome {
    let folder = tempfile::tempdir()?;
    let flags = ["--epochs", "50", "--limit-train", "320", "--quiet"];
    let mut child = easy_train(folder.path(), &flags).stderr(Stdio::piped()).spawn()?;
    wait_until(|| checkpoint(folder.path(), 0).is_ok());
    fs::rename(folder.path().join("runs"), folder.path().join("moved"))?;
    let code = child.wait()?.code();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().ok_or("stderr")?, &mut said)?;
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("resnet20_baseline") && said.contains("removed, moved or replaced"), "{said}");
    assert!(!folder.path().join("runs").exists(), "nothing more is written");
    Ok(())
}

#[test]
fn a_run_goes_on_in_its_own_precision_and_not_by_a_broken_configuration() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1"]));
    let resumed = ["--epochs", "2", "--resume", "--quiet"];
    let said = fail(easy_train(folder.path(), &resumed).args(["--precision", "bf16"]), 2);
    assert!(said.contains("started in f32") && said.contains("resume with --precision f32"), "{said}");
    let metrics = fs::read_to_string(run_folder(folder.path()).join("metrics.jsonl"))?;
    assert!(metrics.contains(r#""kernels":""#), "{metrics}");
    fs::write(run_folder(folder.path()).join("config.json"), "[]")?;
    let said = fail(&mut easy_train(folder.path(), &resumed), 1);
    assert!(said.contains("config.json: not the configuration of a run"), "{said}");
    Ok(())
}

#[test]
fn damage_to_what_a_checkpoint_or_state_says_is_found() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1"]));
    let damage = |name: &str, from: &[u8], to: &[u8]| -> Outcome {
        let path = run_folder(folder.path()).join(name);
        let mut bytes = fs::read(&path)?;
        let at = bytes.windows(from.len()).position(|part| part == from).ok_or("what is to be damaged")?;
        bytes[at..at + to.len()].copy_from_slice(to);
        Ok(fs::write(&path, bytes)?)
    };
    damage("0_checkpoint.safetensors", br#"\"mean\":[0."#, br#"\"mean\":[1."#)?;
    let said = fail(grad(folder.path(), &[]).arg("--quiet"), 1);
    assert!(said.contains("0_checkpoint.safetensors") && said.contains("checksum"), "{said}");
    damage("checkpoint.latest.state.safetensors", br#"\"batch\":0"#, br#"\"batch\":1"#)?;
    let said = fail(&mut easy_train(folder.path(), &["--epochs", "2", "--resume", "--quiet"]), 1);
    assert!(said.contains("checkpoint.latest.state.safetensors") && said.contains("checksum"), "{said}");
    assert!(said.contains("start anew with --overwrite") && !said.contains("remove it"), "{said}");
    Ok(())
}

/// Whatever a killed program left beside the numbers is made to fit them.
#[test]
fn a_spectrum_whose_files_are_not_of_its_numbers_is_written_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let flags = ["--epochs", "2", "--spectrum-every", "1", "--quiet"];
    succeed(&mut easy_train(folder.path(), &flags));
    let results = run_folder(folder.path()).join("spectrum");
    let names =
        ["gradient_spectrum.npz", "gradient_spectrum.png", "tensorboard/events.out.tfevents.0.freqbias"];
    let read = || names.iter().map(|name| fs::read(results.join(name))).collect::<Result<Vec<_>, _>>();
    let expected = read()?;
    fs::write(results.join(names[0]), "of one epoch")?;
    fs::remove_file(results.join(names[1]))?;
    fs::write(results.join(names[2]), "of one epoch")?;
    succeed(easy_train(folder.path(), &flags).arg("--resume"));
    assert!(read()? == expected);
    Ok(())
}

/// Rows of other images are not mixed with new ones.
#[cfg(unix)]
#[test]
fn rows_of_images_that_were_replaced_are_measured_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let toy = |name: &str, flags: &[&str]| {
        let mut command = program(name, folder.path());
        command
            .args(["--exp_name", "WCR", "--limit-train", "64", "--limit-test", "32", "--quiet"])
            .args(flags);
        command
    };
    succeed(&mut toy("train_toy_models", &["--epochs", "1", "--number", "2", "--kernel_size", "3"]));
    succeed(&mut toy("generate_toy_dataset", &[]));
    let generated = ["--dataset", "generated", "--data", "runs/WCR-Toy-Dataset", "--quiet"];
    succeed(easy_train(folder.path(), &["--epochs", "2"]).args(generated));
    let results = folder.path().join("runs/generated/resnet20_WCR-Toy-Dataset/grad");
    let mut child = grad(folder.path(), &generated).stderr(Stdio::null()).spawn()?;
    wait_until(|| results.join("gradient_spectrum.partial.json").exists());
    child.kill()?;
    child.wait()?;
    succeed(&mut toy("generate_toy_dataset", &["--overwrite", "--radius", "3", "--seed", "9"]));
    succeed(&mut grad(folder.path(), &generated));
    let mixed = fs::read(results.join("gradient_spectrum.json"))?;
    fs::remove_dir_all(&results)?;
    succeed(&mut grad(folder.path(), &generated));
    assert!(mixed == fs::read(results.join("gradient_spectrum.json"))?, "all rows are of the new images");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_batch_for_which_there_is_no_memory_is_refused_before_the_first() -> Outcome {
    let folder = tempfile::tempdir()?;
    let line = format!(
        "ulimit -v 6000000; exec {} --arch resnet56 --limit-train 4000 --limit-test 16 --batch-size 4000 --quiet",
        env!("CARGO_BIN_EXE_easy_train")
    );
    let said = fail(Command::new("sh").args(["-c", &line]).current_dir(folder.path()), 2);
    assert!(said.contains("4000 images") && said.contains("give --batch-size "), "{said}");
    assert!(!folder.path().join("runs").exists(), "no side effects");
    Ok(())
}
