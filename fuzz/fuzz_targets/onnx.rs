//! Bytes as an ONNX file: an error or a network that runs, never a panic.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let model = onnx::Model::from_bytes(bytes.to_vec(), Path::new("no/such/folder/file.onnx"));
    let network = model.and_then(|model| model.network([8, 8]));
    if let Err(error) = network {
        let said = error.to_string();
        assert!(!said.contains('\n'), "one line: {said}");
    }
});
