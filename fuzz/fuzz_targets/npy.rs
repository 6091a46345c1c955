//! Bytes as a NumPy array of numbers: an error or values, never a panic.
#![no_main]

use datasets::frequency;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, path) = fuzz::input("numbers.npy", bytes, &[]);
    if let Err(error) = frequency::read_numbers(&path) {
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
});
