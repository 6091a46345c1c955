//! Decoding.

use std::{error::Error as _, io::Cursor};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use jpeg::{Jpeg, Part};

/// Pixels that any file may have, and how many more for each of its bytes: photographs have ten, flat colour in a JPEG file has 200.
const FREE: usize = 1 << 22;
const PER_BYTE: usize = 256;
const MOST: usize = 1 << 27;

/// What a decoder may take beside the pixels: rows, tables, a colour profile.
const BESIDE: u64 = 8 << 20;

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
    Other { bytes: &'a [u8], format: ImageFormat, size: (usize, usize) },
}

/// Reads the header of a file; an error says what is wrong with it.
pub(crate) fn open(bytes: &[u8]) -> Result<ImageFile<'_>, String> {
    let file = match format(bytes)? {
        ImageFormat::Jpeg => ImageFile::Jpeg(Jpeg::open(bytes).map_err(jpeg_problem)?),
        format => {
            let size = reader(bytes, format).map(|decoder| wide(decoder.dimensions()))?;
            ImageFile::Other { bytes, format, size }
        }
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
            Self::Other { size, .. } => *size,
        }
    }

    /// All of the image; an error says what is wrong with the file.
    pub(crate) fn decode_all(&self) -> Result<RgbImage, String> {
        match self {
            Self::Jpeg(file) => {
                let pixels = file.decode(file.whole()).map_err(jpeg_problem)?;
                Ok(RgbImage { width: file.width(), height: file.height(), pixels })
            }
            Self::Other { bytes, format, .. } => other(bytes, *format),
        }
    }

    /// Hands the rows of a part of the image on; an error says what is wrong with the file, wherever that is.
    pub(crate) fn rows(&self, part: Part, mut take: impl FnMut(&[[u8; 4]])) -> Result<(), String> {
        match self {
            Self::Jpeg(file) => file.decode_rows(part, take).map_err(jpeg_problem),
            Self::Other { bytes, format, .. } => {
                let whole = other(bytes, *format)?;
                let rows = whole.pixels.chunks_exact(whole.width).skip(part.top).take(part.height);
                rows.for_each(|row| take(&row[part.left..part.left + part.width]));
                Ok(())
            }
        }
    }
}

fn format(bytes: &[u8]) -> Result<ImageFormat, String> {
    use ImageFormat::{Bmp, Jpeg, Png, Pnm, WebP};
    const READ: &str = "JPEG, PNG, BMP, PPM or WebP";
    match image::guess_format(bytes) {
        Ok(known @ (Bmp | Jpeg | Png | Pnm | WebP)) => Ok(known),
        Ok(other) => {
            let other = format!("{other:?}").to_uppercase();
            Err(format!("it is a {other} image, which is not read here; save it as {READ}"))
        }
        Err(_) => Err(format!("it is no {READ} image")),
    }
}

fn other(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, String> {
    let decoder = reader(bytes, format)?;
    let (width, height) = wide(decoder.dimensions());
    let image = DynamicImage::from_decoder(decoder).map_err(|error| problem(format, &error))?;
    let pixels = rgb(image).as_chunks().0.iter().map(|&[red, green, blue]| [red, green, blue, 255]).collect();
    Ok(RgbImage { width, height, pixels })
}

fn reader(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder + '_, String> {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(BESIDE);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| problem(format, &error))
}

fn rgb(image: DynamicImage) -> Vec<u8> {
    let upper = |value: &u16| (value >> 8) as u8;
    match image {
        DynamicImage::ImageLuma16(image) => {
            image.as_raw().iter().flat_map(|value| [upper(value); 3]).collect()
        }
        DynamicImage::ImageLumaA16(image) => {
            image.as_raw().chunks_exact(2).flat_map(|pixel| [upper(&pixel[0]); 3]).collect()
        }
        DynamicImage::ImageRgb16(image) => image.as_raw().iter().map(upper).collect(),
        DynamicImage::ImageRgba16(image) => image
            .as_raw()
            .chunks_exact(4)
            .flat_map(|pixel| pixel[..3].iter().map(upper).collect::<Vec<_>>())
            .collect(),
        image => image.into_rgb8().into_raw(),
    }
}

/// Data that say that more of them follow, and end.
const CUT_SHORT: &str = "it is cut short or damaged";

/// What is wrong with a JPEG file.
fn jpeg_problem(error: jpeg::Error) -> String {
    match error {
        jpeg::Error::NotJpeg => CUT_SHORT.to_owned(),
        jpeg::Error::CutShort => "it is cut short".to_owned(),
        jpeg::Error::Damaged(detail) => damaged("JPEG", detail),
        error => format!("{error}; save it as a usual one"),
    }
}

/// What is wrong with a file of another format.
fn problem(format: ImageFormat, error: &ImageError) -> String {
    let name = match format {
        ImageFormat::Bmp => "BMP",
        ImageFormat::Pnm => "PPM",
        ImageFormat::WebP => "WebP",
        _ => "PNG",
    };
    match error {
        ImageError::Limits(_) => format!("its {name} data take more memory than an image may"),
        ImageError::Unsupported(_) => {
            format!("it is a {name} image of a kind that is not read here; save it as a usual one")
        }
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            CUT_SHORT.to_owned()
        }
        // The error that the format's decoder gave says more than what is wrapped around it.
        error => damaged(name, &error.source().map_or_else(|| error.to_string(), ToString::to_string)),
    }
}

/// What a decoder says follows in brackets, if it is short.
fn damaged(format: &str, detail: &str) -> String {
    const LONGEST: usize = 80;
    let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_short = (1..=LONGEST).contains(&detail.chars().count());
    let detail = if is_short { format!(" ({})", detail.trim_matches('"')) } else { String::new() };
    format!("its {format} data are damaged{detail}")
}

/// Width and height as the rest of this crate has them.
fn wide((width, height): (u32, u32)) -> (usize, usize) {
    (width as usize, height as usize)
}

fn most(bytes: &[u8]) -> usize {
    MOST.min(FREE + PER_BYTE.saturating_mul(bytes.len()))
}

fn check(bytes: &[u8], width: usize, height: usize) -> Result<(), String> {
    let is_sound = width > 0 && height > 0 && width <= LONGEST && height <= LONGEST;
    if is_sound && width * height <= most(bytes) {
        return Ok(());
    }
    Err(format!("it claims {width}×{height} pixels in a file of {} bytes", bytes.len()))
}
