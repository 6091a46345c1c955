//! What is in a PyTorch checkpoint of a classifier, and what the network says of a random image.
//!
//! `cargo run -p examples --example load_torch_checkpoint -- checkpoint.pt resnet18`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::path::PathBuf;

use anyhow::Context;
use candle_core::{Device, Tensor};
use models::{Architecture, Classifier, Normaliser};
use rand::{Rng, SeedableRng};
use runs::{StoredWeights, Wanted};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().context("expected the path of a .pt or .pth file")?);
    let architecture: Architecture = arguments.next().as_deref().unwrap_or("resnet18").parse()?;

    let mut stored =
        StoredWeights::open(&path, Wanted { architecture: Some(architecture), weights: None }, None)?;
    stored.notes().iter().for_each(|note| println!("{note}"));
    let weights = stored.load()?;
    for (name, tensor) in &weights {
        println!("{name} {:?}", tensor.dims());
    }
    let values: usize = weights.values().map(Tensor::elem_count).sum();
    println!("{} tensors, {values} values", weights.len());

    let &[(_, classes)] = stored.fits() else { anyhow::bail!("one architecture was asked for") };
    let normaliser = stored.normaliser.map_or(Normaliser::CIFAR10, |found| found.value);
    let network = Classifier::new(architecture, classes, normaliser, &weights)?.freeze()?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let pixels: Vec<f32> = (0..3 * 32 * 32).map(|_| random.random()).collect();
    let found = network.evaluate(&Tensor::from_vec(pixels, (1, 3, 32, 32), &Device::Cpu)?, &[0])?;
    let logits = found.logits.flatten_all()?.to_vec1::<f32>()?;
    println!("logits of a random image: {logits:.2?}");
    assert!(logits.len() == classes && logits.iter().all(|logit| logit.is_finite()));
    Ok(())
}
