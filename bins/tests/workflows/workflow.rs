//! Whole workflows through the built programs: from images to checkpoints, from checkpoints to the heat map.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{easy_train, fail, grad, interrupt, shared, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn run_folder(folder: &Path) -> PathBuf {
    folder.join("runs/synthetic/resnet20_baseline")
}

fn checkpoint(folder: &Path, epoch: usize) -> std::io::Result<Vec<u8>> {
    fs::read(run_folder(folder).join(format!("{epoch}_checkpoint.safetensors")))
}

fn json(path: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The metrics of a run without what depends on the clock.
fn metrics(folder: &Path) -> Outcome<Vec<Value>> {
    let text = fs::read_to_string(run_folder(folder).join("metrics.jsonl"))?;
    let line = |line: &str| -> Outcome<Value> {
        let mut line: Value = serde_json::from_str(line)?;
        let clock = ["seconds", "images_per_second"];
        clock.iter().for_each(|key| assert!(line[key].take().as_f64().is_some_and(|value| value > 0.0)));
        Ok(line)
    };
    text.lines().map(line).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() -> Outcome {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
    for (folder, flags) in folders.iter().zip([
        ["--threads", "1", "--seed", "7"],
        ["--threads", "2", "--seed", "7"],
        ["--threads", "2", "--seed", "8"],
    ]) {
        succeed(easy_train(folder.path(), &flags).args(["--epochs", "2", "--workers", "2"]));
    }
    let [one, two, other] = &folders;
    for epoch in 0..2 {
        assert_eq!(checkpoint(one.path(), epoch)?, checkpoint(two.path(), epoch)?);
        assert_ne!(checkpoint(one.path(), epoch)?, checkpoint(other.path(), epoch)?);
    }
    assert_eq!(metrics(one.path())?, metrics(two.path())?);
    Ok(())
}

#[test]
fn two_epochs_and_two_more_equal_four() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    succeed(&mut easy_train(whole.path(), &["--epochs", "4"]));
    succeed(&mut easy_train(parts.path(), &["--epochs", "2"]));
    succeed(&mut easy_train(parts.path(), &["--epochs", "4", "--resume"]));
    for epoch in 0..4 {
        assert_eq!(checkpoint(whole.path(), epoch)?, checkpoint(parts.path(), epoch)?, "epoch {epoch}");
    }
    assert_eq!(metrics(whole.path())?, metrics(parts.path())?);
    Ok(())
}

/// Ctrl-C in the middle of an epoch, then `--resume`.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_bit_for_bit() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = ["--epochs", "3", "--limit-train", "960"];
    succeed(&mut easy_train(whole.path(), &flags));
    let mut child = easy_train(parts.path(), &flags).stderr(std::process::Stdio::piped()).spawn()?;
    interrupt(&child, || checkpoint(parts.path(), 0).is_ok())?;
    let stopped = child.wait()?.code();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().ok_or("stderr")?, &mut stderr)?;
    assert_eq!(stopped, Some(1), "work is left: {stderr}");
    assert!(stderr.contains("--resume"), "the message says how to go on: {stderr}");
    assert!(checkpoint(parts.path(), 2).is_err(), "stopped before the end");
    succeed(easy_train(parts.path(), &flags).arg("--resume"));
    for epoch in 0..3 {
        assert_eq!(checkpoint(whole.path(), epoch)?, checkpoint(parts.path(), epoch)?, "epoch {epoch}");
    }
    assert_eq!(metrics(whole.path())?, metrics(parts.path())?);
    Ok(())
}

/// Files of one name in several folders are numbered in the order of their folders.
#[test]
fn checkpoints_of_one_name_are_told_apart_by_their_folders() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1"]));
    let trained = std::fs::read(run_folder(folder.path()).join("0_checkpoint.safetensors"))?;
    for name in ["s2", "s10"] {
        std::fs::create_dir(folder.path().join(name))?;
        std::fs::write(folder.path().join(name).join("0_checkpoint.safetensors"), &trained)?;
    }
    let output = grad(folder.path(), &["--checkpoints", "s*/*.safetensors"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("numbered 0, 1"), "{said}");
    let table = folder.path().join("runs/synthetic/resnet20_checkpoints/grad/gradient_spectrum.json");
    assert_eq!(json(&table)?["epochs"], serde_json::json!([0, 1]));
    Ok(())
}

