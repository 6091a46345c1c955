//! Bytes as a PyTorch checkpoint of the format before 1.6: an error or weights, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK") {
        return;
    }
    if let Ok(file) = checkpoints::CheckpointFile::from_bytes(bytes.to_vec()) {
        fuzz::use_up_weights(file);
    }
});
