//! Bytes as the images of MNIST, packed or not: an error or images, never a panic.
#![no_main]

use datasets::mnist;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Three labels, as the images of the seeds have them, and one image of one pixel with its label.
    let labels = b"\0\0\x08\x01\0\0\0\x03\x09\x08\x07";
    let (image, label) = (b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01\xff", b"\0\0\x08\x01\0\0\0\x01\x09");
    let beside: [(&str, &[u8]); 3] = [
        ("train-labels-idx1-ubyte", labels),
        ("t10k-images-idx3-ubyte", image),
        ("t10k-labels-idx1-ubyte", label),
    ];
    let (root, _) = fuzz::input("train-images-idx3-ubyte", bytes, &beside);
    fuzz::use_up(mnist::load(root, fuzz::ALL));
});
