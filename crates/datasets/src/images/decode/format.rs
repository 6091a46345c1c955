//! What a file is, by its first bytes.

use image::ImageFormat;

use crate::kind::Kind;

/// The formats that are read, by who decodes them.
pub(super) enum Format {
    Jpeg,
    Gif,
    /// One of the crate `image`.
    Usual(ImageFormat),
}

/// What to save an image as.
const READ: &str = "JPEG, PNG, BMP, PPM, WebP, TIFF or GIF";

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
    match (Kind::of(bytes), guessed) {
        (Some(Kind { name, remedy: Some(remedy) }), _) => format!("it is {name}; {remedy}"),
        (Some(Kind { name, remedy: None }), _) => {
            format!("it is {name}, which is not read here; save it as {READ}")
        }
        (None, Some(other)) => {
            let name = format!("{other:?}").to_uppercase();
            format!("it is a {name} image, which is not read here; save it as {READ}")
        }
        (None, None) => format!("it is no {READ} image"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named() {
        for (bytes, words) in [
            (&b""[..], "it is an empty file; copy or fetch it again"),
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