#[test]
fn grad_alone_trains_measures_and_draws() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stdout = succeed(&mut grad(folder.path(), &["--epochs", "2"]));
    let results = run_folder(folder.path()).join("grad");
    for name in [
        "gradient_spectrum.json",
        "gradient_spectrum.npz",
        "gradient_spectrum.png",
        "gradient_spectrum.svg",
        "density.png",
        "density.svg",
        "shares.png",
        "shares.svg",
    ] {
        let path = results.join(name);
        assert!(fs::metadata(&path)?.len() > 500, "{name}");
        assert!(stdout.contains(&format!("grad/{name}")), "{name} is named: {stdout}");
    }
    let spectrum = json(&results.join("gradient_spectrum.json"))?;
    assert_eq!(spectrum["dataset"], "synthetic");
    assert_eq!(spectrum["arch"], "resnet20");
    assert_eq!(spectrum["n_images"], 32);
    assert_eq!(spectrum["radii"], Value::from((1..=20).collect::<Vec<_>>()));
    assert_eq!(spectrum["epochs"], Value::from(vec![0, 1]));
    for rows in ["mean", "std"] {
        let values: Vec<Vec<f64>> = serde_json::from_value(spectrum[rows].clone())?;
        assert!(values.len() == 2 && values.iter().all(|row| row.len() == 20));
        assert!(values.iter().flatten().all(|value| (0.0..=1.0).contains(value)), "{rows}: {values:?}");
    }
    let measured: Vec<f64> = serde_json::from_value(spectrum["nat_prec1"].clone())?;
    let trained: Vec<f64> = metrics(folder.path())?
        .iter()
        .map(|line| line["nat_prec1"].as_f64())
        .collect::<Option<_>>()
        .ok_or("a number")?;
    assert_eq!(measured, trained, "grad sees the accuracy that training saw");

    let events = fs::read(results.join("tensorboard/events.out.tfevents.0.freqbias"))?;
    let map = fs::read(results.join("gradient_spectrum.png"))?;
    assert!(events.windows(map.len()).any(|part| part == map), "the heat map is among the events");
    let has = |tag: &str| events.windows(tag.len()).filter(|part| *part == tag.as_bytes()).count();
    assert_eq!((has("gradient_spectrum/bands"), has("gradient_spectrum/peak")), (2, 2), "in each epoch");

    // A second time, by the run's folder: nothing is trained, the same bytes.
    let names =
        ["gradient_spectrum.json", "gradient_spectrum.svg", "tensorboard/events.out.tfevents.0.freqbias"];
    let read = || names.map(|name| fs::read(results.join(name)).expect("a result"));
    let before = read();
    succeed(&mut grad(folder.path(), &["--run", "runs/synthetic/resnet20_baseline", "--threads", "1"]));
    assert!(before == read(), "the same results again, on one thread");

    // Groups of images add to what is there and change none of it; without them their figures go.
    let said = succeed(&mut grad(folder.path(), &["--difference", "wrong", "--per-class"]));
    assert!(said.contains("wrong − correct") || said.contains("too few of one kind"), "{said}");
    let grouped = json(&results.join("gradient_spectrum.json"))?;
    for key in ["mean", "std", "nat_prec1", "interval", "shares"] {
        assert_eq!(grouped[key], spectrum[key], "{key}");
    }
    let images = |of: &Value| of.as_array().into_iter().flatten().filter_map(Value::as_u64).sum::<u64>();
    let classes = grouped["classes"].as_array().ok_or("classes")?;
    assert_eq!(classes.iter().map(|class| images(&class["images"])).sum::<u64>(), 2 * 32);
    let of_outcome = |outcome: &str| images(&grouped["difference"][outcome]["images"]);
    assert_eq!(of_outcome("correct") + of_outcome("wrong"), 2 * 32);
    assert!(results.join("classes.svg").is_file());
    succeed(&mut grad(folder.path(), &[]));
    assert!(before == read() && !results.join("classes.svg").exists());
    assert!(fail(&mut grad(folder.path(), &["--difference", "right"]), 2).contains("wrong − correct"));

    // Loose files do not write over the results of a run.
    let loose = ["--checkpoints", "runs/synthetic/resnet20_baseline/0_checkpoint.safetensors"];
    succeed(&mut grad(folder.path(), &loose));
    assert!(before == read(), "results of loose files lie elsewhere");
    Ok(())
}

/// The published checkpoint and images through the program: the mean profile of the original code.
#[test]
fn grad_reproduces_the_reference_spectrum() -> Outcome {
    let (Some(golden), Some(data)) = (shared("golden"), shared("data")) else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut command = crate::support::program("grad", folder.path());
    command.args(["--dataset", "cifar10", "--limit-test", "64", "--format", "json", "--quiet", "--data"]);
    command
        .arg(data.canonicalize()?)
        .arg("--checkpoints")
        .arg(golden.canonicalize()?.join("resnet18_robustness.pt"));
    let stdout = succeed(&mut command);
    let summary: Value = serde_json::from_str(&stdout)?;
    assert_eq!(summary["n_images"], 64);
    let spectrum =
        json(&folder.path().join("runs/cifar10/resnet18_checkpoints/grad/gradient_spectrum.json"))?;
    for (rows, array) in [("mean", "power_mean"), ("std", "power_std")] {
        let found: Vec<Vec<f64>> = serde_json::from_value(spectrum[rows].clone())?;
        let file = npyz::NpyFile::new(fs::File::open(golden.join(format!("{array}.npy")))?)?;
        let expected: Vec<f64> = file.into_vec()?;
        assert_eq!(found[0].len(), expected.len());
        for (band, (found, expected)) in found[0].iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-4, "{rows}, band {}: {found}, {expected}", band + 1);
        }
    }
    Ok(())
}
