//! The photographs of a folder as a network is given them: decoded, resized and cut out, as a NumPy array (N, H, W, 3) of bytes.
//!
//! `cargo run -p examples --example photographs_to_array -- folder images.npy [side [resize [interpolation]]]`
//!
//! The folder has the training images in `train/{class}/`. The array takes the first image of each class, then the second of each, and so on.
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::path::PathBuf;

use anyhow::Context;
use datasets::{
    folder::{self, Options},
    frequency::Writer,
};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().context("name the folder that has train/{class}/")?;
    let path = PathBuf::from(arguments.next().unwrap_or_else(|| "images.npy".to_owned()));
    let side = arguments.next().map(|side| side.parse()).transpose().context("the side, in pixels")?;
    let resize = arguments.next().map(|size| size.parse()).transpose().map_err(anyhow::Error::msg)?;
    let interpolation = arguments.next().map(|name| name.parse()).transpose().map_err(anyhow::Error::msg)?;
    let set = folder::load(
        root,
        Options { side, resize, interpolation: interpolation.unwrap_or_default(), ..Options::default() },
    )?
    .train;
    let mut writer = Writer::create(&path, set.shape(), set.len())?;
    for index in 0..set.len() {
        writer.put(&set.bytes(index)?)?;
    }
    writer.finish()?;
    println!("wrote {} images of {} to {}", set.len(), set.shape(), path.display());
    Ok(())
}
