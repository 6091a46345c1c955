//! Bytes as a zip-format PyTorch checkpoint: an error or weights, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = b"PK\x03\x04".to_vec();
    file.extend_from_slice(bytes.strip_prefix(b"PK\x03\x04").unwrap_or(bytes));
    if let Ok(file) = models::TorchFile::from_bytes(file) {
        let _ = file.load();
    }
});
