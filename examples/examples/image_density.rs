//! The spectral density of a set of images: how strong each band of frequencies is.
//!
//! `cargo run -p examples --example image_density -- image_density`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::path::PathBuf;

use datasets::{BatchOptions, synthetic::Synthetic};
use plots::{BandCurves, Curve, Spread};
use spectral::{Convention, Profiler, Recipe, RunningBands};

fn main() -> anyhow::Result<()> {
    let stem = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "image_density".to_owned()));
    let images = Synthetic { seed: 0, train: 1000, test: 0 }.generate().train;
    let shape = images.shape();
    let (channels, height, width) = (shape.channels, shape.height, shape.width);
    let profiler = Profiler::new(Recipe::Density, channels, height, width, Convention::Reference)?;

    let mut bands = RunningBands::new(profiler.radii().len());
    for batch in images.batches(BatchOptions::default()) {
        profiler.profiles(&batch?.images)?.rows().for_each(|row| bands.push(row));
    }
    let mean = bands.mean();
    assert!(mean[0] > 0.9 && mean[0] > 2.0 * mean[15], "like photographs: most of it at low frequencies");
    println!("{} images: {:.2} in band 1, {:.2} in band 16", bands.count(), mean[0], mean[15]);

    let curve = Curve { label: "synthetic images".to_owned(), mean, spread: Spread::Std(bands.std()) };
    let radii = profiler.radii().to_vec();
    let curves = BandCurves::new("Spectral density", "1000 images", "density, scaled", radii, vec![curve])?;
    let [png, _] = curves.save(&stem)?;
    println!("wrote {}", png.display());
    Ok(())
}
