//! Bytes as an array of images, of any type and order: an error or images, never a panic.
#![no_main]

use datasets::arrays;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Two labels of u8.
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
    let labels =
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &[1, 0]].concat();
    let (root, _) = fuzz::input("images.npy", bytes, &[("labels.npy", &labels)]);
    fuzz::use_up(arrays::load(root, fuzz::ALL));
});
