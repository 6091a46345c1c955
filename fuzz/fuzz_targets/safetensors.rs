//! Bytes as a safetensors file, or as the header of one: an error or weights, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let framed = [&(bytes.len() as u64).to_le_bytes()[..], bytes, &[0; 512]].concat();
    for file in [bytes.to_vec(), framed] {
        if let Ok(file) = checkpoints::CheckpointFile::from_bytes(file) {
            fuzz::use_up_weights(file);
        }
    }
});
