//! Sheets of small images, magnified without smoothing.
//!
//! Captions are drawn as in every figure. The images are then copied into the finished picture pixel by pixel:
//! no backend and no smoothing touches them.

use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::{
    Error,
    canvas::{Anchor, Canvas, Drawn, Ink},
    header::Header,
    ink::INK,
    save::{Bitmap, Figure, SHARPNESS, drawing_error, rasterise, save_png, with_extension},
    text::{size, width, wrap},
};

/// A small RGB image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    height: usize,
    width: usize,
    /// Planar, (3, height, width).
    planes: Vec<u8>,
}

impl Thumbnail {
    /// From bytes in (3, height, width) order.
    ///
    /// # Errors
    /// If there are not 3·height·width of them, or none.
    pub fn from_bytes(planes: &[u8], height: usize, width: usize) -> Result<Self, Error> {
        check_size(planes.len(), height, width)?;
        Ok(Self { height, width, planes: planes.to_vec() })
    }

    /// From values in (3, height, width) order where 0 is black and 1 is full light: the nearest byte to 255 times the value,
    /// what lies outside [0, 1] cut off.
    ///
    /// # Errors
    /// If there are not 3·height·width of them, or none, or one is not finite.
    pub fn from_unit(planes: &[f32], height: usize, width: usize) -> Result<Self, Error> {
        check_size(planes.len(), height, width)?;
        if let Some(index) = planes.iter().position(|value| !value.is_finite()) {
            let (channel, row, column) = (index / (height * width), index / width % height, index % width);
            let what = format!("an image, channel {channel}, row {row}, column {column},");
            return Err(Error::NotFinite { what, value: f64::from(planes[index]) });
        }
        let planes = planes.iter().map(|value| (255.0 * value.clamp(0.0, 1.0)).round() as u8).collect();
        Ok(Self { height, width, planes })
    }

    /// Red, green and blue.
    fn pixel(&self, row: usize, column: usize) -> [u8; 3] {
        [0, 1, 2].map(|channel| self.planes[(channel * self.height + row) * self.width + column])
    }
}

/// One row of a sheet; rows may differ in length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// Stands to the left of the images, in up to three lines.
    pub caption: String,
    /// All of one size.
    pub images: Vec<Thumbnail>,
}

/// Rows of small images with captions. Each pixel becomes a square of whole pixels, so the sheet shows exactly what a
/// network sees.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plots::{ContactSheet, SheetRow, Thumbnail};
/// let grey = Thumbnail::from_unit(&[0.5; 3 * 32 * 32], 32, 32)?;
/// let rows = vec![SheetRow { caption: "grey".into(), images: vec![grey; 10] }];
/// let folder = tempfile::tempdir()?;
/// let png = ContactSheet::new("Ten of a class", "synthetic", rows)?.save(&folder.path().join("sheet"))?;
/// assert!(png.ends_with("sheet.png"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ContactSheet {
    title: String,
    subtitle: String,
    rows: Vec<SheetRow>,
    /// Height and width of every image.
    image: (usize, usize),
    factor: usize,
}

/// The default magnification makes images at least this large, in PNG pixels.
const LEAST_SIDE: usize = 128;
/// More pixels than these are refused; drawing takes twelve bytes for each, and three more.
const MOST_PIXELS: usize = 25_000_000;

/// In logical pixels.
const MARGIN: f64 = 16.0;
/// Between images.
const GAP: f64 = 5.0;
/// Wider captions are broken.
const CAPTION_MOST: f64 = 160.0;
/// Titles have at least this room.
const HEADER_LEAST: f64 = 300.0;
/// Distance of a caption's lines.
const CAPTION_LINE: f64 = 14.0;
const CAPTION: Ink = Ink { size: size::TICK, color: INK };

