//! Adversarial training through the built programs.

use std::{fs, path::Path};

use serde_json::Value;
use tests::{easy_train, fail, succeed};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const ATTACK: [&str; 8] =
    ["--adv-train", "1", "--constraint", "inf", "--eps", "8/255", "--attack-steps", "2"];

fn file(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    fs::read(folder.join("runs/synthetic/resnet20_baseline").join(name))
}

#[test]
fn attacked_images_are_the_same_for_any_threads_and_after_a_resume() -> Outcome {
    let (whole, parts, plain) = (tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let run = |folder: &Path, flags: &[&str]| {
        succeed(easy_train(folder, flags).args(ATTACK).args(["--random-start", "1"]));
    };
    run(whole.path(), &["--epochs", "2", "--threads", "1"]);
    run(parts.path(), &["--epochs", "1", "--threads", "2"]);
    run(parts.path(), &["--epochs", "2", "--threads", "2", "--resume"]);
    for epoch in ["0_checkpoint.safetensors", "1_checkpoint.safetensors"] {
        assert!(file(whole.path(), epoch)? == file(parts.path(), epoch)?, "{epoch}");
    }
    succeed(&mut easy_train(plain.path(), &["--epochs", "1"]));
    let first = "0_checkpoint.safetensors";
    assert!(file(whole.path(), first)? != file(plain.path(), first)?, "attacked images are others");
    Ok(())
}

#[test]
fn an_attack_raises_the_loss_and_leaves_the_network_as_it_is() -> Outcome {
    let (attacked, plain) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = ["--epochs", "2", "--adv-eval", "1", "--constraint", "2", "--eps", "0.5"];
    succeed(&mut easy_train(attacked.path(), &flags));
    succeed(&mut easy_train(plain.path(), &["--epochs", "2"]));
    let last = "1_checkpoint.safetensors";
    assert!(file(attacked.path(), last)? == file(plain.path(), last)?, "tests change nothing");
    let metrics = String::from_utf8(file(attacked.path(), "metrics.jsonl")?)?;
    for line in metrics.lines() {
        let line: Value = serde_json::from_str(line)?;
        let number = |key: &str| line[key].as_f64().ok_or(key.to_owned());
        assert!(number("adv_loss")? > number("nat_loss")?, "{line}");
        assert!(number("adv_prec1")? <= number("nat_prec1")?, "{line}");
    }
    assert!(!String::from_utf8(file(plain.path(), "metrics.jsonl")?)?.contains("adv_"));
    Ok(())
}

#[test]
fn what_an_adversary_may_do_is_said_and_stays() -> Outcome {
    let folder = tempfile::tempdir()?;
    let refused = fail(&mut easy_train(folder.path(), &["--adv-train", "1"]), 2);
    assert!(refused.contains("--eps 8/255"), "{refused}");
    assert!(!folder.path().join("runs").exists());
    succeed(easy_train(folder.path(), &["--epochs", "1"]).args(ATTACK));
    let refused = fail(&mut easy_train(folder.path(), &["--epochs", "2", "--resume"]), 2);
    assert!(refused.contains("adversarial images") && refused.contains("the images themselves"), "{refused}");
    Ok(())
}
