//! A published kind of checkpoint through `grad` and `evaluate`, as a person calls them, against the original code's numbers.

use std::fs;

use candle_core::{DType, Tensor};
use serde_json::Value;
use tests::{program, shared, succeed};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[test]
fn a_checkpoint_of_the_published_tool_gives_its_numbers() -> Outcome {
    let (Some(golden), Some(data)) = (shared("golden"), shared("data")) else { return Ok(()) };
    let numbers = |name: &str| -> Outcome<Vec<f64>> {
        let array = Tensor::read_npy(golden.join(format!("{name}.npy")))?;
        Ok(array.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
    };
    let folder = tempfile::tempdir()?;
    fs::copy(golden.join("resnet18_robustness.pt"), folder.path().join("3_checkpoint.pt"))?;
    let flags = ["--checkpoints", "*_checkpoint.pt", "--arch", "resnet18", "--dataset", "cifar10"];
    let run = |name: &str, more: &[&str]| {
        let mut command = program(name, folder.path());
        command.args(flags).args(["--limit-test", "64", "--quiet", "--format", "json"]).args(more);
        succeed(command.arg("--data").arg(data.canonicalize().expect("a folder")))
    };
    run("grad", &[]);
    let written =
        fs::read(folder.path().join("runs/cifar10/resnet18_checkpoints/grad/gradient_spectrum.json"))?;
    let spectrum: Value = serde_json::from_slice(&written)?;
    assert_eq!(spectrum["epochs"][0], 3, "the file notes 4 epochs done");
    let expected = numbers("power_mean")?;
    let found: Vec<f64> = serde_json::from_value(spectrum["mean"][0].clone())?;
    let far = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(found.len() == expected.len() && far < 1e-4, "{far}");

    let evaluation: Value = serde_json::from_str(&run("evaluate", &[]))?;
    let text = evaluation.to_string();
    let loss =
        text.split("\"loss\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).ok_or("a loss")?;
    let far = (loss.parse::<f64>()? - numbers("resnet18_loss")?[0]).abs();
    assert!(far < 1e-5, "loss {loss}: {far}");
    Ok(())
}
