//! Bytes as a list of labels beside photographs that lie flat: an error or images, never a panic.
#![no_main]

use datasets::folder::{Layout, Options};

/// The smallest image: one grey pixel.
const IMAGE: &[u8] = b"P5 1 1 255\n\x80";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let beside = [("set/train/a/0.pgm", IMAGE), ("set/train/b/0.pgm", IMAGE), ("set/val/0.pgm", IMAGE), ("set/val/1.pgm", IMAGE)];
    let (folder, path) = fuzz::input("labels.txt", bytes, &beside);
    let layout = Layout { val_labels: Some(path), ..Layout::default() };
    fuzz::use_up(layout.load(folder.join("set"), Options::default()));
});
