//! A file, whole or in part.

use crate::{Error, decode, frame::Frame, part::Part, segments};

/// A JPEG file whose header was read.
#[derive(Debug, Clone)]
pub struct Jpeg<'a> {
    bytes: &'a [u8],
    frame: Frame,
}

impl<'a> Jpeg<'a> {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// If it is no JPEG file, is cut short or damaged, or is of a kind that is not read.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self { bytes, frame: segments::frame(bytes)? })
    }

    /// Columns of pixels.
    pub fn width(&self) -> usize {
        self.frame.width
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.frame.height
    }

    /// All of the image.
    pub fn whole(&self) -> Part {
        Part { left: 0, top: 0, width: self.width(), height: self.height() }
    }

    /// Decodes a part of the image: its pixels row by row from the top, red, green, blue and 255. A part that reaches beyond the
    /// image is cut to it.
    ///
    /// # Errors
    /// If the file is cut short or damaged anywhere, or is of a kind that is not read.
    pub fn decode(&self, part: Part) -> Result<Vec<[u8; 4]>, Error> {
        let part = self.inside(part);
        let mut pixels = Vec::with_capacity(part.width * part.height);
        self.decode_rows(part, |row| pixels.extend_from_slice(row))?;
        Ok(pixels)
    }

    /// The same, each row handed on from the top as soon as it is there.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), all of them before the first row.
    pub fn decode_rows(&self, part: Part, mut take: impl FnMut(&[[u8; 4]])) -> Result<(), Error> {
        decode::decode(self.bytes, &self.frame, self.inside(part), &mut take)
    }

    fn inside(&self, part: Part) -> Part {
        let (left, top) = (part.left.min(self.width()), part.top.min(self.height()));
        let (width, height) = (part.width.min(self.width() - left), part.height.min(self.height() - top));
        Part { left, top, width, height }
    }
}
