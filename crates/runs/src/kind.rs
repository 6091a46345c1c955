//! What kind of file something is, by its first bytes.

use std::{fs::File, io::Read, path::Path};

use files::{Action, failed};

use crate::{Error, names};

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
/// If it cannot be read or is neither; the message says what it is, where its first bytes tell.
pub(crate) fn detect(path: &Path) -> Result<Kind, Error> {
    if path.is_dir() {
        return Err(Error::Folder { path: path.to_owned(), suggestion: names::suggestion(path) });
    }
    if path.exists() && !path.is_file() {
        return Err(Error::SpecialFile { path: path.to_owned() });
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    read.map_err(failed(Action::Read, path))?;
    // The header of a safetensors file follows its length in eight bytes.
    if start.get(8) == Some(&b'{') {
        return Ok(Kind::Safetensors);
    }
    if start.starts_with(b"PK") || start.starts_with(b"\x80") {
        return Ok(Kind::Torch);
    }
    Err(Error::NoCheckpoint { path: path.to_owned(), found: what_else(&start) })
}

/// What people take for checkpoints, by how it begins.
const OTHERS: [(&[u8], &str); 14] = [
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
];

fn what_else(start: &[u8]) -> String {
    let known = OTHERS.iter().find(|(bytes, _)| start.starts_with(bytes));
    let is_text = || {
        // A character may be cut off where reading stopped.
        let text = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&start[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        text.is_some_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
    };
    match known {
        Some((_, name)) => (*name).to_owned(),
        None if start.is_empty() => "an empty file".to_owned(),
        None if is_text() => "a text".to_owned(),
        None => format!("a file that begins with the bytes {:02x?}", &start[..start.len().min(8)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_known_by_its_content() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let cases: [(&str, &[u8], Kind); 3] = [
            ("zip.safetensors", b"PK\x03\x04 and so on", Kind::Torch),
            ("pickle.bin", b"\x80\x02}q\x00 and so on", Kind::Torch),
            ("ours.pt", b"\x80\x01\0\0\0\0\0\0{\"a\": 1}", Kind::Safetensors),
        ];
        for (name, content, expected) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, content)?;
            assert_eq!(detect(&path)?, expected, "{name}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_checkpoint_is_called_what_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("photo.jpg");
        let cases: [(&[u8], &str); 5] = [
            (b"\xff\xd8\xff\xe0 and so on", "this is a JPEG picture, not a checkpoint"),
            (b"", "this is an empty file"),
            ("not one: wörds\n".as_bytes(), "this is a text"),
            (&[255; 64], "begins with the bytes [ff, ff, ff, ff, ff, ff, ff, ff]"),
            (b"\x93NUMPY\x01", "this is a NumPy array"),
        ];
        for (content, words) in cases {
            std::fs::write(&path, content)?;
            let said = detect(&path).expect_err("no checkpoint").to_string();
            assert!(
                said.contains(words) && said.contains("photo.jpg") && said.contains(".safetensors"),
                "{said}"
            );
        }
        Ok(())
    }
}
