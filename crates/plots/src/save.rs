//! The same drawing as PNG and as SVG.
//!
//! ```text
//! Figure ─ draw ─ Canvas ┬ BitMapBackend, 4 units a logical pixel ─ mean of 2×2 ─ PNG, 2 pixels each
//!                        └ SVGBackend,    4 units a logical pixel ─ view box ──── SVG, 1 unit each
//! ```
//!
//! Both are complete in memory before a file is touched.

use std::path::{Path, PathBuf};

use files::write_atomically;
use plotters::prelude::*;

use crate::{
    Error,
    canvas::{Canvas, Drawn, Resolution},
    text::LINE_HEIGHT,
};

/// PNG pixels per logical pixel.
pub(crate) const SHARPNESS: u32 = 2;

/// Pixels drawn per PNG pixel, each way: their mean smooths edges and places letters to a fraction of a pixel, neither
/// of which plotters' bitmaps do.
const OVERSAMPLING: u32 = 2;

/// SVG units per logical pixel: plotters' coordinates are whole numbers.
const FINENESS: u32 = 4;

/// Middle of digits above the baseline, in em: half of the font's cap height.
const DIGITS: f64 = 0.365;

/// Its font size is a line's height, and its text is centred on size/1.24 above a baseline at size/2.
const BITMAP: Resolution = Resolution {
    scale: (SHARPNESS * OVERSAMPLING) as f64,
    em: LINE_HEIGHT,
    drop: DIGITS - LINE_HEIGHT * (0.5 - 0.5 / 1.24),
};

/// It divides font sizes by 1.24 and centres text on half of the height of an x, 0.547 em.
const VECTOR: Resolution = Resolution { scale: FINENESS as f64, em: 1.24, drop: DIGITS - 0.5 * 0.547 };

/// What can be drawn on any backend.
pub(crate) trait Figure {
    /// Width and height in logical pixels.
    fn size(&self) -> (u32, u32);

    /// Draws everything.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B>;
}

/// An RGB picture, (height, width, 3).
pub(crate) struct Bitmap {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// Writes `{stem}.png` and `{stem}.svg`, each whole or not at all, and says where they are.
pub(crate) fn save(figure: &impl Figure, stem: &Path) -> Result<[PathBuf; 2], Error> {
    let (png, svg) = (with_extension(stem, "png"), with_extension(stem, "svg"));
    let bitmap = rasterise(figure).map_err(drawing_error(&png))?;
    save_png(&bitmap, &png)?;
    let text = vectorise(figure).map_err(drawing_error(&svg))?;
    write_atomically(&svg, text.as_bytes())?;
    Ok([png, svg])
}

/// The bytes of the PNG file that [`save`] writes.
pub(crate) fn png(figure: &impl Figure) -> Result<Vec<u8>, Error> {
    let drawn = rasterise(figure).and_then(|bitmap| bitmap.encode().map_err(|error| error.to_string()));
    drawn.map_err(drawing_error(Path::new("a picture in memory")))
}

/// Writes a picture, whole or not at all.
pub(crate) fn save_png(bitmap: &Bitmap, path: &Path) -> Result<(), Error> {
    let bytes = bitmap.encode().map_err(drawing_error(path))?;
    Ok(write_atomically(path, &bytes)?)
}

/// Appends an extension: a dot in a stem is part of the name.
pub(crate) fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{extension}"));
    stem.with_file_name(name)
}

pub(crate) fn drawing_error<E: ToString>(path: &Path) -> impl FnOnce(E) -> Error {
    let path = path.to_owned();
    move |cause| Error::Drawing { path, cause: cause.to_string() }
}

/// The figure as a picture, [`SHARPNESS`] pixels per logical pixel.
pub(crate) fn rasterise(figure: &impl Figure) -> Result<Bitmap, String> {
    let (width, height) = figure.size();
    let fine = (width * SHARPNESS * OVERSAMPLING, height * SHARPNESS * OVERSAMPLING);
    let mut buffer = vec![0; fine.0 as usize * fine.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut buffer, fine).into_drawing_area();
        figure.draw(&Canvas::new(&area, BITMAP)).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    let (width, height) = ((width * SHARPNESS) as usize, (height * SHARPNESS) as usize);
    Ok(Bitmap { width, height, rgb: halved(&buffer, fine.0 as usize) })
}

/// The figure as text, in a view box [`FINENESS`] times its size.
fn vectorise(figure: &impl Figure) -> Result<String, String> {
    let (width, height) = figure.size();
    let fine = (width * FINENESS, height * FINENESS);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, fine).into_drawing_area();
        figure.draw(&Canvas::new(&area, VECTOR)).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    let (drawn, wanted) = (size_attributes(fine), size_attributes((width, height)));
    // The others are XML's defaults; without them a large heat map is a quarter smaller. Quotes in texts are escaped.
    Ok(text.replacen(&drawn, &wanted, 1).replace(r#" opacity="1""#, "").replace(r#" stroke="none""#, ""))
}

fn size_attributes((width, height): (u32, u32)) -> String {
    format!(r#"width="{width}" height="{height}""#)
}

/// The mean of every 2×2 pixels of an RGB picture of even sides.
fn halved(rgb: &[u8], width: usize) -> Vec<u8> {
    let rows = rgb.chunks_exact(2 * 3 * width).map(|rows| rows.split_at(3 * width));
    let pixels = rows.flat_map(|(upper, lower)| upper.chunks_exact(6).zip(lower.chunks_exact(6)));
    let mean =
        |[a, b, c, d]: [u8; 4]| ((u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d) + 2) / 4) as u8;
    pixels.flat_map(|(u, l)| [0, 1, 2].map(|i| mean([u[i], u[i + 3], l[i], l[i + 3]]))).collect()
}

impl Bitmap {
    fn encode(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_filter(png::FilterType::Paeth);
        encoder.set_compression(png::Compression::Default);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_takes_means_and_keeps_plain_colours() {
        let rgb = [[0, 255, 7], [1, 255, 7], [255, 255, 7], [255, 255, 7]].concat().repeat(2);
        assert_eq!(halved(&rgb, 4), [1, 255, 7, 255, 255, 7]);
    }

    #[test]
    fn dots_in_a_stem_stay() {
        assert_eq!(with_extension(Path::new("a/run.v2"), "png"), Path::new("a/run.v2.png"));
    }

    #[test]
    fn a_failed_write_leaves_nothing_and_names_the_file() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("taken.png");
        std::fs::create_dir(&path)?;
        let bitmap = Bitmap { width: 1, height: 1, rgb: vec![0; 3] };
        let error = save_png(&bitmap, &path).expect_err("a folder has that name");
        assert!(error.to_string().contains("taken.png"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }
}
