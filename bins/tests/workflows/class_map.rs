//! Networks with more outputs than a data set has classes.

use std::{fs, path::Path, process::Command};

use crate::support::{easy_train, fail, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const CHECKPOINT: &str = "runs/synthetic/resnet20_baseline/0_checkpoint.safetensors";

/// Three classes of four noisy test images each, and as many to train on.
fn images(root: &Path, classes: [&str; 3]) -> Outcome {
    for (part, class) in ["train", "val"].iter().flat_map(|part| classes.map(|class| (part, class))) {
        let folder = root.join(part).join(class);
        fs::create_dir_all(&folder)?;
        for index in 0..4 {
            let seed = index * 31 + class.len() * 7 + usize::from(class.as_bytes()[class.len() - 1]);
            let pixels = (0..32 * 32 * 3).map(|at| (at * (seed + 3) / 5 + at % 7 * seed) as u8);
            let ppm: Vec<u8> = b"P6 32 32 255\n".iter().copied().chain(pixels).collect();
            fs::write(folder.join(format!("{index}.ppm")), ppm)?;
        }
    }
    Ok(())
}

fn measure(name: &str, at: &Path, flags: &[&str]) -> Command {
    let mut command = program(name, at);
    command.args(["--arch", "resnet20", "--checkpoints", CHECKPOINT]).args(flags);
    command
}

/// A network of ten classes on three of them is the network whose head is cut by hand.
#[test]
fn logits_are_restricted_to_the_classes_of_the_set() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    images(&at.join("three"), ["ant", "bee", "cat"])?;
    let data = ["--dataset", "folder", "--data", "three"];
    let said = fail(measure("evaluate", at, &data).arg("--quiet"), 1);
    assert!(said.contains("[10, 64], expected [3, 64]") && said.contains("--class-map"), "{said}");

    fs::write(at.join("map.txt"), "# of the synthetic set\nbee 7\nant 2\ncat 0\ndog 5\n")?;
    let mapped = [&data[..], &["--class-map", "map.txt", "--quiet"]].concat();
    let text = succeed(&mut measure("evaluate", at, &mapped));
    assert!(
        text.contains("network: resnet20, 3 classes; logits restricted to 3 of 10 outputs, by map.txt"),
        "{text}"
    );
    let json = |flags: &[&str]| -> Outcome<Value> {
        let flags = [flags, &["--format", "json", "--eps", "0.5", "--freq", "low", "--r", "6"]].concat();
        Ok(serde_json::from_str(&succeed(&mut measure("evaluate", at, &flags)))?)
    };
    let found = json(&mapped)?;
    let network = &found["checkpoints"][0]["network"];
    assert_eq!(network["classes"], 3);
    assert_eq!(
        network["restricted"],
        serde_json::json!({ "of": 10, "outputs": [2, 7, 0], "from": "by map.txt" })
    );
    let losses = |found: &Value| -> Vec<f64> {
        let parts = found["checkpoints"][0]["components"].as_array();
        parts.into_iter().flatten().filter_map(|part| part["loss"].as_f64()).collect()
    };
    // The same network whose head is cut by hand.
    cut_head(&at.join(CHECKPOINT), &at.join("cut.safetensors"), &[2, 7, 0])?;
    let by_hand = |name: &str, flags: &[&str]| {
        let mut command = program(name, at);
        command.args(["--arch", "resnet20", "--checkpoints", "cut.safetensors", "--quiet"]).args(flags);
        succeed(&mut command)
    };
    let more = ["--format", "json", "--eps", "0.5", "--freq", "low", "--r", "6"];
    let expected: Value = serde_json::from_str(&by_hand("evaluate", &[&data[..], &more].concat()))?;
    assert!(losses(&found).len() >= 3, "{found}");
    assert_eq!(losses(&found), losses(&expected));
    assert!(expected["checkpoints"][0]["network"]["restricted"].is_null());

    // The spectrum is that of the cut network too.
    let spectrum = |task: &str| -> Outcome<Value> {
        let path = at.join("runs/folder").join(task).join("grad/gradient_spectrum.json");
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    };
    let text = succeed(measure("grad", at, &mapped).args(["--task", "whole"]));
    assert!(text.contains("logits restricted to 3 of 10 outputs"), "{text}");
    by_hand("grad", &[&data[..], &["--task", "cut"]].concat());
    let (whole, cut) = (spectrum("whole")?, spectrum("cut")?);
    assert_eq!(whole["network"]["restricted"]["of"], 10);
    for key in ["mean", "std", "nat_prec1", "skipped"] {
        assert!(whole[key].is_array() && whole[key] == cut[key], "{key}: {whole}");
    }

    let text = succeed(program("inspect", at).args(&mapped));
    assert!(text.contains("bee  (output 7)"), "{text}");
    Ok(())
}

