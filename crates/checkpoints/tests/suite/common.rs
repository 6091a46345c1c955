//! PyTorch files for tests: the committed ones, and such as nobody's PyTorch would write.
use std::io::{Cursor, Write};

use std::collections::BTreeMap;

use candle_core::Tensor;
use checkpoints::{CheckpointFile, Error, Wanted};
use models::Normaliser;

use zip::{ZipWriter, write::SimpleFileOptions};

/// What `data/torch_files.py` wrote.
pub(crate) const ZIP: &[u8] = include_bytes!("../data/small_zip.pt");
pub(crate) const LEGACY: &[u8] = include_bytes!("../data/small_legacy.pt");
pub(crate) const PROTOCOL_4: &[u8] = include_bytes!("../data/bare_protocol4.pt");

/// What is read of a file, of whatever network it is.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) tensors: BTreeMap<String, Tensor>,
    pub(crate) normaliser: Option<(Normaliser, String)>,
}

/// Reads all that a file has.
pub(crate) fn read(mut file: CheckpointFile, wanted: Wanted<'_>) -> Result<Read, Error> {
    let found = file.recognise(wanted)?;
    Ok(Read { tensors: file.load(&found)?, normaliser: file.normaliser_of(&found)? })
}

/// The weights in bytes.
pub(crate) fn load(bytes: &[u8]) -> Result<Read, Error> {
    read(CheckpointFile::from_bytes(bytes.to_vec())?, Wanted::default())
}

/// A zip archive in PyTorch's layout with this pickle and these storages.
pub(crate) fn archive(pickle: &[u8], storages: &[&[u8]]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let numbers = storages.iter().enumerate().map(|(key, bytes)| (format!("a/data/{key}"), *bytes));
    for (name, bytes) in std::iter::once(("a/data.pkl".to_owned(), pickle)).chain(numbers) {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, options).expect("a member");
        archive.write_all(bytes).expect("a member's bytes");
    }
    archive.finish().expect("an archive").into_inner()
}

/// The same pickle in the legacy format, with no storages listed.
pub(crate) fn legacy(pickle: &[u8]) -> Vec<u8> {
    let end_of_system = LEGACY.windows(4).position(|bytes| bytes == b"long").expect("the sizes of types");
    let start =
        LEGACY[end_of_system..].iter().position(|&byte| byte == b'.').expect("its end") + end_of_system + 1;
    [&LEGACY[..start], pickle, b"\x80\x02].", &[0; 64]].concat()
}

/// `{"conv1.weight": <tensor>}` for a tensor of storage 0 with `count` numbers.
pub(crate) fn tensor_pickle(count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let long = |value: i64| [&[0x8a, 8][..], &value.to_le_bytes()].concat();
    let tuple = |values: &[i64]| {
        let all: Vec<u8> = values.iter().flat_map(|&value| long(value)).collect();
        [b"(", all.as_slice(), b"t"].concat()
    };
    let parts: [&[u8]; 9] = [
        b"\x80\x02}X\x0c\0\0\0conv1.weightctorch._utils\n_rebuild_tensor_v2\n(",
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu",
        &long(count),
        b"tQ",
        &long(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89}tR",
        b"s.",
    ];
    parts.concat()
}

/// A small generator of numbers, the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}