impl ContactSheet {
    /// A sheet, its images magnified by the least whole number that makes them 128 PNG pixels high or wide.
    ///
    /// # Errors
    /// If there is no image, or images differ in size.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        rows: Vec<SheetRow>,
    ) -> Result<Self, Error> {
        let first = rows.iter().flat_map(|row| &row.images).next();
        let image =
            first.map(|first| (first.height, first.width)).ok_or(Error::Empty { expected: "image" })?;
        for row in &rows {
            let sizes = row.images.iter().map(|image| (image.height, image.width));
            if let Some(found) = sizes.into_iter().find(|&found| found != image) {
                return Err(Error::MixedSizes { row: row.caption.clone(), found, expected: image });
            }
        }
        let factor = LEAST_SIDE.div_ceil(image.0.max(image.1));
        Ok(Self { title: title.into(), subtitle: subtitle.into(), rows, image, factor })
    }

    /// The same with images magnified by another whole number; 0 counts as 1.
    pub fn with_factor(self, factor: usize) -> Self {
        Self { factor: factor.max(1), ..self }
    }

    /// Writes `{stem}.png` and returns its path.
    ///
    /// # Errors
    /// If the sheet would have more than 25 million pixels, or the file cannot be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<PathBuf, Error> {
        let path = with_extension(stem, "png");
        let layout = self.layout()?;
        let mut bitmap =
            rasterise(&Sheet { rows: &self.rows, layout: &layout }).map_err(drawing_error(&path))?;
        for (row, images) in self.rows.iter().map(|row| &row.images).enumerate() {
            for (column, image) in images.iter().enumerate() {
                self.paste(image, layout.tile(row, column), &mut bitmap);
            }
        }
        save_png(&bitmap, &path)?;
        Ok(path)
    }

    fn layout(&self) -> Result<Layout, Error> {
        let columns = self.rows.iter().map(|row| row.images.len()).max().unwrap_or(0);
        let widest = self.rows.iter().map(|row| width(&row.caption, CAPTION.size)).fold(0.0, f64::max);
        let captions = if widest > 0.0 { widest.min(CAPTION_MOST).ceil() + 10.0 } else { 0.0 };
        let logical = |side: usize| (side as f64) * self.factor as f64 / f64::from(SHARPNESS);
        let tile = (logical(self.image.1), logical(self.image.0));
        let left = MARGIN + captions;
        let right = left + columns as f64 * (tile.0 + GAP) - GAP;
        let header = Header::new(&self.title, &self.subtitle, (right - MARGIN).max(HEADER_LEAST));
        let top = header.height().ceil() + 8.0;
        let bottom = top + self.rows.len() as f64 * (tile.1 + GAP) - GAP;
        let size = (right.max(MARGIN + HEADER_LEAST) + MARGIN, bottom + MARGIN);
        let pixels = |logical: f64| (logical.ceil() * f64::from(SHARPNESS)) as usize;
        let (width, height) = (pixels(size.0), pixels(size.1));
        if width.saturating_mul(height) > MOST_PIXELS {
            return Err(Error::TooLarge { width, height, most: MOST_PIXELS });
        }
        Ok(Layout { header, left, top, tile, size })
    }

    /// Copies an image to (left, top) of the sheet, in its pixels.
    fn paste(&self, image: &Thumbnail, (left, top): (usize, usize), sheet: &mut Bitmap) {
        let row_of = |row: usize| -> Vec<u8> {
            (0..image.width).flat_map(|column| image.pixel(row, column).repeat(self.factor)).collect()
        };
        for row in 0..image.height {
            let magnified = row_of(row);
            for line in 0..self.factor {
                let start = 3 * ((top + row * self.factor + line) * sheet.width + left);
                sheet.rgb[start..start + magnified.len()].copy_from_slice(&magnified);
            }
        }
    }
}

/// Where things are, in logical pixels.
struct Layout {
    header: Header,
    /// The upper left corner of the first image.
    left: f64,
    top: f64,
    /// Width and height of an image.
    tile: (f64, f64),
    size: (f64, f64),
}

impl Layout {
    /// The upper left corner of an image, in PNG pixels.
    fn tile(&self, row: usize, column: usize) -> (usize, usize) {
        let x = self.left + column as f64 * (self.tile.0 + GAP);
        let y = self.top + row as f64 * (self.tile.1 + GAP);
        ((x * f64::from(SHARPNESS)) as usize, (y * f64::from(SHARPNESS)) as usize)
    }
}

/// All but the images.
struct Sheet<'a> {
    rows: &'a [SheetRow],
    layout: &'a Layout,
}

impl Figure for Sheet<'_> {
    fn size(&self) -> (u32, u32) {
        (self.layout.size.0.ceil() as u32, self.layout.size.1.ceil() as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let Layout { header, left, top, tile, .. } = self.layout;
        canvas.fill(WHITE)?;
        header.draw(canvas, (MARGIN, 0.0))?;
        let lines = ((tile.1 / CAPTION_LINE) as usize).clamp(1, 3);
        for (index, row) in self.rows.iter().enumerate() {
            let middle = top + index as f64 * (tile.1 + GAP) + 0.5 * tile.1;
            let caption = wrap(&row.caption, CAPTION.size, CAPTION_MOST, lines);
            let first = middle - 0.5 * CAPTION_LINE * (caption.len() as f64 - 1.0);
            for (line, text) in caption.iter().enumerate() {
                let at = (left - 10.0, first + line as f64 * CAPTION_LINE);
                canvas.text(text, at, CAPTION, Anchor::Right)?;
            }
        }
        Ok(())
    }
}

