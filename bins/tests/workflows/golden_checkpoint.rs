//! Published kinds of checkpoints through `grad` and `evaluate`, as a person calls them, against the original code's numbers.

use std::{fs, path::Path};

use crate::support::{program, shared, succeed};
use candle_core::{DType, Tensor};
use serde_json::Value;
use spectral::{Convention, Profiler, Recipe, RunningBands};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What `grad` and `evaluate` say of a checkpoint.
struct Measured {
    spectrum: Value,
    evaluation: Value,
}

/// Both on the first test images of CIFAR-10; `named` is what the checkpoint is called in a folder of its own.
fn measure(checkpoint: &Path, named: &str, arch: &str, images: usize) -> Outcome<Option<Measured>> {
    let Some(data) = shared("data") else { return Ok(None) };
    let (folder, data, images) = (tempfile::tempdir()?, data.canonicalize()?, images.to_string());
    fs::copy(checkpoint, folder.path().join(named))?;
    let run = |name: &str| {
        let mut command = program(name, folder.path());
        command.args(["--checkpoints", "*_checkpoint.*", "--arch", arch, "--dataset", "cifar10"]);
        command.args(["--limit-test", &images, "--quiet", "--format", "json"]);
        succeed(command.arg("--data").arg(&data))
    };
    run("grad");
    let results = folder.path().join(format!("runs/cifar10/{arch}_checkpoints"));
    let spectrum = serde_json::from_slice(&fs::read(results.join("grad/gradient_spectrum.json"))?)?;
    run("evaluate");
    let evaluation = serde_json::from_slice(&fs::read(results.join("evaluate/evaluation.json"))?)?;
    Ok(Some(Measured { spectrum, evaluation }))
}

fn array(golden: &Path, name: &str) -> Outcome<Tensor> {
    Ok(Tensor::read_npy(golden.join(format!("{name}.npy")))?)
}

fn numbers(golden: &Path, name: &str) -> Outcome<Vec<f64>> {
    Ok(array(golden, name)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// The tolerance is the reference's own.
fn check_mean(spectrum: &Value, expected: &[f64]) -> Outcome {
    let found: Vec<f64> = serde_json::from_value(spectrum["mean"][0].clone())?;
    let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(found.len() == expected.len() && far < 1e-4, "{far}");
    Ok(())
}

/// Loss and what is right, by the reference's loss and logits (N, 10) of the first images.
fn check_scores(evaluation: &Value, golden: &Path, of: &str) -> Outcome {
    let original = &evaluation["checkpoints"][0]["components"][0];
    let far = (original["loss"].as_f64().ok_or("a loss")? - numbers(golden, &format!("{of}_loss"))?[0]).abs();
    assert!(far < 1e-5, "{of}, loss: {far}");
    let guesses: Vec<u32> = array(golden, &format!("{of}_logits"))?.argmax(1)?.to_vec1()?;
    let labels: Vec<u32> = array(golden, "labels64_u8")?.to_dtype(DType::U32)?.to_vec1()?;
    let right = guesses.iter().zip(&labels).filter(|(guess, label)| guess == label).count();
    assert_eq!(original["correct"], right, "{of}");
    Ok(())
}

#[test]
fn a_checkpoint_of_the_published_tool_gives_its_numbers() -> Outcome {
    let Some(golden) = shared("golden") else { return Ok(()) };
    let file = golden.join("resnet18_robustness.pt");
    let Some(found) = measure(&file, "3_checkpoint.pt", "resnet18", 64)? else { return Ok(()) };
    assert_eq!(found.spectrum["epochs"][0], 3, "the file notes 4 epochs done");
    check_mean(&found.spectrum, &numbers(&golden, "power_mean")?)?;
    check_scores(&found.evaluation, &golden, "resnet18")
}

/// No mean profile is given for this one: it follows from the given gradient.
#[test]
fn a_safetensors_checkpoint_gives_its_numbers() -> Outcome {
    let Some(golden) = shared("golden") else { return Ok(()) };
    let file = golden.join("vgg11.safetensors");
    let Some(found) = measure(&file, "7_checkpoint.safetensors", "vgg11", 8)? else { return Ok(()) };
    assert_eq!(found.spectrum["epochs"][0], 7, "by its name");
    let profiler = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Reference)?;
    let mut bands = RunningBands::new(profiler.radii().len());
    let gradient: Vec<f32> = array(&golden, "vgg11_input_grad")?.flatten_all()?.to_vec1()?;
    profiler.profiles(&gradient)?.rows().for_each(|row| bands.push(row));
    check_mean(&found.spectrum, &bands.mean())?;
    check_scores(&found.evaluation, &golden, "vgg11")
}
