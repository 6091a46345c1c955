//! Bytes as a photograph, told by the first of them to be JPEG, PNG, BMP, PPM or WebP: an error or an image, never a panic.
#![no_main]

use datasets::folder::{self, Options};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (root, _) = fuzz::input("train/class/image.jpg", bytes, &[]);
    fuzz::use_up(folder::load(root, Options { side: Some(8), ..Options::default() }));
});
