//! What a file is that is none of those that are read, by its first bytes.

use std::{io::Read, path::Path};

use crate::packed::open_regular;

/// How far texts are looked for in a file.
const TEXT: usize = 512;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// As it stands behind "is".
    pub(crate) name: &'static str,
    /// What to do about a file that is not what its name says.
    pub(crate) remedy: Option<&'static str>,
}

impl Kind {
    /// What a file is, if that is known; nothing for one that cannot be read.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let mut start = Vec::new();
        open_regular(path).ok()?.0.take(TEXT as u64).read_to_end(&mut start).ok()?;
        Self::of(&start)
    }

    /// What a file is that begins so, if it is known.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).trim_start().to_lowercase();
        let other = |name, remedy| Some(Self { name, remedy: Some(remedy) });
        if bytes.is_empty() {
            return other("an empty file", "copy or fetch it again");
        }
        if start.starts_with("version https://git-lfs.github.com/spec") {
            return other("a pointer of Git LFS to a file that is not here", "run `git lfs pull`");
        }
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            return other("an HTML page, as servers send it in place of a file", "fetch it again");
        }
        let name = by_bytes(bytes).or_else(|| start.contains("<svg").then_some("an SVG drawing"))?;
        Some(Self { name, remedy: None })
    }
}

fn by_bytes(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => "an AVIF image",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
        | [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i', b'f', b'1', ..] => "a HEIC image",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a video, or another file of that family",
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => "a JPEG XL image",
        [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => "a JPEG 2000 image",
        [0xff, 0xd8, 0xff, ..] => "a JPEG image",
        [0x89, b'P', b'N', b'G', ..] => "a PNG image",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [b'M', b'A', b'T', b'L', b'A', b'B', b' ', ..] => "a file of MATLAB",
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => "an Arrow file",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'7', b'z', 0xbc, 0xaf, ..] => "a 7-Zip archive",
        [b'R', b'a', b'r', b'!', ..] => "a RAR archive",
        [0x1f, 0x8b, ..] => "a file compressed by gzip",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop document",
        [0x80, 2..=5, ..] => "a pickle",
        _ => return None,
    })
}
