//! Three training steps of ResNet-18 with [`Sgd`] against those of the original code.

use std::path::Path;

use candle_core::{DType, Tensor};
use models::Backend;
use training::Sgd;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn array(folder: &Path, name: &str) -> Outcome<Vec<f64>> {
    let tensor = Tensor::read_npy(folder.join(format!("{name}.npy")))?;
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

fn worst(found: &Tensor, expected: &[f64]) -> Outcome<f64> {
    let found = found.flatten_all()?.to_vec1::<f32>()?;
    assert_eq!(found.len(), expected.len());
    Ok(found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max))
}

on_every_backend!(three_training_steps_match_the_original);

fn three_training_steps_match_the_original(backend: &Backend) -> Outcome {
    let Some(folder) = super::golden::golden() else { return Ok(()) };
    let mut network = super::golden::resnet18(&folder, backend)?;
    let images = Tensor::read_npy(folder.join("images64_u8.npy"))?.narrow(0, 0, 16)?;
    let images = (images.to_dtype(DType::F32)? / 255.0)?;
    let labels = Tensor::read_npy(folder.join("labels64_u8.npy"))?.narrow(0, 0, 16)?;
    let labels = labels.to_dtype(DType::U32)?.to_vec1()?;

    let losses = array(&folder, "resnet18_train_losses3")?;
    let mut sgd = Sgd::new(0.9, 5e-4);
    for (step, expected) in losses.iter().enumerate() {
        let found = network.parameter_gradients(&images, &labels)?;
        assert!((f64::from(found.loss()?) - expected).abs() < 1e-4, "step {step}: loss {}", found.loss()?);
        sgd.step(network.parameters(), &found.gradients, 0.05)?;
        if step == 0 || step == 2 {
            let expected = array(&folder, &format!("resnet18_train_conv1_after{}", step + 1))?;
            let worst = worst(network.parameters()["conv1.weight"].as_tensor(), &expected)?;
            assert!(worst < 1e-4, "step {step}: the stem is off by {worst}");
        }
    }
    assert_eq!(losses.len(), 3);
    Ok(())
}
