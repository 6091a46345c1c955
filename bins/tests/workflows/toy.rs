//! CDES through the built programs: kernels are fitted, images written, and a network trained on them.

use std::{fs, path::Path, process::Command};

use crate::support::{easy_train, fail, grad, interrupt, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Few images and few epochs.
const SMALL: [&str; 4] = ["--limit-train", "300", "--limit-test", "60"];

fn toy(name: &str, folder: &Path, flags: &[&str]) -> Command {
    let mut command = program(name, folder);
    command.args(SMALL).args(flags);
    command
}

fn json(path: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The command lines of the published README, then a classifier and its gradients on what they wrote.
#[test]
fn kernels_images_classifier_and_gradients() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let published = ["--number", "16", "--kernel_size", "7", "--cuda_index", "0", "--exp_name", "SCR"];
    let stdout = succeed(toy("train_toy_models", at, &published).args([
        "--epochs",
        "6",
        "--batch-size",
        "2",
        "--step_lr",
        "6",
    ]));
    assert!(stdout.contains("class0") && stdout.contains("class9"), "{stdout}");
    let kernels = at.join("runs/SCR/class3");
    let log = fs::read_to_string(kernels.join("log.jsonl"))?;
    let losses: Vec<Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(losses.len(), 6);
    assert!(losses[5]["loss"].as_f64() < losses[0]["loss"].as_f64(), "{log}");
    for name in ["Epoch5.safetensors", "latest.safetensors", "Img/Sp-epoch4.png", "Img/Img-epoch5.png"] {
        assert!(fs::metadata(kernels.join(name))?.len() > 500, "{name}");
    }

    let stdout = succeed(&mut toy("generate_toy_dataset", at, &published));
    assert!(stdout.contains("second peak"), "{stdout}");
    let set = at.join("runs/SCR-Toy-Dataset");
    let density = json(&set.join("train/density.json"))?;
    assert_eq!(density["radii"], Value::from((1..=20).collect::<Vec<_>>()));
    let means: Vec<Vec<f64>> = ["before", "after"]
        .map(|when| serde_json::from_value(density[when]["mean"].clone()))
        .into_iter()
        .collect::<Result<_, _>>()?;
    assert!(means[1][16] > means[0][16] + 0.05, "high frequencies are raised: {means:?}");
    assert!(set.join("test/class3.png").exists() && set.join("train/density.svg").exists());
    // Labels and their order are those of the images.
    let data = datasets::synthetic::Synthetic { seed: 0, train: 300, test: 60 }.generate();
    let written = datasets::generated::load(&set, datasets::Limits::default())?;
    assert_eq!((written.train.labels(), written.test.labels()), (data.train.labels(), data.test.labels()));
    assert_eq!(written.train.classes(), data.train.classes());

    let on = ["--dataset", "generated", "--data", "runs/SCR-Toy-Dataset", "--epochs", "1"];
    succeed(&mut easy_train(at, &on));
    succeed(&mut grad(at, &on[..4]));
    let spectrum = "runs/generated/resnet20_SCR-Toy-Dataset/grad/gradient_spectrum.json";
    assert_eq!(json(&at.join(spectrum))?["dataset"], "SCR-Toy-Dataset");
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_kernels_and_images() -> Outcome {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    for (folder, threads) in folders.iter().zip(["1", "2"]) {
        let flags = ["--exp_name", "wcr", "--epochs", "2", "--threads", threads];
        succeed(&mut toy("train_toy_models", folder.path(), &flags));
        succeed(&mut toy(
            "generate_toy_dataset",
            folder.path(),
            &["--exp_name", "WCR", "--threads", threads],
        ));
    }
    for name in ["WCR/all_class/Epoch1.safetensors", "WCR-Toy-Dataset/test/images.npy"] {
        let [one, two] = folders.each_ref().map(|folder| fs::read(folder.path().join("runs").join(name)));
        assert!(one? == two?, "{name}");
    }
    Ok(())
}

/// Ctrl-C in the middle of a fit, then `--resume`.
#[cfg(unix)]
#[test]
fn an_interrupted_fit_goes_on_bit_for_bit() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = ["--exp_name", "WCR", "--epochs", "12", "--batch-size", "10"];
    succeed(&mut toy("train_toy_models", whole.path(), &flags));
    let kernels = "runs/WCR/all_class";
    let mut child =
        toy("train_toy_models", parts.path(), &flags).stderr(std::process::Stdio::null()).spawn()?;
    interrupt(&child, || parts.path().join(kernels).join("Epoch2.safetensors").exists())?;
    assert_eq!(child.wait()?.code(), Some(1), "work is left");
    succeed(toy("train_toy_models", parts.path(), &flags).arg("--resume"));
    for name in ["Epoch11.safetensors", "log.jsonl"] {
        let [one, two] = [&whole, &parts].map(|folder| fs::read(folder.path().join(kernels).join(name)));
        assert!(one? == two?, "{name}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_fitted_is_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--kernel_size", "6"], &["--kernel-size", "6", "odd"]),
        (&["--number", "0"], &["--number", "0"]),
        (&["--exp_name", "XYZ"], &["--exp-name", "XYZ", "SCR", "WCR"]),
        (&["--limit-train", "2", "--limit-test", "1"], &["has no images", "WCR"]),
        (&["--resume"], &["runs/SCR", "--resume"]),
    ];
    for (flags, words) in cases {
        let said = fail(&mut toy("train_toy_models", at, flags), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    let said = fail(&mut toy("generate_toy_dataset", at, &["--exp_name", "WCR"]), 2);
    assert!(said.contains("runs/WCR/all_class") && said.contains("train_toy_models"), "{said}");
    assert_eq!(fs::read_dir(at)?.count(), 0, "what is refused leaves nothing behind");

    let flags = ["--exp_name", "WCR", "--epochs", "1", "--number", "2", "--kernel_size", "3"];
    succeed(&mut toy("train_toy_models", at, &flags));
    let said = fail(&mut toy("train_toy_models", at, &flags), 2);
    assert!(said.contains("--resume") && said.contains("--overwrite"), "{said}");
    let said = fail(&mut toy("generate_toy_dataset", at, &["--exp_name", "WCR", "--kernel_size", "7"]), 2);
    assert!(said.contains("--kernel-size 3") && said.contains("Epoch0.safetensors"), "{said}");
    // What cannot be fitted removes nothing; images or kernels of another set are not mixed in.
    let huge = ["--exp_name", "WCR", "--overwrite", "--kernel_size", "4000000001"];
    let said = fail(&mut toy("train_toy_models", at, &huge), 2);
    assert!(
        said.contains("--kernel-size") && at.join("runs/WCR/all_class/Epoch0.safetensors").exists(),
        "{said}"
    );
    let more = ["--exp_name", "WCR", "--epochs", "2", "--number", "2", "--kernel_size", "3", "--resume"];
    let said = fail(toy("train_toy_models", at, &more).args(["--limit-test", "59"]), 2);
    assert!(said.contains("the images or their labels are not those"), "{said}");
    fs::remove_file(at.join("runs/WCR/all_class/latest.state.safetensors"))?;
    for flags in [&more[..], &more[..8]] {
        let said = fail(&mut toy("train_toy_models", at, flags), 2);
        assert!(said.contains("latest.state.safetensors") && said.contains("--overwrite"), "{said}");
    }
    fs::write(at.join("runs/WCR/all_class/Epoch0.safetensors"), b"damaged")?;
    let said = fail(&mut toy("generate_toy_dataset", at, &["--exp_name", "WCR"]), 1);
    assert!(said.contains("Epoch0.safetensors"), "{said}");
    assert!(!at.join("runs/WCR-Toy-Dataset").exists(), "nothing is written without kernels");
    Ok(())
}
