//! The gradient spectrum that is recorded while a network is trained.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{easy_train, fail, grad, interrupt, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const NAMES: [&str; 5] = [
    "gradient_spectrum.json",
    "gradient_spectrum.npz",
    "gradient_spectrum.svg",
    "gradient_spectrum.png",
    "density.svg",
];

fn run_folder(folder: &Path) -> PathBuf {
    folder.join("runs/synthetic/resnet20_baseline")
}

fn results(folder: &Path, of: &str) -> Outcome<Vec<Vec<u8>>> {
    NAMES.iter().map(|name| Ok(fs::read(run_folder(folder).join(of).join(name))?)).collect()
}

fn epochs(folder: &Path) -> Outcome<Vec<u64>> {
    let path = run_folder(folder).join("spectrum/gradient_spectrum.json");
    let spectrum: Value = serde_json::from_slice(&fs::read(path)?)?;
    Ok(serde_json::from_value(spectrum["epochs"].clone())?)
}

fn checkpoints(folder: &Path) -> Vec<usize> {
    let path = |epoch: &usize| run_folder(folder).join(format!("{epoch}_checkpoint.safetensors"));
    (0..10).filter(|epoch| path(epoch).exists()).collect()
}

#[test]
fn what_is_recorded_is_what_grad_measures() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "3", "--spectrum-every", "1"]));
    succeed(&mut grad(folder.path(), &[]));
    assert!(results(folder.path(), "spectrum")? == results(folder.path(), "grad")?, "byte for byte");
    succeed(&mut easy_train(folder.path(), &["--epochs", "1", "--overwrite"]));
    assert!(
        results(folder.path(), "spectrum").is_err(),
        "a run that replaces another has no spectrum of its"
    );
    Ok(())
}

#[test]
fn few_checkpoints_stay_and_every_row_is_there() -> Outcome {
    let folder = tempfile::tempdir()?;
    let flags =
        ["--epochs", "6", "--spectrum-every", "2", "--spectrum-images", "16", "--checkpoint-every", "4"];
    succeed(&mut easy_train(folder.path(), &flags));
    assert_eq!(epochs(folder.path())?, [0, 2, 4, 5], "every second one and the last");
    assert_eq!(checkpoints(folder.path()), [0, 4, 5]);
    let links = ["latest", "best"]
        .map(|name| run_folder(folder.path()).join(format!("checkpoint.{name}.safetensors")));
    assert!(links.iter().all(|path| path.exists()));
    // It goes on as it began, without the flags.
    succeed(&mut easy_train(folder.path(), &["--epochs", "8", "--resume"]));
    assert_eq!(epochs(folder.path())?, [0, 2, 4, 5, 6, 7]);
    assert_eq!(checkpoints(folder.path()), [0, 4, 7]);
    let refused =
        fail(&mut easy_train(folder.path(), &["--epochs", "9", "--resume", "--spectrum-images", "8"]), 2);
    assert!(refused.contains("--spectrum-images 16"), "{refused}");
    Ok(())
}

/// Ctrl-C at whatever it is doing, then `--resume`.
#[cfg(unix)]
#[test]
fn an_interrupted_run_has_the_same_spectrum() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags =
        ["--epochs", "4", "--limit-train", "320", "--spectrum-every", "1", "--checkpoint-every", "10"];
    succeed(&mut easy_train(whole.path(), &flags));
    let mut child = easy_train(parts.path(), &flags).spawn()?;
    let first = run_folder(parts.path()).join("metrics.jsonl");
    interrupt(&child, || first.exists())?;
    assert_eq!(child.wait()?.code(), Some(1), "work is left");
    succeed(easy_train(parts.path(), &flags).arg("--resume"));
    assert!(results(whole.path(), "spectrum")? == results(parts.path(), "spectrum")?, "byte for byte");
    Ok(())
}
