//! Training recipes through the built programs: the same bits however a run is cut up, and what is refused.

use std::{fs, path::Path};

use crate::support::{easy_train, fail, grad, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RUN: &str = "runs/synthetic/resnet20_baseline";

/// Everything at once, with a schedule that runs of any length have in common.
const ALL: [&str; 7] = ["--recipe", "vit", "--schedule", "constant", "--random-erasing", "0.5", "--workers"];

fn file(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    fs::read(folder.join(RUN).join(name))
}

fn checkpoint(folder: &Path, epoch: usize) -> std::io::Result<Vec<u8>> {
    file(folder, &format!("{epoch}_checkpoint.safetensors"))
}

/// The metrics of a run without what depends on the clock.
fn metrics(folder: &Path) -> Outcome<Vec<Value>> {
    let line = |line: &str| -> Outcome<Value> {
        let mut line: Value = serde_json::from_str(line)?;
        ["seconds", "images_per_second"].iter().for_each(|key| drop(line[key].take()));
        Ok(line)
    };
    String::from_utf8(file(folder, "metrics.jsonl")?)?.lines().map(line).collect()
}

#[test]
fn two_epochs_and_two_more_equal_four_with_everything_on() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    succeed(easy_train(whole.path(), &ALL).args(["1", "--epochs", "4", "--threads", "1"]));
    succeed(easy_train(parts.path(), &ALL).args(["2", "--epochs", "2", "--threads", "2"]));
    succeed(easy_train(parts.path(), &ALL).args(["2", "--epochs", "4", "--threads", "2", "--resume"]));
    for epoch in 0..4 {
        assert!(checkpoint(whole.path(), epoch)? == checkpoint(parts.path(), epoch)?, "epoch {epoch}");
    }
    let found = metrics(whole.path())?;
    assert_eq!(found, metrics(parts.path())?);
    assert!(found.iter().all(|epoch| epoch["ema_prec1"].is_f64() && epoch["ema_loss"].is_f64()), "{found:?}");
    Ok(())
}

#[test]
fn one_epoch_and_one_more_equal_two_on_candles_tensors() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = ["1", "--limit-train", "64", "--device", "cpu-plain", "--warmup-epochs", "0"];
    succeed(easy_train(whole.path(), &ALL).args(flags).args(["--epochs", "2"]));
    succeed(easy_train(parts.path(), &ALL).args(flags).args(["--epochs", "1"]));
    succeed(easy_train(parts.path(), &ALL).args(flags).args(["--epochs", "2", "--resume"]));
    for epoch in 0..2 {
        assert!(checkpoint(whole.path(), epoch)? == checkpoint(parts.path(), epoch)?, "epoch {epoch}");
    }
    Ok(())
}

/// The average is in every checkpoint, and is what `--weights ema` measures.
#[test]
fn the_averaged_network_is_measured_by_its_name() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(
        folder.path(),
        &["--epochs", "2", "--ema", "0.9", "--optimizer", "adamw", "--lr", "0.01"],
    ));
    let trained = metrics(folder.path())?;
    let measure = |flags: &[&str]| -> Outcome<Vec<f64>> {
        succeed(&mut grad(folder.path(), flags));
        let table: Value = serde_json::from_slice(&file(folder.path(), "grad/gradient_spectrum.json")?)?;
        Ok(serde_json::from_value(table["nat_prec1"].clone())?)
    };
    let (own, averaged) = (measure(&[])?, measure(&["--weights", "ema"])?);
    for (epoch, line) in trained.iter().enumerate() {
        assert_eq!(Some(own[epoch]), line["nat_prec1"].as_f64(), "epoch {epoch}");
        assert_eq!(Some(averaged[epoch]), line["ema_prec1"].as_f64(), "epoch {epoch}, averaged");
    }
    Ok(())
}

#[test]
fn a_recipe_says_what_it_sets_and_flags_beat_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let flags = ["--recipe", "fast", "--epochs", "2", "--weight-decay", "0.001"];
    let output = easy_train(folder.path(), &flags).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for words in [
        "--recipe fast",
        "--schedule one-cycle",
        "--label-smoothing 0.1",
        "--no-decay norms,biases",
        "--epochs 30",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let config: Value = serde_json::from_slice(&file(folder.path(), "config.json")?)?;
    let settings = &config["settings"];
    for (key, expected) in [
        ("recipe", "fast".into()),
        ("optimizer", "sgd".into()),
        ("schedule", "one-cycle".into()),
        ("no_decay", "norms,biases".into()),
        ("lr", 0.4.into()),
        ("weight_decay", 0.001.into()),
        ("label_smoothing", 0.1.into()),
        ("batch_size", 32.into()),
        ("epochs", 2.into()),
        ("ema", Value::from(0.0)),
    ] {
        assert_eq!(settings[key], expected, "{key}");
    }
    // The configuration is one that repeats the run.
    let again = tempfile::tempdir()?;
    fs::copy(folder.path().join(RUN).join("config.json"), again.path().join("config.json"))?;
    succeed(&mut easy_train(again.path(), &["--config", "config.json"]));
    assert!(checkpoint(folder.path(), 1)? == checkpoint(again.path(), 1)?);
    let said = fail(&mut easy_train(folder.path(), &["--resume", "--epochs", "2"]), 2);
    assert!(said.contains("recipe fast") && said.contains("--recipe fast"), "{said}");
    let said =
        fail(easy_train(folder.path(), &flags).args(["--resume", "--quiet", "--label-smoothing", "0.2"]), 2);
    assert!(said.contains("label smoothing 0.1") && said.contains("--label-smoothing 0.1"), "{said}");
    Ok(())
}

#[test]
fn settings_out_of_range_are_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let cases: [(&[&str], &[&str]); 18] = [
        (&["--recipe", "slow"], &["--recipe", "slow", "paper, fast or vit"]),
        (&["--optimizer", "adam"], &["--optimizer", "adam", "adamw"]),
        (&["--betas", "0.9"], &["--betas", "0.9,0.999"]),
        (&["--betas", "0.9,1"], &["--betas", "below 1"]),
        (&["--adam-epsilon", "0"], &["--adam-epsilon", "above 0"]),
        (&["--no-decay", "bn"], &["--no-decay", "`bn`", "embeddings"]),
        (&["--schedule", "one-cycle:2"], &["--schedule", "one-cycle:RISING"]),
        (&["--warmup-epochs", "3", "--epochs", "3"], &["warm-up of 3", "run of 3", "--warmup-epochs"]),
        (&["--warmup-epochs", "1", "--schedule", "cyclic"], &["`cyclic`", "--warmup-epochs"]),
        (&["--clip-norm", "-1"], &["--clip-norm", "0 or more"]),
        (&["--ema", "1"], &["--ema", "below 1"]),
        (&["--label-smoothing", "1"], &["--label-smoothing", "below 1"]),
        (&["--mixup", "x"], &["--mixup", "0 or more"]),
        (&["--rand-augment", "2:31"], &["--rand-augment", "0 to 30", "2:9"]),
        (&["--random-erasing", "1.5"], &["--random-erasing", "0 to 1"]),
        (&["--drop-path", "0.1"], &["resnet20", "--drop-path"]),
        (&["--drop-path", "1"], &["--drop-path", "below 1"]),
        (
            &["--adv-train", "1", "--constraint", "inf", "--eps", "8/255", "--cutmix", "1"],
            &["CutMix 1", "--cutmix 0", "--adv-train"],
        ),
    ];
    for (flags, words) in cases {
        let said = fail(&mut easy_train(folder.path(), flags), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0, "what is refused leaves nothing behind");
    Ok(())
}
