//! Bytes as anybody's archive of arrays: an error or images, never a panic.
#![no_main]

use datasets::arrays;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, path) = fuzz::input("set.npz", bytes, &[]);
    fuzz::use_up(arrays::load(path, fuzz::ALL));
});
