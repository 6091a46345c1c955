//! What is in a PyTorch checkpoint of a classifier, and what the network says of a random image.
//!
//! `cargo run -p examples --example load_torch_checkpoint -- checkpoint.pt resnet18`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::path::PathBuf;

use anyhow::Context;
use candle_core::{Device, Tensor};
use models::{Architecture, Classifier, Normaliser};
use rand::{Rng, SeedableRng};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().context("expected the path of a .pt or .pth file")?);
    let architecture: Architecture = arguments.next().as_deref().unwrap_or("resnet18").parse()?;

    let checkpoint = models::load_torch(&path)?;
    for (name, tensor) in &checkpoint.weights {
        println!("{name} {:?}", tensor.dims());
    }
    let values: usize = checkpoint.weights.values().map(Tensor::elem_count).sum();
    println!("{} tensors, {values} values", checkpoint.weights.len());

    let head =
        checkpoint.weights.get("linear.weight").context("no linear.weight: the head of a classifier")?;
    let classes = head.dims()[0];
    let normaliser = checkpoint.normaliser.unwrap_or(Normaliser::CIFAR10);
    let network = Classifier::new(architecture, classes, normaliser, &checkpoint.weights)?.freeze()?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let pixels: Vec<f32> = (0..3 * 32 * 32).map(|_| random.random()).collect();
    let found = network.evaluate(&Tensor::from_vec(pixels, (1, 3, 32, 32), &Device::Cpu)?, &[0])?;
    let logits = found.logits.flatten_all()?.to_vec1::<f32>()?;
    println!("logits of a random image: {logits:.2?}");
    assert!(logits.len() == classes && logits.iter().all(|logit| logit.is_finite()));
    Ok(())
}
