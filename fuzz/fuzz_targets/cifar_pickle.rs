//! Bytes as a batch of CIFAR's Python version: an error or images, never a panic.
#![no_main]

use datasets::{Limits, cifar};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (root, _) = fuzz::input("cifar-100-python/train", bytes, &[("cifar-100-python/test", b"")]);
    // The test batch is there and not read.
    let limits = Limits { train: None, test: Some(0) };
    fuzz::use_up(cifar::load_cifar100(root, cifar::Labels::Fine, limits));
});
