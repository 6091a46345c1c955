//! Pixels are those of Pillow and torchvision.

use std::fs;

use datasets::{
    Interpolation, Resize,
    folder::{self, Options},
};
use tempfile::TempDir;

const SIDE: usize = 16;

/// What Pillow made of `picture.png`, and of `picture.jpg`; `data/resized.py` wrote all of it.
const EXPECTED: [(Interpolation, &[u8]); 6] = [
    (Interpolation::Nearest, include_bytes!("../data/nearest.rgb")),
    (Interpolation::Box, include_bytes!("../data/box.rgb")),
    (Interpolation::Bilinear, include_bytes!("../data/bilinear.rgb")),
    (Interpolation::Hamming, include_bytes!("../data/hamming.rgb")),
    (Interpolation::Bicubic, include_bytes!("../data/bicubic.rgb")),
    (Interpolation::Lanczos, include_bytes!("../data/lanczos.rgb")),
];

/// The pixels of a single file, channels together.
fn read(name: &str, bytes: &[u8], options: Options) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let root = TempDir::new()?;
    fs::create_dir_all(root.path().join("val/x"))?;
    fs::write(root.path().join("val/x").join(name), bytes)?;
    let planes = folder::load(root.path(), options)?.test.bytes(0)?.into_owned();
    let count = planes.len() / 3;
    Ok((0..planes.len()).map(|place| planes[place % 3 * count + place / 3]).collect())
}

fn options(interpolation: Interpolation) -> Options {
    Options { side: Some(SIDE), resize: Some(Resize::Shorter(20)), interpolation, ..Options::default() }
}

#[test]
fn every_filter_is_pillows() -> Result<(), Box<dyn std::error::Error>> {
    for (interpolation, expected) in EXPECTED {
        let found = read("picture.png", include_bytes!("../data/picture.png"), options(interpolation))?;
        assert_eq!(found, expected, "{interpolation}");
    }
    Ok(())
}

#[test]
fn a_photograph_is_decoded_and_resized_as_torchvision_does_it() -> Result<(), Box<dyn std::error::Error>> {
    let found = read("picture.jpg", include_bytes!("../data/picture.jpg"), options(Interpolation::Bilinear))?;
    assert_eq!(found, include_bytes!("../data/jpeg.rgb"));
    Ok(())
}
