//! What a file is, by its first bytes.

use image::ImageFormat;

/// The formats that are read, by who decodes them.
pub(super) enum Format {
    Jpeg,
    Gif,
    /// One of the crate `image`.
    Usual(ImageFormat),
}

/// What to save an image as.
const READ: &str = "JPEG, PNG, BMP, PPM, WebP, TIFF or GIF";

/// How far texts are looked for in a file.
const TEXT: usize = 512;

/// The format of a file; an error says what else it is.
pub(super) fn of(bytes: &[u8]) -> Result<Format, String> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok(Format::Jpeg),
        Ok(ImageFormat::Gif) => Ok(Format::Gif),
        Ok(
            known @ (ImageFormat::Bmp
            | ImageFormat::Pnm
            | ImageFormat::Png
            | ImageFormat::Tiff
            | ImageFormat::WebP),
        ) => Ok(Format::Usual(known)),
        other => Err(unread(bytes, other.ok())),
    }
}

/// What a file is that is not read, and what to do.
fn unread(bytes: &[u8], guessed: Option<ImageFormat>) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).trim_start().to_lowercase();
    if bytes.is_empty() {
        return "it is empty; copy or fetch it again".to_owned();
    }
    if start.starts_with("version https://git-lfs.github.com/spec") {
        return "it is a pointer of Git LFS to a file that is not here; run `git lfs pull`".to_owned();
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return "it is an HTML page, as servers send it in place of a file; fetch it again".to_owned();
    }
    match kind(bytes, &start) {
        Some(kind) => format!("it is {kind}, which is not read here; save it as {READ}"),
        None => match guessed {
            Some(other) => {
                let name = format!("{other:?}").to_uppercase();
                format!("it is a {name} image, which is not read here; save it as {READ}")
            }
            None => format!("it is no {READ} image"),
        },
    }
}

/// What else people have.
fn kind(bytes: &[u8], start: &str) -> Option<&'static str> {
    Some(match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => "an AVIF image",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
        | [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i', b'f', b'1', ..] => "a HEIC image",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a video, or another file of that family",
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => "a JPEG XL image",
        [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => "a JPEG 2000 image",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [0x1f, 0x8b, ..] => "a file compressed by gzip",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop document",
        _ if start.contains("<svg") => "an SVG drawing",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named() {
        for (bytes, words) in [
            (&b""[..], "it is empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
            (b"\n<!DOCTYPE html><title>404</title>", "an HTML page"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF image, which is not read here; save it as JPEG"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC image"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
            (b"<?xml version='1.0'?><svg>", "an SVG drawing"),
            (b"\0\0\x01\0\x01\0", "a ICO image"),
            (b"no image", "it is no JPEG, PNG"),
        ] {
            let Err(found) = of(bytes) else { panic!("{words}") };
            assert!(found.contains(words), "{found}");
        }
        assert!(matches!(of(b"GIF89a"), Ok(Format::Gif)));
    }
}
