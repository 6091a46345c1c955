//! Published kinds of checkpoints through `grad` and `evaluate`, as a person calls them, against the original code's numbers.

use std::{fs, path::Path};

use crate::support::{program, shared, succeed};
use candle_core::{DType, Tensor};
use checkpoints::{CheckpointFile, TorchCheckpoint, TorchStyle, Wanted};
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

/// akamaster's ResNet-20 was trained with the normaliser of ImageNet, which its file does not say.
#[test]
fn a_pretrained_network_with_another_normaliser_gives_its_numbers() -> Outcome {
    let (Some(golden), Some(data)) = (shared("golden"), shared("data")) else { return Ok(()) };
    let (golden, data, folder) = (golden.join("akamaster"), data.canonicalize()?, tempfile::tempdir()?);
    fs::copy(golden.join("resnet20-12fca82f.th"), folder.path().join("resnet20.th"))?;
    let run = |name: &str| {
        let mut command = program(name, folder.path());
        command.args(["--checkpoints", "resnet20.th", "--arch", "resnet20", "--mean", "imagenet"]);
        succeed(command.args(["--dataset", "cifar10", "--quiet", "--data"]).arg(&data))
    };
    let said = run("evaluate");
    let words = "normaliser: mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225 (given)";
    assert!(said.contains(words), "{said}");
    run("grad");
    let results = folder.path().join("runs/cifar10/resnet20_checkpoints");
    let read = |name: &str| -> Outcome<Value> { Ok(serde_json::from_slice(&fs::read(results.join(name))?)?) };
    let (spectrum, evaluation) = (read("grad/gradient_spectrum.json")?, read("evaluate/evaluation.json")?);
    let expected: Value = serde_json::from_slice(&fs::read(golden.join("expected.json"))?)?;
    let checkpoint = &evaluation["checkpoints"][0];
    assert_eq!(checkpoint["network"]["normaliser"]["from"], "given");
    let original = &checkpoint["components"][0];
    assert_eq!(original["correct"], expected["correct"]);
    let loss = |value: &Value| value["loss"].as_f64().unwrap_or(f64::NAN);
    assert!((loss(original) - loss(&expected)).abs() < 2e-5, "loss {}", loss(original));
    check_mean(&spectrum, &numbers(&golden, "mean_profile")?)
}

/// The logits of the golden ResNet-18 times s: of a network that is sure the gradient leaves the range of f32, its profile does not.
#[test]
fn sure_networks_have_the_spectrum_of_float64() -> Outcome {
    let (Some(golden), Some(data)) = (shared("golden"), shared("data")) else { return Ok(()) };
    let (data, folder) = (data.canonicalize()?, tempfile::tempdir()?);
    let mut file = CheckpointFile::open(&golden.join("resnet18_robustness.pt"))?;
    let found = file.recognise(Wanted { architecture: Some("resnet18".parse()?), weights: None })?;
    let normaliser = file.normaliser_of(&found)?.map(|(normaliser, _)| normaliser);
    for scale in [1, 10, 50, 200, 1000] {
        let mut weights = file.load(&found)?;
        for name in ["linear.weight", "linear.bias"] {
            let scaled = (&weights[name] * f64::from(scale))?;
            weights.insert(name.to_owned(), scaled);
        }
        let checkpoint = TorchCheckpoint { weights, normaliser, epoch: Some(0), nat_prec1: None };
        fs::write(folder.path().join("x.pt"), checkpoint.encode(TorchStyle::Robustness)?)?;
        let mut command = program("grad", folder.path());
        command.args([
            "--checkpoints",
            "x.pt",
            "--dataset",
            "cifar10",
            "--limit-test",
            "64",
            "--quiet",
            "--data",
        ]);
        succeed(command.arg(&data));
        let results = folder.path().join("runs/cifar10/resnet18_checkpoints/grad/gradient_spectrum.json");
        let spectrum: Value = serde_json::from_slice(&fs::read(results)?)?;
        assert_eq!(spectrum["skipped"][0], 0, "× {scale}");
        check_mean(&spectrum, &numbers(&golden, &format!("overconfident/resnet18_x{scale}_profile"))?)?;
    }
    Ok(())
}
