//! Bytes as a tar archive, of CIFAR and of photographs: an error or images, never a panic. Sums of headers are put right, or no change
//! would come further than the first.
#![no_main]

use datasets::{
    OnCorrupt, cifar,
    folder::{self, Options},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut archive = bytes.to_vec();
    for header in archive.chunks_exact_mut(512).filter(|header| &header[257..262] == b"ustar") {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    let (_, path) = fuzz::input("archive.tar", &archive, &[]);
    fuzz::use_up(cifar::load_cifar100(&path, cifar::Labels::Fine, fuzz::ALL));
    let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
    fuzz::use_up(folder::load(&path, options));
});
