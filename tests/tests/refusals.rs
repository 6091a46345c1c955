//! What cannot be done: one line that names the flag or file, what was found and what to do; nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tests::{easy_train, fail, grad, program, succeed};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RUN: &str = "runs/synthetic/resnet20_baseline";

fn checkpoint(folder: &Path, epoch: usize) -> PathBuf {
    folder.join(RUN).join(format!("{epoch}_checkpoint.safetensors"))
}

/// Flags, the exit code they end with, and words of the error.
type Refused<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn flags_that_cannot_be_used_are_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let cases: [Refused<'_>; 15] = [
        (&["--arch", "resnet81"], 2, &["--arch", "resnet81", "resnet18"]),
        (&["--epochs", "0"], 2, &["--epochs", "0"]),
        (&["--no-such-flag"], 2, &["--no-such-flag"]),
        (&["--lr", "fast"], 2, &["--lr", "fast"]),
        (&["--lr", "-1"], 2, &["--lr", "-1"]),
        (&["--threads", "100000"], 2, &["--threads", "100000", "512"]),
        (&["--workers", "0"], 2, &["--workers", "0", "64"]),
        (&["--mean", "1,2", "--std", "1,2,3"], 2, &["--mean", "1,2"]),
        (&["--task", "../elsewhere"], 2, &["--task", "../elsewhere"]),
        (&["--dataset", "cifar10"], 2, &["cifar10", "--data"]),
        (&["--dataset", "cifar10", "--data", "nowhere"], 2, &["nowhere", "test_batch.bin"]),
        (&["--config", "nowhere.json"], 2, &["--config nowhere.json", "config.json"]),
        (&["--resume"], 2, &[RUN]),
        (&["--epochs", "1.5"], 2, &["--epochs", "1.5", "whole number"]),
        (&["--momentum", "1"], 2, &["--momentum", "below 1"]),
    ];
    for (flags, code, words) in cases {
        let said = fail(&mut easy_train(folder.path(), flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    let cases: [Refused<'_>; 3] = [
        (&["--run", "missing"], 2, &["--run missing"]),
        (&["--checkpoints", "missing/*.pt"], 2, &["--checkpoints missing/*.pt"]),
        (&["--checkpoints", "x["], 2, &["--checkpoints x["]),
    ];
    for (flags, code, words) in cases {
        let said = fail(&mut grad(folder.path(), flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "what is refused leaves nothing behind");
    Ok(())
}

#[test]
fn files_that_are_no_checkpoints_are_told_by_name() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::write(at.join("broken.pt"), b"PK\x03\x04 not a checkpoint")?;
    fs::write(at.join("broken.safetensors"), [255; 64])?;
    for name in ["broken.pt", "broken.safetensors"] {
        let said = fail(&mut grad(at, &["--checkpoints", name]), 1);
        assert!(said.contains(name), "{said}");
    }
    Ok(())
}

#[test]
fn a_default_from_elsewhere_is_refused_by_its_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    let config = |text: &str| fs::write(folder.path().join("mine.json"), text);
    let cases = [
        (r#"{"epcohs": 3}"#, ["`epcohs` in mine.json", "--epochs"]),
        (r#"{"epochs": "many"}"#, ["`epochs` in mine.json", "many"]),
        (r#"{"quiet": "maybe"}"#, ["`quiet` in mine.json", "maybe"]),
        (r#"{"lr": {"from": 1}}"#, ["--config mine.json", "`lr`"]),
        ("{\n\"lr\": }", ["--config mine.json", "line 2"]),
    ];
    for (text, words) in cases {
        config(text)?;
        let said = fail(&mut easy_train(folder.path(), &["--config", "mine.json"]), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{text}: {said}");
        let mut command = easy_train(folder.path(), &[]);
        let by_variable = fail(command.env("FREQBIAS_CONFIG", "mine.json"), 2);
        assert!(by_variable.contains(words[1]), "{by_variable}");
    }
    let said = fail(easy_train(folder.path(), &[]).env("FREQBIAS_KERNELS", "plain"), 2);
    assert!(said.contains("FREQBIAS_KERNELS") && said.contains("portable"), "{said}");
    let said = fail(easy_train(folder.path(), &[]).env("FREQBIAS_LR", "fast"), 2);
    assert!(said.contains("FREQBIAS_LR") && said.contains("fast"), "{said}");
    #[cfg(unix)]
    {
        let said = fail(&mut easy_train(folder.path(), &["--config", "/dev/zero"]), 2);
        assert!(said.contains("/dev/zero") && said.contains("larger"), "{said}");
    }
    Ok(())
}

#[test]
fn flags_beat_the_environment_which_beats_the_config_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("mine.json"), r#"{"lr": 0.5, "momentum": 0.5, "weight_decay": 0.5}"#)?;
    let mut command = easy_train(folder.path(), &["--epochs", "1", "--config", "mine.json", "--lr", "0.01"]);
    succeed(command.env("FREQBIAS_LR", "0.02").env("FREQBIAS_MOMENTUM", "0.8").env("FREQBIAS_GPU", "0"));
    let config: Value = serde_json::from_slice(&fs::read(folder.path().join(RUN).join("config.json"))?)?;
    let found = ["lr", "momentum", "weight_decay"].map(|key| config["settings"][key].as_f64());
    assert_eq!(found, [Some(0.01), Some(0.8), Some(0.5)]);
    Ok(())
}

#[test]
fn a_run_is_not_written_over_unless_asked() -> Outcome {
    let folder = tempfile::tempdir()?;
    let read = || fs::read(checkpoint(folder.path(), 0));
    succeed(&mut grad(folder.path(), &["--epochs", "1"]));
    let before = read()?;
    let said = fail(&mut easy_train(folder.path(), &["--epochs", "1"]), 2);
    assert!(said.contains("--resume") && said.contains("--overwrite"), "{said}");
    let unusable = ["--epochs", "1", "--overwrite", "--mean", "0.5,0.5,0.5", "--std", "0,0,0"];
    let said = fail(&mut easy_train(folder.path(), &unusable), 2);
    assert!(said.contains("--std"), "{said}");
    assert_eq!(read()?, before, "a refused run removes nothing");

    let results = folder.path().join(RUN).join("grad");
    fs::write(results.join("notes.txt"), "mine")?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1", "--overwrite", "--seed", "3"]));
    assert_ne!(read()?, before);
    let left: Vec<_> = fs::read_dir(&results)?.map(|entry| Ok(entry?.file_name())).collect::<Outcome<_>>()?;
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("gradient_spectrum")), "{left:?}");
    assert!(results.join("notes.txt").exists(), "what is not ours stays");
    Ok(())
}

#[test]
fn a_run_goes_on_with_its_own_settings_only() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1", "--task", "t", "--lr", "0.05"]));
    let resume = ["--epochs", "2", "--task", "t", "--resume"];
    let others: [(&[&str], &str); 5] = [
        (&["--arch", "resnet18"], "--arch resnet20"),
        (&["--seed", "4"], "--seed 0"),
        (&["--limit-test", "16"], "test images 32"),
        (&["--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2"], "--mean 0.4914"),
        (&["--lr", "0.1"], "--lr 0.05"),
    ];
    for (flags, words) in others {
        let said = fail(easy_train(at, &resume).args(flags), 2);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    // What was lost beside the state is put right; the learning rate is the run's, not the default.
    let metrics = at.join("runs/synthetic/t/metrics.jsonl");
    fs::write(&metrics, "garbage\n")?;
    succeed(&mut easy_train(at, &resume));
    assert_eq!(fs::read_to_string(&metrics)?.lines().count(), 2);

    fs::remove_file(at.join("runs/synthetic/t/checkpoint.latest.state.safetensors"))?;
    for flags in [&resume[..], &resume[..4]] {
        let said = fail(&mut easy_train(at, flags), 2);
        assert!(said.contains("state.safetensors") && said.contains("--overwrite"), "{said}");
    }
    fs::write(at.join("runs/synthetic/t/config.json"), "{")?;
    let said = fail(&mut grad(at, &["--run", "runs/synthetic/t"]), 1);
    assert!(said.contains("config.json"), "{said}");
    Ok(())
}

#[test]
fn a_network_without_gradients_is_no_row_of_the_map() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    // What a run says of itself need not be typed.
    let flags = ["--run", RUN, "--limit-test", "32", "--format", "json"];
    let summary: Value = serde_json::from_str(&succeed(program("grad", at).args(flags)))?;
    assert_eq!(summary["arch"], "resnet20");
    let said = fail(&mut grad(at, &["--run", RUN, "--arch", "resnet18"]), 2);
    assert!(said.contains("--arch resnet20"), "{said}");
    let mut stored = training::Checkpoint::load(&checkpoint(at, 0))?;
    let head = stored.tensors.get_mut("linear.weight").ok_or("a head")?;
    *head = head.zeros_like()?;
    stored.save(&at.join("blind.safetensors"))?;
    let said = fail(&mut grad(at, &["--checkpoints", "blind.safetensors", "--quiet"]), 1);
    assert!(said.contains("blind.safetensors") && said.contains("none of the 32 images"), "{said}");

    let steep = ["--epochs", "1", "--limit-train", "32", "--lr", "1e39", "--task", "steep"];
    let said = fail(&mut easy_train(at, &steep), 1);
    assert!(said.contains("test images") && said.contains("--lr"), "{said}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut command = program("grad", folder.path());
    let full = fs::File::options().write(true).open("/dev/full")?;
    let output = command.arg("--help").stdout(full).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout"), "{output:?}");
    Ok(())
}
