//! Networks as ONNX: measured, evaluated and inspected as those of checkpoints are, and what is refused.

use std::{fs, path::PathBuf};

use crate::support::{fail, program, succeed};
use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const FEW: [&str; 2] = ["--limit-test", "32"];

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/onnx/tests/data");
    folder.join(name).display().to_string()
}

#[test]
fn a_graph_is_measured_without_an_architecture() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (at, graph) = (folder.path(), file("torch_synthetic.onnx"));
    let said = succeed(program("grad", at).args(FEW).args(["--onnx", &graph]));
    assert!(
        said.contains("network: torch_synthetic (torch_synthetic.onnx, written by pytorch 2.15"),
        "{said}"
    );
    assert!(said.contains("the usual one of synthetic, for none was found in the graph"), "{said}");
    let results = at.join("runs/synthetic/torch_synthetic_onnx");
    let written: Value = serde_json::from_slice(&fs::read(results.join("grad/gradient_spectrum.json"))?)?;
    assert_eq!(written["network"]["onnx"]["file"], "torch_synthetic.onnx");
    assert_eq!(written["network"]["onnx"]["opset"], 20);
    let again = succeed(program("grad", at).args(FEW).args(["--onnx", &graph, "--mean", "none"]));
    assert!(again.contains("mean 0, 0, 0; std 1, 1, 1 (given)"), "{again}");
    let said =
        succeed(program("evaluate", at).args(FEW).args(["--onnx", &graph, "--freq", "low", "--r", "8"]));
    assert!(said.contains("torch_synthetic") && said.contains("low r = 8"), "{said}");
    Ok(())
}

#[test]
fn a_graph_is_inspected() -> Outcome {
    let folder = tempfile::tempdir()?;
    let said = succeed(program("inspect", folder.path()).args(["--onnx", &file("torch_synthetic.onnx")]));
    for words in ["opset 20", "pytorch 2.15", "Conv ", "32×32", "10 classes", "none in the graph"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let flags = ["--onnx", &file("channels_last.onnx"), "--format", "json"];
    let found: Value = serde_json::from_str(&succeed(program("inspect", folder.path()).args(flags)))?;
    assert_eq!(found["normaliser"]["brightest"], 255.0);
    assert_eq!((&found["image_size"][0], &found["classes"]), (&8.into(), &3.into()));
    Ok(())
}

#[test]
fn what_cannot_be_measured_is_one_line() -> Outcome {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::write(at.join("no.onnx"), b"PK")?;
    let grad = |flags: &[&str], code: i32| fail(program("grad", at).args(FEW).args(flags), code);
    let said = grad(&["--onnx", &file("pools.onnx")], 2);
    assert!(
        said.contains("takes images of 8×8 pixels, found 32×32; export the graph")
            || said.contains("give --image-size 8"),
        "{said}"
    );
    assert!(grad(&["--onnx", "no.onnx"], 1).contains("not an ONNX file that can be read"));
    assert!(grad(&["--onnx", "missing.onnx"], 2).contains("missing.onnx"));
    assert!(!at.join("runs").exists(), "a refusal leaves nothing");
    Ok(())
}
