//! Bytes as an archive that gzip, xz or zstd compressed: an error or images, never a panic.
#![no_main]

use datasets::{
    OnCorrupt,
    folder::{self, Options},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, path) = fuzz::input("archive.tar.xz", bytes, &[]);
    let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
    fuzz::use_up(folder::load(&path, options));
});
