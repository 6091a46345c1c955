//! Adversarial training and evaluation through the built programs.

use std::{fs, path::Path};

use crate::support::{SMALL, easy_train, fail, program, succeed};
use serde_json::Value;

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
fn evaluate_attacks_as_training_does_on_any_threads() -> Outcome {
    let folder = tempfile::tempdir()?;
    let attack = ["--constraint", "inf", "--eps", "4/255", "--attack-steps", "3", "--random-start", "1"];
    succeed(easy_train(folder.path(), &["--epochs", "2", "--adv-eval", "1"]).args(attack));
    let evaluate = |more: &[&str]| -> Outcome<(String, Value)> {
        let mut command = program("evaluate", folder.path());
        let stdout = succeed(command.args(SMALL).args(["--r", "6", "--freq", "low"]).args(more));
        Ok((stdout, serde_json::from_slice(&file(folder.path(), "evaluate/evaluation.json")?)?))
    };
    let (stdout, one) = evaluate(&[&attack[..], &["--threads", "1"]].concat())?;
    let (_, two) = evaluate(&[&attack[..], &["--threads", "2"]].concat())?;
    assert_eq!(one, two, "on one thread and on two");
    assert!(stdout.contains("adversarial  ") && stdout.contains("--constraint inf --eps 4/255"), "{stdout}");
    let how = &one["attack"];
    assert_eq!(
        (&how["constraint"], &how["steps"], &how["random_start"]),
        (&"inf".into(), &3.into(), &true.into())
    );

    let parts = one["checkpoints"][0]["components"].as_array().ok_or("components")?.clone();
    let names: Vec<_> = parts.iter().map(|part| part["component"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["original", "adversarial", "rescaled", "low"]);
    let metrics = String::from_utf8(file(folder.path(), "metrics.jsonl")?)?;
    let trained: Value = serde_json::from_str(metrics.lines().last().ok_or("an epoch")?)?;
    for (part, prefix) in [(&parts[0], "nat"), (&parts[1], "adv")] {
        assert_eq!(part["prec1"], trained[format!("{prefix}_prec1")], "{prefix}");
        let number = |value: &Value| value.as_f64().ok_or("a number");
        let apart = number(&part["loss"])? - number(&trained[format!("{prefix}_loss")])?;
        assert!(apart.abs() < 1e-5, "{prefix}: {apart}");
    }
    assert!(parts[1]["loss"].as_f64() > parts[0]["loss"].as_f64());

    let (stdout, plain) = evaluate(&[])?;
    assert!(plain["attack"].is_null() && !stdout.contains("adversarial"), "{stdout}");
    let rest = plain["checkpoints"][0]["components"].as_array().ok_or("components")?;
    assert_eq!(rest[..], [&parts[..1], &parts[2..]].concat(), "others are what they are without an attack");
    Ok(())
}

#[test]
fn attacks_without_sense_or_effect_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--adv-eval", "1", "--constraint", "inf", "--eps", "8"], &["--eps 8:", "--eps 8/255"]),
        (&["--adv-train", "1", "--eps", "128"], &["within 128", "--eps", "55.4", "128/255"]),
        (&["--eps", "0.5"], &["--eps 0.5", "--adv-train 1"]),
        (&["--attack-steps", "3"], &["--eps"]),
        (&["--adv-train", "1", "--attack-lr", "0.1"], &["--eps"]),
        (&["--constraint", "inf"], &["--eps"]),
        (&["--random-start"], &["--eps"]),
        (&["--adv-eval", "1", "--eps", "1/0"], &["--eps", "8/255"]),
    ];
    for (flags, words) in cases {
        let said = fail(&mut easy_train(at, flags), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    assert!(!at.join("runs").exists(), "what is refused leaves nothing behind");

    succeed(&mut easy_train(at, &["--epochs", "1"]));
    for (flags, words) in [
        (&["--constraint", "inf", "--eps", "8"][..], "--eps 8/255"),
        (&["--constraint", "2", "--eps", "56"], "55.4"),
        (&["--attack-steps", "3"], "--eps"),
    ] {
        let said = fail(program("evaluate", at).args(SMALL).args(flags), 2);
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    assert!(file(at, "evaluate/evaluation.json").is_err(), "what is refused leaves nothing behind");
    // The configuration of a run without an adversary asks for none.
    let config = "runs/synthetic/resnet20_baseline/config.json";
    succeed(&mut easy_train(at, &["--epochs", "1", "--task", "again", "--config", config]));
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
