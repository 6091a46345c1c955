//! Files as other programs write them, for the tests of the readers.
#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod tables;

use std::io::Write;

/// A tar archive of regular files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        member(&mut archive, name, b'0', content);
    }
    archive.extend([0; 1024]);
    archive
}

/// Appends a member of any type.
pub(crate) fn member(archive: &mut Vec<u8>, name: &str, kind: u8, content: &[u8]) {
    archive.extend(header(name, kind, content.len() as u64));
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// A ustar header with its checksum.
pub(crate) fn header(name: &str, kind: u8, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    deflate(content, flate2::Compression::fast())
}

/// As small as it gets.
pub(crate) fn gzip_best(content: &[u8]) -> Vec<u8> {
    deflate(content, flate2::Compression::best())
}

fn deflate(content: &[u8], level: flate2::Compression) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// With a window of 64 MiB, the largest that people use.
pub(crate) fn xz(content: &[u8]) -> Vec<u8> {
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(9)).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

/// A zip archive of files; every second one is stored as it is, the others compressed.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (place, (name, content)) in files.iter().enumerate() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        let (method, packed) =
            if place % 2 == 0 { (0u16, content.to_vec()) } else { (8, encoder.finish().unwrap()) };
        let mut checksum = flate2::Crc::new();
        checksum.update(content);
        // Version, flags, method, time and date; checksum; sizes; lengths of the name and of what is extra.
        let mut fields: Vec<u8> =
            [20u16, 0, method, 0, 0x21].iter().flat_map(|field| field.to_le_bytes()).collect();
        fields.extend(checksum.sum().to_le_bytes());
        fields.extend([packed.len() as u32, content.len() as u32].iter().flat_map(|size| size.to_le_bytes()));
        fields.extend([name.len() as u16, 0].iter().flat_map(|length| length.to_le_bytes()));
        directory.extend([b"PK\x01\x02\x14\x03", &fields[..], &[0; 10]].concat());
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), &packed].concat());
    }
    let (start, count) = (archive.len() as u32, files.len() as u16);
    let size = directory.len() as u32;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, count].iter().flat_map(|count| count.to_le_bytes()));
    archive.extend([size, start].iter().flat_map(|field| field.to_le_bytes()));
    archive.extend([0, 0]);
    archive
}

pub(crate) fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The opcodes of Python 2's cPickle, protocol 2.
#[derive(Default)]
pub(crate) struct Pickle {
    pub(crate) bytes: Vec<u8>,
    memo: u8,
}

impl Pickle {
    pub(crate) fn op(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self
    }

    /// A `str`, put into the memo.
    pub(crate) fn string(&mut self, text: &[u8]) -> &mut Self {
        match u8::try_from(text.len()) {
            Ok(length) => self.op(&[b'U', length]),
            Err(_) => self.op(b"T").op(&(text.len() as u32).to_le_bytes()),
        };
        self.op(text).put()
    }

    pub(crate) fn put(&mut self) -> &mut Self {
        self.memo = self.memo.wrapping_add(1);
        let memo = self.memo;
        self.op(&[b'q', memo])
    }

    pub(crate) fn number(&mut self, number: u32) -> &mut Self {
        match number {
            0..256 => self.op(&[b'K', number as u8]),
            256..65536 => self.op(b"M").op(&(number as u16).to_le_bytes()),
            _ => self.op(b"J").op(&number.to_le_bytes()),
        }
    }

    pub(crate) fn numbers(&mut self, numbers: &[u8]) -> &mut Self {
        self.op(b"]").put().op(b"(");
        numbers.iter().for_each(|&number| {
            self.number(u32::from(number));
        });
        self.op(b"e")
    }

    pub(crate) fn strings(&mut self, strings: &[&str]) -> &mut Self {
        self.op(b"]").put().op(b"(");
        strings.iter().for_each(|string| {
            self.string(string.as_bytes());
        });
        self.op(b"e")
    }

    /// numpy.ndarray of uint8 with two sides, as NumPy's `__reduce__` gives it.
    pub(crate) fn matrix(&mut self, rows: u32, columns: u32, data: &[u8]) -> &mut Self {
        self.op(b"cnumpy.core.multiarray\n_reconstruct\n").put();
        self.op(b"cnumpy\nndarray\n").put().op(b"K\x00\x85").put();
        self.string(b"b").op(b"\x87").put().op(b"R").put();
        self.op(b"(K\x01").number(rows).number(columns).op(b"\x86").put();
        self.op(b"cnumpy\ndtype\n").put().string(b"u1").op(b"K\x00K\x01\x87").put().op(b"R").put();
        self.op(b"(K\x03").string(b"|").op(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t").put();
        self.op(b"b\x89").string(data).op(b"t").put().op(b"b")
    }
}

/// A batch as its authors wrote it: `keys` are those of lists of labels.
pub(crate) fn batch(keys: &[(&str, &[u8])], pixels: &[u8]) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02}").put().op(b"(");
    pickle.string(b"batch_label").string(b"training batch 1 of 5");
    for (key, labels) in keys {
        pickle.string(key.as_bytes()).numbers(labels);
    }
    pickle.string(b"data").matrix((pixels.len() / 3072) as u32, 3072, pixels);
    let names: Vec<String> = (0..pixels.len() / 3072).map(|i| format!("image_s_{i:06}.png")).collect();
    pickle.string(b"filenames").strings(&names.iter().map(String::as_str).collect::<Vec<_>>());
    pickle.op(b"u.");
    pickle.bytes
}

/// A file of class names.
pub(crate) fn names(key: &str, names: &[&str]) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.op(b"\x80\x02}").put().op(b"(");
    pickle.string(b"num_cases_per_batch").number(10_000);
    pickle.string(key.as_bytes()).strings(names).op(b"u.");
    pickle.bytes
}
