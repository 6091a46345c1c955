//! The images and labels of a data set as NumPy arrays: `train_images.npy` (N, H, W, 3) of bytes, `train_labels.npy` (N), and those of `test`.
//!
//! `cargo run -p examples --example dataset_to_arrays -- mnist DIR out [corruption=fog:3] [val_labels=FILE] [val_fraction=0.1] [follow_links=true]`
//!
//! What is worth knowing about how the set was read is printed. `--dataset arrays` of the programs reads what is written.
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::path::PathBuf;

use anyhow::Context;
use datasets::{
    ImageSet,
    catalog::Request,
    frequency::{Writer, write_numbers},
};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().context("name a data set: mnist, svhn, arrays …")?.parse()?;
    let root = arguments.next().map(PathBuf::from);
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let mut request = Request { name, root, ..Request::default() };
    for argument in arguments {
        let (setting, value) = argument.split_once('=').context("a setting, as corruption=fog:3")?;
        match setting {
            "corruption" => request.corruption = Some(value.parse()?),
            "val_labels" => request.layout.val_labels = Some(value.into()),
            "val_fraction" => request.layout.val_fraction = Some(value.parse()?),
            "follow_links" => request.layout.follows_links = value.parse()?,
            _ => anyhow::bail!("there is no setting `{setting}`"),
        }
    }
    let data = request.open_partial(&freqbias::progress::Progress::default())?;
    data.notes.iter().for_each(|note| println!("{note}"));
    std::fs::create_dir_all(&out)?;
    let parts: [(&str, &ImageSet); 2] = [("train", &data.train), ("test", &data.test)];
    for (part, set) in parts.into_iter().filter(|(_, set)| !set.is_empty()) {
        let path = out.join(format!("{part}_images.npy"));
        let mut writer = Writer::create(&path, set.shape(), set.len())?;
        for index in 0..set.len() {
            writer.put(&set.bytes(index)?)?;
        }
        writer.finish()?;
        let labels: Vec<i64> = set.labels().iter().map(|&label| i64::from(label)).collect();
        write_numbers(&out.join(format!("{part}_labels.npy")), &labels)?;
        println!("wrote {} images of {} to {}", set.len(), set.shape(), path.display());
    }
    std::fs::write(out.join("classes.txt"), data.test.classes().join("\n") + "\n")?;
    Ok(())
}
