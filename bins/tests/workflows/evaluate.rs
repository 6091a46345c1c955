//! `evaluate` through the built program: what a run's network gets right, on images and on their frequency components.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{SMALL, easy_train, fail, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const RUN: &str = "runs/synthetic/resnet20_baseline";

fn evaluate(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program("evaluate", folder);
    command.args(SMALL).args(flags);
    command
}

fn results(folder: &Path) -> PathBuf {
    folder.join(RUN).join("evaluate")
}

fn evaluation(folder: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(results(folder).join("evaluation.json"))?)?)
}

fn components(evaluation: &Value) -> Outcome<Vec<Value>> {
    Ok(evaluation["checkpoints"][0]["components"].as_array().ok_or("components")?.clone())
}

#[test]
fn a_run_is_judged_as_its_training_judged_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "2"]));
    let stdout = succeed(&mut evaluate(at, &[]));
    assert!(stdout.contains("original") && stdout.contains("evaluate/evaluation.json"), "{stdout}");
    assert!(!results(at).join("accuracy.png").exists(), "no cut-off was asked for");
    let lines = fs::read_to_string(at.join(RUN).join("metrics.jsonl"))?;
    for (epoch, line) in lines.lines().enumerate() {
        succeed(&mut evaluate(at, &["--run", RUN, "--epoch", &epoch.to_string()]));
        let (trained, found) = (serde_json::from_str::<Value>(line)?, evaluation(at)?);
        assert_eq!(found["checkpoints"][0]["epoch"], epoch);
        let original = &components(&found)?[0];
        assert_eq!((&original["prec1"], &original["prec5"]), (&trained["nat_prec1"], &trained["nat_prec5"]));
        let apart =
            original["loss"].as_f64().ok_or("a loss")? - trained["nat_loss"].as_f64().ok_or("a loss")?;
        assert!(apart.abs() < 1e-5, "{apart}");
        check_confusion(original)?;
    }
    Ok(())
}

/// The same name means another network for larger images; flags of the training are not given again.
#[test]
fn a_run_knows_of_which_family_its_network_is() -> Outcome {
    let folder = tempfile::tempdir()?;
    let few = ["--arch", "leaky_resnet18", "--limit-train", "8", "--limit-test", "4"];
    let call = |name: &str, more: &[&str]| {
        let mut command = program(name, folder.path());
        command.args(few).args(more);
        command
    };
    succeed(&mut call("easy_train", &["--arch-family", "imagenet", "--epochs", "1"]));
    succeed(&mut call("grad", &[]));
    succeed(&mut call("evaluate", &[]));
    succeed(&mut call(
        "evaluate",
        &["--checkpoints", "runs/synthetic/leaky_resnet18_baseline/0_*.safetensors"],
    ));
    // Of loose files nothing is known.
    let file = "runs/synthetic/leaky_resnet18_baseline/0_checkpoint.safetensors";
    fs::copy(folder.path().join(file), folder.path().join("loose.safetensors"))?;
    let said = fail(&mut call("evaluate", &["--checkpoints", "loose.safetensors"]), 2);
    assert!(said.contains("--arch-family imagenet"), "{said}");
    Ok(())
}

/// Rows are classes, and their diagonal is what is right.
fn check_confusion(component: &Value) -> Outcome {
    let rows: Vec<Vec<u64>> = serde_json::from_value(component["confusion"].clone())?;
    assert!(rows.len() == 10 && rows.iter().all(|row| row.len() == 10));
    assert_eq!(rows.iter().flatten().sum::<u64>(), 32);
    let right: u64 = (0..10).map(|class| rows[class][class]).sum();
    assert_eq!(component["correct"], right);
    for (row, class) in rows.iter().zip(component["per_class"].as_array().ok_or("classes")?) {
        assert_eq!(class["images"], row.iter().sum::<u64>());
    }
    let interval: [f64; 2] = serde_json::from_value(component["prec1_interval"].clone())?;
    let prec1 = component["prec1"].as_f64().ok_or("an accuracy")?;
    assert!(interval[0] <= prec1 && prec1 <= interval[1] && interval[1] - interval[0] > 5.0);
    Ok(())
}

