//! Kernels that give images a spectral density of your own: here one that falls in a straight line.
//!
//! `cargo run -p examples --example fit_kernels`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};
use cdes::{ByteImages, FitEvent, FitSettings, Objective, ToyKernels, restructure};
use datasets::synthetic::Synthetic;
use spectral::{Convention, Profiler, Recipe, RunningBands};

const BANDS: usize = 20;

/// The mean density of images (B, 3, 32, 32), and its root-mean-square distance to a target.
fn density(images: &Tensor, target: &[f64]) -> anyhow::Result<(Vec<f64>, f64)> {
    let profiler = Profiler::new(Recipe::Density, 3, 32, 32, Convention::Reference)?;
    let mut bands = RunningBands::new(BANDS);
    profiler.profiles(&images.flatten_all()?.to_vec1::<f32>()?)?.rows().for_each(|row| bands.push(row));
    let mean = bands.mean();
    let squares = mean.iter().zip(target).map(|(mean, target)| (mean - target).powi(2));
    let distance = (squares.sum::<f64>() / BANDS as f64).sqrt();
    Ok((mean, distance))
}

fn main() -> anyhow::Result<()> {
    let target: Vec<f64> = (0..BANDS).map(|band| 1.0 - band as f64 / (BANDS - 1) as f64).collect();
    let set = Synthetic { seed: 0, train: 1000, test: 0 }.generate().train;
    let bytes: Vec<u8> = (0..set.len()).flat_map(|index| set.pixels(index)).copied().collect();

    let fit =
        FitSettings { epochs: 8, ..FitSettings::default() }.check(Objective::new(32, 32, target.clone())?)?;
    let mut kernels = ToyKernels::new(16, 7, 0)?;
    fit.run(
        &mut kernels,
        &ByteImages::new(&bytes, [32, 32])?,
        None,
        &AtomicBool::new(false),
        &mut |event| {
            if let FitEvent::Epoch { losses, .. } = event {
                println!(
                    "epoch {}: {:.4} density, {:.4} pixels",
                    losses.epoch, losses.spectral_loss, losses.image_loss
                );
            }
        },
    )?;

    let pixels: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let images = Tensor::from_vec(pixels, (set.len(), 3, 32, 32), &Device::Cpu)?;
    // Their low frequencies stay, the high ones come from what the kernels made of them.
    let restructured = restructure(&images, &kernels.apply(&images)?, 10)?;
    let (_, before) = density(&images, &target)?;
    let (_, made) = density(&kernels.apply(&images)?, &target)?;
    let (_, after) = density(&restructured, &target)?;
    println!(
        "distance to the line: {before:.3} of the images, {made:.3} of the kernels', {after:.3} restructured"
    );
    assert!(made < before, "the kernels bring the density closer");
    Ok(())
}