/// Another file of some of the last layer's rows.
fn cut_head(from: &Path, to: &Path, rows: &[usize]) -> Outcome {
    let mut stored = training::Checkpoint::load(from)?;
    for name in ["linear.weight", "linear.bias"] {
        let whole = stored.tensors.get_mut(name).ok_or("a head")?;
        let rows = rows.iter().map(|&row| whole.narrow(0, row, 1)).collect::<Result<Vec<_>, _>>()?;
        *whole = candle_core::Tensor::cat(&rows, 0)?;
    }
    stored.save(to)?;
    Ok(())
}

/// Folders of ImageNet's names know their outputs; a network that is trained on them has as many as there are folders.
#[test]
fn a_part_of_imagenet_is_trained_on_as_it_is() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    images(&at.join("part"), ["n01440764", "n01484850", "n02085620"])?;
    let data = ["--dataset", "imagenet", "--data", "part", "--image-size", "32"];
    let output = easy_train(at, &data).args(["--epochs", "1"]).output()?;
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && notes.contains("3 of ImageNet's 1000 classes are there"), "{notes}");
    let text = succeed(program("evaluate", at).args(["--arch", "resnet20"]).args(data));
    assert!(text.contains("network: resnet20, 3 classes\n"), "{text}");
    let text = succeed(program("inspect", at).args(data));
    assert!(text.contains("n02085620  (output 151)"), "{text}");
    // A network of ten classes has no output 151.
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let output = measure("evaluate", at, &data).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2)
            && said.contains(
                "`n02085620` is output 151, by the WordNet numbers of its classes, but the head has 10"
            ),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_class_map_that_does_not_fit_leaves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    images(&at.join("three"), ["ant", "bee", "cat"])?;
    let flags = ["--dataset", "folder", "--data", "three", "--class-map", "map.txt", "--quiet"];
    for (content, words) in [
        ("ant 1\nbee 2\n", "no line for the class `cat`"),
        ("ant 1\nbee 2\ncat 10\n", "`cat` is output 10, by map.txt, but the head has 10"),
        ("ant 1\nbee x\n", "found `bee x` in line 2"),
    ] {
        fs::write(at.join("map.txt"), content)?;
        let said = fail(&mut measure("evaluate", at, &flags), 2);
        assert!(said.contains(words) && said.contains("--class-map"), "{said}");
        assert!(!at.join("runs/folder").exists(), "what is refused leaves nothing behind");
    }
    fs::remove_file(at.join("map.txt"))?;
    let said = fail(&mut measure("evaluate", at, &flags), 2);
    assert!(said.contains("map.txt: found no such file"), "{said}");

    // Two classes of the set are one output.
    fs::write(at.join("map.txt"), "ant 1\nbee 2\ncat 1\n")?;
    let output = measure("evaluate", at, &flags[..6]).output()?;
    let (text, notes) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && notes.contains("3 classes have 2 outputs"), "{notes}");
    assert!(
        text.contains("2 classes; logits restricted to 2 of 10 outputs") && text.contains("ant + cat"),
        "{text}"
    );
    Ok(())
}
