//! Bytes as a Parquet file: an error or images, never a panic.
#![no_main]

use datasets::{
    OnCorrupt,
    folder::{self, Options},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, path) = fuzz::input("table.parquet", bytes, &[]);
    let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
    fuzz::use_up(folder::load(&path, options));
});
