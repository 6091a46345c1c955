//! Bytes as a zip-format PyTorch checkpoint: an error or weights, never a panic. Bytes that are no archive become the pickle of one,
//! whose checksum is right.
#![no_main]

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = if bytes.starts_with(b"PK") { bytes.to_vec() } else { archive(bytes) };
    if let Ok(file) = checkpoints::CheckpointFile::from_bytes(file) {
        fuzz::use_up_weights(file);
    }
});

fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[0; 432]), ("a/data/1", &[0; 432])] {
        archive.start_file(name, options).expect("a member");
        archive.write_all(bytes).expect("its bytes");
    }
    archive.finish().expect("an archive").into_inner()
}