/// Whether that many values are an RGB image; sizes from files may overflow.
fn check_size(found: usize, height: usize, width: usize) -> Result<(), Error> {
    let expected = height.checked_mul(width).and_then(|plane| plane.checked_mul(3));
    if expected == Some(found) && found > 0 { Ok(()) } else { Err(Error::ImageSize { found, height, width }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Picture;

    /// Every pixel differs: red tells the column, green the row, blue the image.
    fn image(height: usize, width: usize, blue: u8) -> Thumbnail {
        let cells = || (0..height).flat_map(|row| (0..width).map(move |column| (row as u8, column as u8)));
        let planes: Vec<u8> = cells()
            .map(|(_, c)| 7 * c)
            .chain(cells().map(|(r, _)| 7 * r))
            .chain(cells().map(|_| blue))
            .collect();
        Thumbnail::from_bytes(&planes, height, width).expect("planes of that size")
    }

    fn row(caption: &str, images: Vec<Thumbnail>) -> SheetRow {
        SheetRow { caption: caption.to_owned(), images }
    }

    #[test]
    fn every_pixel_becomes_a_square() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for factor in [1, 3, 4] {
            let rows = vec![
                row("first", vec![image(5, 8, 10), image(5, 8, 20)]),
                row("", vec![]),
                row("last", vec![image(5, 8, 30)]),
            ];
            let sheet = ContactSheet::new("A title", "", rows)?.with_factor(factor);
            let picture = Picture::read(&sheet.save(&folder.path().join("sheet"))?)?;
            let layout = sheet.layout()?;
            for (at, blue) in [((0, 0), 10), ((0, 1), 20), ((2, 0), 30)] {
                let (left, top) = layout.tile(at.0, at.1);
                for (y, x) in (0..5 * factor).flat_map(|y| (0..8 * factor).map(move |x| (y, x))) {
                    let expected = [7 * (x / factor) as u8, 7 * (y / factor) as u8, blue];
                    assert_eq!(picture.pixel(left + x, top + y), expected, "{at:?} {x} {y}");
                }
                assert_eq!(picture.pixel(left + 8 * factor, top), [255; 3]);
            }
        }
        Ok(())
    }

    #[test]
    fn captions_stand_beside_their_rows() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let rows = vec![row("", vec![image(32, 32, 1)]), row("MMM", vec![image(32, 32, 2)])];
        let sheet = ContactSheet::new("", "", rows)?;
        let picture = Picture::read(&sheet.save(&folder.path().join("sheet"))?)?;
        let layout = sheet.layout()?;
        let (first, second) = (layout.tile(0, 0), layout.tile(1, 0));
        assert!(picture.is_white((0, first.1), (first.0, first.1 + 128)));
        assert!(!picture.is_white((0, second.1), (second.0, second.1 + 128)));
        Ok(())
    }

    #[test]
    fn unit_values_become_the_nearest_bytes() -> Result<(), Error> {
        let image = Thumbnail::from_unit(&[0.0, 1.0, 0.5, -1.0, 2.0, 0.25], 1, 2)?;
        assert_eq!(image.planes, [0, 255, 128, 0, 255, 64]);
        assert_eq!(image.pixel(0, 1), [255, 0, 64]);
        Ok(())
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(matches!(Thumbnail::from_bytes(&[0; 5], 1, 2), Err(Error::ImageSize { found: 5, .. })));
        assert!(matches!(Thumbnail::from_bytes(&[], 0, 2), Err(Error::ImageSize { .. })));
        assert!(matches!(Thumbnail::from_bytes(&[], usize::MAX, 2), Err(Error::ImageSize { .. })));
        let error = Thumbnail::from_unit(&[0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0], 1, 2).expect_err("no number");
        assert!(error.to_string().contains("channel 1, row 0, column 1"), "{error}");
        let mixed = ContactSheet::new("", "", vec![row("a", vec![image(2, 2, 0), image(2, 3, 0)])]);
        assert!(matches!(mixed, Err(Error::MixedSizes { found: (2, 3), expected: (2, 2), .. })));
        assert!(matches!(ContactSheet::new("", "", vec![row("a", vec![])]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_sheet_beyond_reason_is_refused() -> Result<(), Error> {
        let sheet = ContactSheet::new("", "", vec![row("a", vec![image(2, 2, 0)])])?;
        for factor in [100_000, usize::MAX] {
            let refused = sheet.clone().with_factor(factor).save(Path::new("/nowhere/sheet"));
            assert!(matches!(refused, Err(Error::TooLarge { .. })));
        }
        Ok(())
    }
}
