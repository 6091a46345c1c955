//! The gradient spectrum of your own gradients, as a heat map.
//!
//! Any program that can differentiate its loss with respect to pixels can do this: here two "epochs" of made-up
//! gradients, waves of three and of ten periods, stand for those of a network.
//!
//! `cargo run -p examples --example gradient_spectrum -- gradient_spectrum`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::{f32::consts::TAU, path::PathBuf};

use plots::HeatMap;
use spectral::{Convention, Profiler, Recipe, RunningBands, SpectrumRow, SpectrumTable};

/// 64 gradients, (N, 3, 32, 32): waves across the image, each with its own phase.
fn gradients(periods: f32) -> Vec<f32> {
    let wave = |(image, at): (usize, usize)| (TAU * periods * (at % 32) as f32 / 32.0 + image as f32).cos();
    (0..64).flat_map(|image| (0..3 * 32 * 32).map(move |at| wave((image, at)))).collect()
}

fn main() -> anyhow::Result<()> {
    let stem = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gradient_spectrum".to_owned()));
    // Rings around DC, so that a wave lies in the band of its periods; the paper's rings are half a pixel off.
    let profiler = Profiler::new(Recipe::Gradient, 3, 32, 32, Convention::Textbook)?;
    let mut table = SpectrumTable::new("made-up", "waves", 64, profiler.radii().to_vec());
    for (epoch, periods) in [3.0, 10.0].into_iter().enumerate() {
        // A profile per image, then mean and deviation over images; batches can follow one another for ever.
        let (mut bands, mut skipped) = (RunningBands::new(table.radii.len()), 0);
        for batch in gradients(periods).chunks(16 * 3 * 32 * 32) {
            let profiles = profiler.profiles(batch)?;
            profiles.rows().for_each(|row| bands.push(row));
            skipped += profiles.skipped();
        }
        let (mean, std) = (bands.mean(), bands.std());
        table.push(SpectrumRow { epoch, mean, std, nat_prec1: 0.0, skipped })?;
        assert_eq!(table.rows[epoch].peak(&table.radii), periods as usize);
        println!("epoch {epoch}: the gradient is strongest in band {}", table.rows[epoch].peak(&table.radii));
    }
    let [png, _] = HeatMap::new(&table)?.without_accuracies().save(&stem)?;
    println!("wrote {}", png.display());
    Ok(())
}
