//! The ResNet-18 of the `robustness` library against numbers from the original code: logits, latent features,
//! loss, input and parameter gradients in evaluation mode, and three training steps.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::PathBuf;

use candle_core::{DType, Tensor};
use models::{Architecture, Classifier, load_torch};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The reference values beside the checkout; without them a test says so and ends, or fails where they are due.
fn golden() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden"));
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("FREQBIAS_REQUIRE_GOLDEN").is_none(),
        "{} is required and absent",
        folder.display()
    );
    println!("SKIPPED: no reference values at {}", folder.display());
    None
}

struct Reference {
    folder: PathBuf,
    network: Classifier,
    images: Tensor,
    labels: Vec<u32>,
}

impl Reference {
    fn open() -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let Some(folder) = golden() else { return Ok(None) };
        let checkpoint = load_torch(&folder.join("resnet18_robustness.pt"))?;
        let architecture: Architecture = "resnet18".parse()?;
        let normaliser = checkpoint.normaliser.ok_or("the checkpoint has a normaliser")?;
        let network = Classifier::new(architecture, 10, normaliser, &checkpoint.weights)?;
        let images = (Tensor::read_npy(folder.join("images64_u8.npy"))?.to_dtype(DType::F32)? / 255.0)?;
        let labels = Tensor::read_npy(folder.join("labels64_u8.npy"))?.to_dtype(DType::U32)?.to_vec1()?;
        Ok(Some(Self { folder, network, images, labels }))
    }

    fn array(&self, name: &str) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
        let tensor = Tensor::read_npy(self.folder.join(format!("{name}.npy")))?;
        Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("an f32 tensor")
}

fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn relative_to_largest(found: &[f32], expected: &[f32]) -> f32 {
    largest_difference(found, expected) / expected.iter().fold(0.0, |m: f32, v| m.max(v.abs()))
}

fn relative_l2(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |v: f32| f64::from(v) * f64::from(v);
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| square(a - b)).sum();
    (difference / expected.iter().map(|&v| square(v)).sum::<f64>()).sqrt()
}

#[test]
fn evaluation_matches_the_original() -> Outcome {
    let Some(reference) = Reference::open()? else { return Ok(()) };
    let found = reference.network.freeze()?.evaluate(&reference.images, &reference.labels)?;
    assert!(largest_difference(&flat(&found.logits), &reference.array("resnet18_logits")?) < 5e-5);
    assert!(largest_difference(&flat(&found.latent), &reference.array("resnet18_latent")?) < 5e-5);
    assert!((found.loss - reference.array("resnet18_loss")?[0]).abs() < 1e-5);
    Ok(())
}

#[test]
fn input_gradient_matches_the_original() -> Outcome {
    let Some(reference) = Reference::open()? else { return Ok(()) };
    let found = reference.network.freeze()?.input_gradient(&reference.images, &reference.labels)?;
    let (found, expected) = (flat(&found.gradient), reference.array("resnet18_input_grad")?);
    assert!(relative_l2(&found, &expected) < 1e-3);
    for (image, wanted) in found.chunks(3072).zip(expected.chunks(3072)) {
        assert!(relative_l2(image, wanted) < 1e-2);
    }
    Ok(())
}

#[test]
fn parameter_gradients_in_evaluation_mode_match_the_original() -> Outcome {
    let Some(reference) = Reference::open()? else { return Ok(()) };
    let found = reference.network.parameter_gradients_in_evaluation(&reference.images, &reference.labels)?;
    for (name, array) in [("conv1.weight", "conv1_weight"), ("linear.weight", "linear_weight")] {
        let expected = reference.array(&format!("resnet18_{array}_grad_eval"))?;
        assert!(relative_to_largest(&flat(&found.gradients[name]), &expected) < 1e-3, "{name}");
    }
    Ok(())
}

#[test]
fn first_training_step_matches_the_original() -> Outcome {
    let Some(mut reference) = Reference::open()? else { return Ok(()) };
    let images = reference.images.narrow(0, 0, 16)?;
    let labels = reference.labels[..16].to_vec();
    let found = reference.network.parameter_gradients(&images, &labels)?;
    assert!(largest_difference(&flat(&found.logits), &reference.array("resnet18_train_logits16")?) < 1e-4);
    let conv1 = reference.array("resnet18_train_grad_conv1")?;
    assert!(relative_to_largest(&flat(&found.gradients["conv1.weight"]), &conv1) < 1e-3);
    let bn2 = reference.array("resnet18_train_grad_layer4_1_bn2_weight")?;
    assert!(relative_to_largest(&flat(&found.gradients["layer4.1.bn2.weight"]), &bn2) < 1e-3);
    let names = std::fs::read_to_string(reference.folder.join("resnet18_param_names.txt"))?;
    let norms = reference.array("resnet18_train_grad_l2")?;
    assert_eq!(names.lines().count(), norms.len());
    for (name, norm) in names.lines().zip(norms) {
        let name = name.trim_start_matches("model.");
        let found = flat(&found.gradients[name]).iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
        assert!((found / f64::from(norm) - 1.0).abs() < 1e-3, "{name}: {found} against {norm}");
    }
    for (name, array) in [("bn1.running_mean", "bn1_running_mean"), ("bn1.running_var", "bn1_running_var")] {
        let expected = reference.array(&format!("resnet18_train_{array}"))?;
        assert!(relative_to_largest(&flat(&reference.network.buffers()[name]), &expected) < 1e-4, "{name}");
    }
    Ok(())
}
