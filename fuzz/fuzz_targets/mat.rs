//! Bytes as a file of MATLAB 5: an error or images, never a panic.
#![no_main]

use datasets::{Limits, svhn};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (root, _) = fuzz::input("train_32x32.mat", bytes, &[("test_32x32.mat", fuzz::SVHN)]);
    fuzz::use_up(svhn::load(root, Limits { train: None, test: Some(0) }));
});
