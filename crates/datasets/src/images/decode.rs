//! Decoding.

use std::{error::Error as _, io::Cursor};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Pixels that any file may have, and how many more for each of its bytes: photographs have ten, flat colour in a JPEG file has 200.
const FREE: usize = 1 << 22;
const PER_BYTE: usize = 256;
const MOST: usize = 1 << 27;

/// What a decoder may take beside the pixels: rows, tables, a colour profile.
const BESIDE: u64 = 8 << 20;

/// The longest side that a file may have.
const LONGEST: usize = 1 << 16;

/// An RGB image, channels together, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RgbImage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl RgbImage {
    /// The planes one after the other.
    pub(crate) fn planes(&self) -> Vec<u8> {
        (0..3).flat_map(|plane| self.pixels.iter().skip(plane).step_by(3).copied()).collect()
    }
}

/// Decodes a file; an error says what is wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    match format(bytes)? {
        ImageFormat::Jpeg => jpeg(bytes),
        format => other(bytes, format),
    }
}

/// Width and height, from the header alone.
pub(crate) fn size(bytes: &[u8]) -> Result<(usize, usize), String> {
    let (width, height) = match format(bytes)? {
        ImageFormat::Jpeg => jpeg_header(bytes)?.1,
        format => reader(bytes, format).map(|decoder| decoder.dimensions()).map(wide)?,
    };
    check(bytes, width, height)?;
    Ok((width, height))
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

type Jpeg<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn jpeg_header(bytes: &[u8]) -> Result<(Jpeg<'_>, (usize, usize)), String> {
    let options = DecoderOptions::new_fast()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(LONGEST)
        .set_max_height(LONGEST);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(jpeg_problem)?;
    let info = decoder.info().ok_or("it has no size")?;
    Ok((decoder, (info.width.into(), info.height.into())))
}

fn jpeg(bytes: &[u8]) -> Result<RgbImage, String> {
    let (mut decoder, (width, height)) = jpeg_header(bytes)?;
    check(bytes, width, height)?;
    if !has_end(bytes) {
        return Err("it is cut short".to_owned());
    }
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or("it has no size")?];
    decoder.decode_into(&mut pixels).map_err(jpeg_problem)?;
    if pixels.len() != 3 * width * height {
        return Err(format!("it has {} bytes of pixels, not {width}×{height}×3", pixels.len()));
    }
    Ok(RgbImage { width, height, pixels })
}

/// Whether a JPEG file has an end after its last scan. The decoder would make up what is missing.
fn has_end(bytes: &[u8]) -> bool {
    let mut markers = bytes.windows(2).rev().filter(|pair| pair[0] == 0xff && matches!(pair[1], 0xd9 | 0xda));
    markers.next().is_some_and(|marker| marker[1] == 0xd9)
}

fn other(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, String> {
    let decoder = reader(bytes, format)?;
    let (width, height) = wide(decoder.dimensions());
    check(bytes, width, height)?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| problem(format, &error))?;
    Ok(RgbImage { width, height, pixels: rgb(image) })
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

/// What is wrong with a JPEG file. Its decoder speaks of itself in some errors, and of what people look for in none.
fn jpeg_problem(error: DecodeErrors) -> String {
    match error {
        DecodeErrors::Unsupported(_) => {
            "it is a JPEG image of a kind that is not read here (lossless, or with arithmetic coding); save it as a usual one"
                .to_owned()
        }
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => CUT_SHORT.to_owned(),
        error => damaged("JPEG", &error.to_string()),
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
