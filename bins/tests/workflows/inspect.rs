//! `inspect`: what is in a checkpoint, conversions there and back, and what does not fit.

use std::{fs, path::Path};

use crate::support::{easy_train, fail, grad, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const CHECKPOINT: &str = "runs/synthetic/resnet20_baseline/0_checkpoint.safetensors";

fn inspect(folder: &Path, flags: &[&str]) -> std::process::Command {
    let mut command = program("inspect", folder);
    command.args(flags);
    command
}

fn json(folder: &Path, flags: &[&str]) -> Outcome<Value> {
    let said = succeed(inspect(folder, flags).args(["--format", "json"]));
    Ok(serde_json::from_str::<Value>(&said)?["checkpoints"][0].clone())
}

#[test]
fn a_checkpoint_goes_to_pytorch_and_back() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let said = succeed(&mut inspect(at, &[CHECKPOINT]));
    for words in ["resnet20, 10 classes", "synthetic", "conv1.weight", "[16, 3, 3, 3]", "float32", "0.4914"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let own = json(at, &[CHECKPOINT])?;
    succeed(&mut inspect(at, &[CHECKPOINT, "--convert", "plain.pt"]));
    succeed(&mut inspect(at, &[CHECKPOINT, "--convert", "robust.pth", "--style", "robustness"]));
    succeed(&mut inspect(at, &["robust.pth", "--convert", "back.safetensors", "--dataset", "synthetic"]));
    let (robust, back) = (json(at, &["robust.pth"])?, json(at, &["back.safetensors"])?);
    for key in ["architectures", "parameters", "epoch", "nat_prec1"] {
        assert_eq!(robust[key], own[key], "{key}");
        assert_eq!(back[key], own[key], "{key}");
    }
    let plain = json(at, &["plain.pt"])?;
    for (found, place) in [
        (&own, "from its metadata"),
        (&plain, "from its metadata"),
        (&robust, "from its `module.normalizer`"),
        (&back, "from its metadata"),
    ] {
        for key in ["mean", "std"] {
            assert_eq!(found["normaliser"][key], own["normaliser"][key], "{key}");
        }
        assert_eq!(found["normaliser"]["from"], place);
    }
    assert!(back["tensors"] == own["tensors"], "keys, shapes and types are the same, in one order");
    let load = |name: &str| training::Checkpoint::load(&at.join(name));
    let (ours, again) = (load(CHECKPOINT)?, load("back.safetensors")?);
    for (name, tensor) in &ours.tensors {
        let bits = |tensor: &candle_core::Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        assert_eq!(bits(tensor)?, bits(&again.tensors[name])?, "{name}");
    }
    // Written again it is the same file; nothing is written over.
    succeed(&mut inspect(at, &["back.safetensors", "--convert", "again.pt"]));
    assert_eq!(fs::read(at.join("again.pt"))?, fs::read(at.join("plain.pt"))?);
    let said = fail(&mut inspect(at, &[CHECKPOINT, "--convert", "again.pt"]), 2);
    assert!(said.contains("--convert again.pt") && said.contains("choose another"), "{said}");
    Ok(())
}

/// Names of timm, and back to torchvision's.
#[test]
fn weights_go_to_timm_and_back() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let mobilenet: models::Architecture = "mobilenet_v2".parse()?;
    let ones = |(name, shape): (String, Vec<usize>)| {
        Ok((name, candle_core::Tensor::ones(shape, candle_core::DType::F32, &candle_core::Device::Cpu)?))
    };
    let tensors = mobilenet.graph(3).shapes().into_iter().map(ones).collect::<candle_core::Result<_>>()?;
    training::Checkpoint { tensors, info: None }.save(&at.join("own.safetensors"))?;
    succeed(&mut inspect(at, &["own.safetensors", "--convert", "timm.safetensors", "--style", "timm"]));
    let said = succeed(&mut inspect(at, &["timm.safetensors"]));
    for words in ["mobilenet_v2, 3 classes", "the names of timm", "blocks.6.0.conv_pwl.weight"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    succeed(&mut inspect(at, &["timm.safetensors", "--convert", "back.pt", "--style", "torchvision"]));
    let (own, back) = (json(at, &["own.safetensors"])?, json(at, &["back.pt"])?);
    let keys = |found: &Value| -> Vec<String> {
        let tensors = found["tensors"].as_array().into_iter().flatten();
        let mut keys: Vec<String> = tensors.map(|tensor| tensor["key"].to_string()).collect();
        keys.sort();
        keys
    };
    assert!(!keys(&own).is_empty());
    assert_eq!(keys(&back), keys(&own));

    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let said = fail(&mut inspect(at, &[CHECKPOINT, "--convert", "x.pt", "--style", "timm"]), 2);
    assert!(said.contains("timm has no network `resnet20`") && said.contains("leave --style out"), "{said}");
    assert!(!at.join("x.pt").exists());
    Ok(())
}

#[test]
fn a_folder_of_pytorch_files_is_measured_in_epoch_order() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "2"]));
    fs::create_dir(at.join("shelf"))?;
    // Names against the order of epochs: what the file says counts.
    for (epoch, name) in [(0, "shelf/7_checkpoint.pt"), (1, "shelf/3_checkpoint.pt")] {
        let from = CHECKPOINT.replace("0_check", &format!("{epoch}_check"));
        succeed(&mut inspect(at, &[&from, "--convert", name, "--style", "robustness"]));
    }
    let measure = |flags: &[&str]| -> Outcome<Value> {
        let measured = succeed(grad(at, flags).args(["--format", "json", "--quiet"]));
        Ok(serde_json::from_str(&measured)?)
    };
    let ours = measure(&["--run", "runs/synthetic/resnet20_baseline"])?;
    let theirs = measure(&["--checkpoints", "shelf/*_checkpoint.pt"])?;
    for epoch in [0, 1] {
        let (theirs, ours) = (&theirs["epochs"][epoch], &ours["epochs"][epoch]);
        assert_eq!(theirs["epoch"], epoch);
        for number in ["nat_prec1", "centre_of_mass", "peak"] {
            assert_eq!(theirs[number], ours[number], "epoch {epoch}: {number}");
        }
    }
    let first = theirs["epochs"][0]["checkpoint"].as_str().ok_or("a file")?;
    assert!(first.ends_with("7_checkpoint.pt"), "{first}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_named_on_both_sides_by_every_program() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    succeed(&mut easy_train(at, &["--epochs", "1"]));
    let mut said = vec![fail(&mut inspect(at, &[CHECKPOINT, "--arch", "vgg11"]), 1)];
    for name in ["grad", "evaluate"] {
        let flags = ["--arch", "vgg11", "--checkpoints", CHECKPOINT, "--limit-test", "32", "--quiet"];
        said.push(fail(program(name, at).args(flags), 1));
    }
    for said in said {
        let missing = said.matches("is missing").count();
        let unknown = said.matches("is unknown to it").count();
        assert_eq!((missing, unknown), (3, 3), "{said}");
        assert!(said.contains("0_checkpoint.safetensors") && said.contains("vgg11"), "{said}");
    }
    Ok(())
}

/// Flags, the exit code they end with, and words of the error.
type Refused<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[test]
fn what_cannot_be_inspected_is_told_in_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::write(at.join("code.pt"), b"\x80\x02cos\nsystem\nX\x04\0\0\0exit\x85R.")?;
    fs::write(at.join("a.pt"), b"PK\x03\x04")?;
    let cases: [Refused<'_>; 6] = [
        (&[], 2, &["CKPT"]),
        (&["nowhere.pt"], 2, &["nowhere.pt"]),
        (&["a.pt"], 1, &["a.pt"]),
        (&["code.pt"], 1, &["code.pt"]),
        (&["a.pt", "--convert", "b.onnx"], 2, &["--convert b.onnx", ".safetensors"]),
        (&["a.pt", "code.pt", "--convert", "b.pt"], 2, &["--convert b.pt", "one checkpoint"]),
    ];
    for (flags, code, words) in cases {
        let said = fail(&mut inspect(at, flags), code);
        assert!(words.iter().all(|word| said.contains(word)), "{flags:?}: {said}");
    }
    Ok(())
}
