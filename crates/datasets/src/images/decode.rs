//! Decoding.

mod cmyk;
mod format;
mod gif;
mod limits;
mod usual;

use jpeg::{Jpeg, Part};

use self::{
    format::Format,
    gif::Gif,
    limits::{CUT_SHORT, damaged, most},
    usual::Usual,
};

/// The longest side that a file may have.
const LONGEST: usize = 1 << 16;

/// An image, channels together, row by row from the top: red, green, blue and one that is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RgbImage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl RgbImage {
    /// The planes one after the other.
    pub(crate) fn planes(&self) -> Vec<u8> {
        (0..3).flat_map(|plane| self.pixels.iter().map(move |pixel| pixel[plane])).collect()
    }
}

/// A file whose header was read.
pub(crate) enum ImageFile<'a> {
    Jpeg(Jpeg<'a>),
    Gif(Gif<'a>),
    Usual(Usual<'a>),
}

/// Reads the header of a file; an error says what is wrong with it.
pub(crate) fn open(bytes: &[u8]) -> Result<ImageFile<'_>, String> {
    let file = match format::of(bytes)? {
        Format::Jpeg => ImageFile::Jpeg(Jpeg::open(bytes).map_err(jpeg_problem)?),
        Format::Gif => ImageFile::Gif(Gif::open(bytes)?),
        Format::Usual(format) => ImageFile::Usual(Usual::open(bytes, format)?),
    };
    let (width, height) = file.size();
    check(bytes, width, height)?;
    Ok(file)
}

impl ImageFile<'_> {
    /// Width and height.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Self::Jpeg(file) => (file.width(), file.height()),
            Self::Gif(file) => file.size(),
            Self::Usual(file) => file.size(),
        }
    }

    /// All of the image; an error says what is wrong with the file.
    pub(crate) fn decode_all(&self) -> Result<RgbImage, String> {
        let (width, height) = self.size();
        let pixels = match self {
            Self::Jpeg(file) => file.decode(file.whole()).map_err(jpeg_problem),
            Self::Gif(file) => file.pixels(),
            Self::Usual(file) => file.pixels(),
        };
        Ok(RgbImage { width, height, pixels: pixels? })
    }

    /// Hands the rows of a part of the image on; an error says what is wrong with the file, wherever that is.
    pub(crate) fn rows(&self, part: Part, mut take: impl FnMut(&[[u8; 4]])) -> Result<(), String> {
        if let Self::Jpeg(file) = self {
            return file.decode_rows(part, take).map_err(jpeg_problem);
        }
        let whole = self.decode_all()?;
        let rows = whole.pixels.chunks_exact(whole.width).skip(part.top).take(part.height);
        rows.for_each(|row| take(&row[part.left..part.left + part.width]));
        Ok(())
    }
}

/// What is wrong with a JPEG file.
fn jpeg_problem(error: jpeg::Error) -> String {
    match error {
        jpeg::Error::NotJpeg => CUT_SHORT.to_owned(),
        jpeg::Error::CutShort => "it is cut short".to_owned(),
        jpeg::Error::Damaged(detail) => damaged("JPEG", detail),
        error => format!("{error}; save it as a usual one"),
    }
}

fn check(bytes: &[u8], width: usize, height: usize) -> Result<(), String> {
    let is_sound = width > 0 && height > 0 && width <= LONGEST && height <= LONGEST;
    if is_sound && width * height <= most(bytes) {
        return Ok(());
    }
    Err(format!("it claims {width}×{height} pixels in a file of {} bytes", bytes.len()))
}
