//! An image as the sum of its low and its high frequencies.
//!
//! `cargo run -p examples --example frequency_split -- frequency_split.png`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::path::PathBuf;

use datasets::synthetic::Synthetic;
use plots::{ContactSheet, SheetRow, Thumbnail};
use spectral::{RadialMask, Split, to_bytes};

fn main() -> anyhow::Result<()> {
    let path = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "frequency_split.png".to_owned()));
    let images = Synthetic { seed: 0, train: 1, test: 0 }.generate().train;
    let image: Vec<f64> = images.bytes(0)?.iter().map(|&pixel| f64::from(pixel)).collect();
    let thumbnail = |part: &[f64]| Thumbnail::from_bytes(&to_bytes(part), 32, 32);

    let mut rows = Vec::new();
    for radius in [4, 8, 12, 16] {
        // The mask is symmetric under u → −u, so both parts are real, and what one lacks is in the other.
        let Split { low, high } = RadialMask::low(32, 32, radius).split(&image)?;
        let worst =
            image.iter().zip(low.iter().zip(&high)).map(|(all, (low, high))| (all - low - high).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-9, "the parts sum to the image");
        let energy = |part: &[f64]| part.iter().map(|value| value * value).sum::<f64>();
        println!("r = {radius}: {:.1} % of the energy is low", 100.0 * energy(&low) / energy(&image));
        let pictures =
            [&image, &low, &high].map(|part| thumbnail(part)).into_iter().collect::<Result<_, _>>()?;
        rows.push(SheetRow { caption: format!("r = {radius}"), images: pictures });
    }
    let sheet =
        ContactSheet::new("Low and high frequencies", "the image, its low part, its high part", rows)?;
    println!("wrote {}", sheet.save(&path.with_extension(""))?.display());
    Ok(())
}