#[test]
fn components_add_up_and_do_not_depend_on_threads() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let flags = [
        "--r",
        "4,22,4",
        "--band",
        "0-4,4-100",
        "--rescale",
        "none",
        "--features",
        "--run",
        RUN,
        "--threads",
    ];
    let read = || -> Outcome<Vec<Vec<u8>>> {
        let names = ["evaluation.json", "accuracy.svg", "accuracy.png", "features.svg", "features.png"];
        names.iter().map(|name| Ok(fs::read(results(at).join(name))?)).collect()
    };
    let told = evaluate(at, &flags).arg("1").output()?;
    assert!(
        told.status.success() && String::from_utf8(told.stderr)?.contains("--r 4 is given more than once")
    );
    let one = read()?;
    succeed(evaluate(at, &flags).arg("2"));
    assert!(one == read()?, "the same bits on one thread and on two");

    let parts = components(&evaluation(at)?)?;
    let names: Vec<(&str, Option<u64>)> =
        parts.iter().map(|part| (part["component"].as_str().unwrap_or(""), part["r"].as_u64())).collect();
    let expected =
        [("original", None), ("low", Some(4)), ("low", Some(22)), ("high", Some(4)), ("high", Some(22))];
    assert_eq!(names[..5], expected);
    assert_eq!((names[5], names.len()), (("band", None), 8), "0-4 and 4-100, and the middle one: 4-22");
    // The ring from 0 is the low part, the ring to 100 is the high part.
    for (one, other) in [(1, 5), (3, 6)] {
        for key in ["loss", "prec1", "prec5", "confusion", "features"] {
            assert_eq!(parts[one][key], parts[other][key], "{key} of {one} and {other}");
        }
    }
    assert!(parts.iter().all(|part| part["features"]["inter_class_variance"].as_f64().is_some()));

    // Figures of an earlier evaluation do not stay beside numbers that they do not show.
    fs::write(results(at).join("notes.txt"), "mine")?;
    succeed(&mut evaluate(at, &[]));
    assert!(!results(at).join("features.png").exists() && results(at).join("notes.txt").exists());
    // A run that is replaced takes its evaluation with it.
    succeed(&mut easy_train(at, &["--epochs", "1", "--overwrite", "--seed", "3"]));
    assert!(!results(at).join("evaluation.json").exists() && results(at).join("notes.txt").exists());
    Ok(())
}

/// Every shape of mask measures something of its own, and the file says which it was.
#[test]
fn masks_have_the_shape_that_is_asked_for() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let mut losses = Vec::new();
    for (mask, far) in [("radial", "23"), ("square", "17"), ("l1", "33"), ("dct", "32")] {
        let measure =
            |freq: &str, r: &str| evaluate(at, &["--mask", mask, "--r", r, "--freq", freq, "--band", "3-6"]);
        succeed(&mut measure("low", "6"));
        let found = evaluation(at)?;
        assert_eq!(found["mask"], mask);
        let parts = components(&found)?;
        losses.extend([parts[2]["loss"].as_f64(), parts[3]["loss"].as_f64()]);
        let said = fail(&mut measure("high", far), 2);
        assert!(said.contains(&format!("high r = {far}")) && said.contains(mask), "{said}");
        assert!(said.contains(&format!("--r {far}, or --freq low")), "{said}");
        assert_eq!(evaluation(at)?, found, "what is refused leaves what was there");
    }
    losses.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    losses.dedup();
    assert_eq!(losses.len(), 8);
    let said = fail(&mut evaluate(at, &["--band", "30-40"]), 2);
    assert!(said.contains("--band 30-40") && said.contains("22"), "{said}");
    Ok(())
}

/// A low-pass filter of any radius that keeps everything changes no digit, and what min–max does by itself stands beside it.
#[test]
fn a_filter_that_keeps_everything_is_none() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let keys = ["loss", "prec1", "prec1_interval", "prec5", "per_class", "confusion"];
    let same = |one: &Value, other: &Value| keys.iter().all(|key| one[key] == other[key]);
    for mask in ["radial", "square", "l1", "dct"] {
        let measure = |rescale: &str| -> Outcome<(String, Vec<Value>)> {
            let flags = ["--freq", "low", "--r", "6,40,65535", "--mask", mask, "--rescale", rescale];
            let text = succeed(&mut evaluate(at, &flags));
            Ok((text, components(&evaluation(at)?)?))
        };
        for rescale in ["none", "clip"] {
            let (text, parts) = measure(rescale)?;
            assert!(parts.len() == 4 && !text.contains("rescaled only"), "{text}");
            assert!(same(&parts[0], &parts[2]) && same(&parts[0], &parts[3]), "{mask} {rescale}");
            assert!(!same(&parts[0], &parts[1]), "{mask} {rescale}: frequencies below 6 are not all");
        }
        let (text, parts) = measure("minmax")?;
        assert!(parts.len() == 5 && text.contains("\nrescaled only "), "{text}");
        assert_eq!((&parts[1]["component"], &parts[1]["r"]), (&Value::from("rescaled"), &Value::Null));
        assert!(same(&parts[1], &parts[3]) && same(&parts[1], &parts[4]), "{mask}: rescaled alone");
        assert!(!same(&parts[0], &parts[1]) && !same(&parts[1], &parts[2]), "{mask}: it has an effect");
    }
    let chart = fs::read_to_string(results(at).join("accuracy.svg"))?;
    assert!(chart.contains("% rescaled only"), "the figure says it");
    // Without filters there is nothing to see it beside.
    succeed(&mut evaluate(at, &[]));
    assert_eq!(components(&evaluation(at)?)?.len(), 1);
    Ok(())
}

