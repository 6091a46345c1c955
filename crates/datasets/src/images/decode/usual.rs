//! The formats that the crate `image` decodes: PNG, BMP, PPM, WebP and TIFF.

use std::{error::Error as _, io::Cursor};

use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader,
    metadata::Orientation,
};

use super::{
    cmyk,
    limits::{CUT_SHORT, damaged, most},
};

/// What a decoder may take beside the pixels: rows, tables, a colour profile.
const BESIDE: u64 = 8 << 20;

/// A file whose header was read.
pub(crate) struct Usual<'a> {
    bytes: &'a [u8],
    format: ImageFormat,
    size: (usize, usize),
    orientation: Orientation,
}

impl<'a> Usual<'a> {
    /// Reads the header of a file; an error says what is wrong with it.
    pub(super) fn open(bytes: &'a [u8], format: ImageFormat) -> Result<Self, String> {
        let mut decoder = reader(bytes, format)?;
        let (width, height) = decoder.dimensions();
        let mut size = (width as usize, height as usize);
        // Pillow turns TIFF images as they say, and no others.
        let orientation = match format {
            ImageFormat::Tiff => decoder.orientation().unwrap_or(Orientation::NoTransforms),
            _ => Orientation::NoTransforms,
        };
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        if matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH) {
            size = (size.1, size.0);
        }
        let is_float = matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F);
        if is_float {
            return Err(unsupported(format));
        }
        Ok(Self { bytes, format, size, orientation })
    }

    /// Width and height.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// All pixels; an error says what is wrong with the file.
    pub(super) fn pixels(&self) -> Result<Vec<[u8; 4]>, String> {
        let decoder = reader(self.bytes, self.format)?;
        let is_upright = self.orientation == Orientation::NoTransforms;
        if decoder.original_color_type() == ExtendedColorType::Cmyk8
            && is_upright
            && let Some(pixels) = cmyk::pixels(self.bytes, most(self.bytes))
        {
            return Ok(pixels);
        }
        let image = DynamicImage::from_decoder(decoder);
        let mut image = image.map_err(|error| problem(self.format, &error))?;
        image.apply_orientation(self.orientation);
        let rgb = rgb(image);
        Ok(rgb.as_chunks().0.iter().map(|&[red, green, blue]| [red, green, blue, 255]).collect())
    }
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

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Bmp => "BMP",
        ImageFormat::Pnm => "PPM",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        _ => "PNG",
    }
}

fn unsupported(format: ImageFormat) -> String {
    format!("it is a {} image of a kind that is not read here; save it as a usual one", name(format))
}

/// What is wrong with a file.
fn problem(format: ImageFormat, error: &ImageError) -> String {
    match error {
        ImageError::Limits(_) => format!("its {} data take more memory than an image may", name(format)),
        ImageError::Unsupported(_) => unsupported(format),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            CUT_SHORT.to_owned()
        }
        // The error that the format's decoder gave says more than what is wrapped around it.
        error => {
            let detail = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            damaged(name(format), &detail)
        }
    }
}
