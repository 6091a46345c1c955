//! Kernels that give images a spectral density of your own: here one that falls in a straight line.
//!
//! `cargo run -p examples --example fit_kernels`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};
use cdes::{ByteImages, FitEvent, FitSettings, Objective, ToyKernels, restructure};
use datasets::synthetic::Synthetic;

const BANDS: usize = 20;

fn main() -> anyhow::Result<()> {
    let line: Vec<f64> = (0..BANDS).map(|band| 1.0 - band as f64 / (BANDS - 1) as f64).collect();
    let set = Synthetic { seed: 0, train: 1000, test: 0 }.generate().train;
    let bytes: Vec<u8> =
        (0..set.len()).flat_map(|index| set.bytes(index).expect("in memory").into_owned()).collect();

    let settings = FitSettings { epochs: 8, ..FitSettings::default() };
    let fit = settings.check(Objective::new(32, 32, line)?)?;
    let mut kernels = ToyKernels::new(16, 7, 0)?;
    let source = ByteImages::new(&bytes, [32, 32])?;
    fit.run(&mut kernels, &source, None, &AtomicBool::new(false), &mut |event| {
        if let FitEvent::Epoch { losses, .. } = event {
            let (epoch, density, pixels) = (losses.epoch, losses.spectral_loss, losses.image_loss);
            println!("epoch {epoch}: {density:.4} for the density, {pixels:.4} for the pixels");
        }
    })?;

    let pixels: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let images = Tensor::from_vec(pixels, (set.len(), 3, 32, 32), &Device::Cpu)?;
    let made = kernels.apply(&images)?;
    // The images' own low frequencies, and the high ones of what the kernels made of them.
    let joined = restructure(&images, &made, 10)?;

    let distance = |images: &Tensor| -> Result<f64, cdes::Error> {
        Ok(fit.objective().evaluate(images, images)?.0.spectral.sqrt())
    };
    let (before, made, joined) = (distance(&images)?, distance(&made)?, distance(&joined)?);
    println!("from the line: {before:.3} for the images, {made:.3} through the kernels, {joined:.3} joined");
    assert!(made < 0.5 * before && joined < before, "the density came closer");
    Ok(())
}