#[test]
fn several_files_are_several_curves() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "2"]));
    let pattern = format!("{RUN}/*.safetensors");
    let flags = ["--checkpoints", &pattern, "--freq", "high", "--format", "json", "--quiet"];
    let summary: Value = serde_json::from_str(&succeed(&mut evaluate(at, &flags)))?;
    let checkpoints = summary["checkpoints"].as_array().ok_or("checkpoints")?;
    assert_eq!(checkpoints.len(), 2);
    let radii: Vec<_> = components(&summary)?.iter().filter_map(|part| part["r"].as_u64()).collect();
    assert_eq!(radii, [4, 8, 12, 16], "the default");
    assert_eq!(summary["rescale"], "minmax");
    let chart = at.join("runs/synthetic/resnet20_checkpoints/evaluate/accuracy.svg");
    let chart = fs::read_to_string(chart)?;
    assert!(chart.contains("0_checkpoint") && chart.contains("1_checkpoint"));
    assert!(!results(at).exists(), "results of loose files lie elsewhere");
    Ok(())
}

#[test]
fn what_cannot_be_evaluated_is_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let cases: [(&[&str], &[&str]); 11] = [
        (&[], &[RUN, "easy_train"]),
        (&["--run", "missing"], &["--run missing"]),
        (&["--checkpoints", "missing/*.pt"], &["missing/*.pt", "--checkpoints"]),
        (&["--r", "4,0"], &["--r: found `0`", "4,8,12,16"]),
        (&["--r", "99999999999999999999"], &["--r", "65535"]),
        (&["--freq", "middle"], &["--freq", "middle", "low, high"]),
        (&["--band", "8-4"], &["--band", "8-4", "smaller first"]),
        (&["--rescale", "stretch"], &["--rescale", "stretch", "minmax"]),
        (&["--epoch", "1", "--checkpoints", "x.pt"], &["--epoch", "--checkpoints"]),
        (&["--mask", "star"], &["--mask", "star", "square"]),
        (&["--project", "pc2"], &["--project", "pc2", "pc1"]),
    ];
    for (flags, words) in cases {
        let said = fail(&mut evaluate(at, flags), 2);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    assert_eq!(fs::read_dir(at)?.count(), 0, "what is refused leaves nothing behind");

    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let said = fail(&mut evaluate(at, &["--epoch", "7"]), 2);
    assert!(said.contains("--epoch 7") && said.contains("those of 0"), "{said}");
    let said = fail(&mut evaluate(at, &["--run", RUN, "--arch", "resnet18"]), 2);
    assert!(said.contains("--arch resnet20"), "{said}");
    let said = fail(&mut evaluate(at, &["--features", "--limit-test", "1"]), 2);
    assert!(said.contains("--features") && said.contains("--limit-test"), "{said}");
    assert!(!results(at).exists(), "what is refused leaves nothing behind");

    let mut stored = training::Checkpoint::load(&at.join(RUN).join("0_checkpoint.safetensors"))?;
    let bias = stored.tensors.get_mut("linear.bias").ok_or("a head")?;
    *bias = (bias.zeros_like()? / 0.0)?;
    stored.save(&at.join("diverged.safetensors"))?;
    let said = fail(&mut evaluate(at, &["--checkpoints", "diverged.safetensors", "--quiet"]), 1);
    assert!(said.contains("diverged.safetensors") && said.contains("logits of image 0"), "{said}");
    Ok(())
}
