//! What kind of file something is, by its first bytes.

use std::{fs::File, io::Read, path::Path};

use files::{Action, failed};

use crate::error::Error;

/// Which kind of checkpoint a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PyTorch's: a zip archive, or pickles.
    Torch,
    /// A safetensors file.
    Safetensors,
}

/// The kind that a file's first bytes say it is, whatever its name.
///
/// # Errors
/// If it cannot be read or is neither; the error says what it is, where its first bytes tell.
pub(crate) fn detect(path: &Path) -> Result<Kind, Error> {
    if path.exists() && !path.is_file() {
        return Err(Error::NoFile { path: path.to_owned(), is_folder: path.is_dir() });
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    read.map_err(failed(Action::Read, path))?;
    of_bytes(&start).ok_or_else(|| {
        let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        let found = if named && start.len() < 9 && !start.is_empty() {
            format!("a safetensors file that was cut off after {} bytes", start.len())
        } else {
            what_else(&start)
        };
        Error::SomethingElse { path: path.to_owned(), found }
    })
}

pub(crate) fn of_bytes(start: &[u8]) -> Option<Kind> {
    // The header of a safetensors file follows its length in eight bytes.
    if start.get(8) == Some(&b'{') {
        return Some(Kind::Safetensors);
    }
    (start.starts_with(b"PK") || start.starts_with(b"\x80")).then_some(Kind::Torch)
}

/// What people take for checkpoints, by how it begins.
const OTHERS: [(&[u8], &str); 16] = [
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"RIFF", "a WebP picture or a recording"),
    (b"\x1f\x8b", "a file compressed by gzip"),
    (b"\xfd7zXZ", "a file compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file (Keras, MATLAB)"),
    (b"GGUF", "a GGUF file"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, which stands for a file that was not fetched (`git lfs pull` fetches it)",
    ),
    // The version of the format, then who wrote it.
    (b"\x08", "an ONNX model, it seems"),
];

pub(crate) fn what_else(start: &[u8]) -> String {
    let known = OTHERS.iter().find(|(bytes, _)| start.starts_with(bytes));
    let text = || {
        // A character may be cut off where reading stopped.
        let text = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&start[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        text.filter(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
    };
    if let Some((_, name)) = known {
        return (*name).to_owned();
    }
    match text() {
        _ if start.is_empty() => "an empty file".to_owned(),
        Some(text) if text.trim_start().starts_with('<') => {
            "a page of HTML or XML, as a server sends in place of a file that it does not give".to_owned()
        }
        Some(_) => "a text".to_owned(),
        None => format!("a file that begins with the bytes {:02x?}", &start[..start.len().min(8)]),
    }
}
