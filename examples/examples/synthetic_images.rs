//! Ten images of each class of the synthetic set, as a contact sheet.
//!
//! `cargo run -p examples --example synthetic_images -- sheet.png`
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::path::PathBuf;

use datasets::synthetic::Synthetic;
use plots::{ContactSheet, SheetRow, Thumbnail};

fn main() -> anyhow::Result<()> {
    let path = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "synthetic_images.png".to_owned()));
    let set = Synthetic { seed: 0, train: 100, test: 0 }.generate().train;
    let shape = set.shape();
    let mut rows = Vec::new();
    for (class, name) in set.classes().iter().enumerate() {
        let of_class = (0..set.len()).filter(|&index| set.labels()[index] as usize == class);
        let thumbnail =
            |index| Thumbnail::from_bytes(&set.bytes(index).expect("in memory"), shape.height, shape.width);
        rows.push(SheetRow {
            caption: name.clone(),
            images: of_class.map(thumbnail).collect::<Result<_, _>>()?,
        });
    }
    let sheet = ContactSheet::new("The synthetic set", "ten images of each class", rows)?;
    println!("wrote {}", sheet.save(&path.with_extension(""))?.display());
    Ok(())
}
