//! Images of an array: their layout, and what their numbers are.

use std::path::PathBuf;

use crate::{
    Error, ImageShape, Note, Pixels,
    npy::{Kind, Stream},
    planes::Layout,
};

/// The images of one part as they were read.
pub(super) struct Images {
    name: String,
    path: PathBuf,
    shape: Vec<usize>,
    layout: Layout,
    side: [usize; 2],
    /// The layout that was guessed.
    guess: Option<&'static str>,
    values: Values,
}

enum Values {
    Bytes(Vec<u8>),
    Fractions(Vec<f32>),
}

const DIVIDE: &str = "divide them by 255";
const CLIP: &str = "clip them: images.clip(0, 1)";
const RESTORE: &str = "undo their normalisation: networks normalise images themselves";

impl Images {
    /// The number of all images, and as many of them as are wanted.
    pub(super) fn read(
        name: String,
        stream: Stream<'_>,
        limit: Option<usize>,
    ) -> Result<(usize, Self), Error> {
        let (shape, path) = (stream.shape().to_vec(), stream.path().to_path_buf());
        let (layout, guess) = layout(&stream)?;
        let side = match (layout, &shape[1..]) {
            (Layout::Planar, &[_, height, width])
            | (Layout::Grey, &[1, height, width])
            | (_, &[height, width] | &[height, width, _]) => [height, width],
            _ => [0, 0],
        };
        if side.contains(&0) {
            return Err(stream.refused("images of one pixel or more", "save them again"));
        }
        let count = shape[0];
        let rows = 0..limit.map_or(count, |limit| limit.min(count));
        let values = match stream.kind() {
            Kind::Unsigned(1) => Values::Bytes(stream.bytes(rows)?),
            Kind::Bool => return Err(stream.refused("numbers", "save 255 * images.astype('uint8')")),
            kind if kind.is_whole() => {
                let pixels: usize = shape[1..].iter().product();
                Values::Bytes(bytes(&path, &stream.whole(rows)?, pixels)?)
            }
            _ => Values::Fractions(stream.fractions(rows)?),
        };
        let images = Self { name, path, shape, layout, side, guess, values };
        images.check()?;
        Ok((count, images))
    }

    pub(super) fn shape(&self) -> ImageShape {
        let [height, width] = self.side;
        ImageShape { channels: 3, height, width }
    }

    /// What to tell of the layout.
    pub(super) fn guess(&self) -> Option<Note> {
        let (images, shape) = (self.name.clone(), self.shape.clone());
        self.guess.map(|layout| Note::LayoutGuessed { images, shape, layout })
    }

    pub(super) fn same_shape(&self, other: &Self) -> Result<(), Error> {
        if self.side == other.side {
            return Ok(());
        }
        let ([height, width], [rows, columns]) = (self.side, other.side);
        Err(Error::Content {
            path: other.path.clone(),
            found: format!("images of {rows}×{columns}"),
            expected: format!("{height}×{width}, the size of those in {}", self.name),
            remedy: "save all images in one size",
        })
    }

    /// Whether fractions are whole numbers up to 255.
    pub(super) fn is_beyond_one(&self) -> bool {
        matches!(&self.values, Values::Fractions(values) if values.iter().any(|&value| value > 1.0))
    }

    /// Takes fractions for the whole numbers that they are, and says so.
    pub(super) fn make_bytes(&mut self) -> Result<Option<Note>, Error> {
        let Values::Fractions(values) = &self.values else { return Ok(None) };
        let is_byte = |value: &f32| (0.0..=255.0).contains(value) && value.fract() == 0.0;
        if let Some(at) = values.iter().position(|value| !is_byte(value)) {
            return Err(self.stray(at, values[at], DIVIDE));
        }
        self.values = Values::Bytes(values.iter().map(|&value| value as u8).collect());
        Ok(Some(Note::NumbersAsBytes { images: self.name.clone() }))
    }

    pub(super) fn pixels(self) -> Pixels {
        match self.values {
            Values::Bytes(values) => Pixels::Bytes(self.layout.arranged(values, self.side)),
            Values::Fractions(values) => Pixels::Unit(self.layout.arranged(values, self.side)),
        }
    }

    /// That fractions are from 0 to 1, or whole numbers from 0 to 255.
    fn check(&self) -> Result<(), Error> {
        let Values::Fractions(values) = &self.values else { return Ok(()) };
        // What filters leave that overshoot.
        let is_near = values.iter().all(|value| (-0.1..=1.1).contains(value));
        match values.iter().position(|value| !(0.0..=1.0).contains(value)) {
            Some(at) if is_near => return Err(self.stray(at, values[at], CLIP)),
            Some(_) => {}
            None => return Ok(()),
        }
        if let Some(at) = values.iter().position(|value| !(0.0..=255.0).contains(value)) {
            return Err(self.stray(at, values[at], RESTORE));
        }
        match values.iter().position(|value| value.fract() != 0.0) {
            Some(at) => Err(self.stray(at, values[at], DIVIDE)),
            None => Ok(()),
        }
    }

    /// A value that is no pixel.
    fn stray(&self, at: usize, value: f32, remedy: &'static str) -> Error {
        let image = at / self.shape[1..].iter().product::<usize>().max(1);
        let beyond = if remedy == DIVIDE { " beside numbers above 1" } else { "" };
        Error::Content {
            path: self.path.clone(),
            found: format!("the value {value} in image {image}{beyond}"),
            expected: "fractions from 0 to 1, or whole numbers from 0 to 255".to_owned(),
            remedy,
        }
    }
}

/// How images stand in an array of this shape, and in words if it could be otherwise.
fn layout(stream: &Stream<'_>) -> Result<(Layout, Option<&'static str>), Error> {
    match *stream.shape() {
        [_, 3, _, 3] => Ok((Layout::Interleaved, Some("(N, H, W, 3)"))),
        [_, _, _, 3] => Ok((Layout::Interleaved, None)),
        [_, 3, _, 1] => Ok((Layout::Planar, Some("(N, 3, H, W)"))),
        [_, 3, _, _] => Ok((Layout::Planar, None)),
        [_, _, _] | [_, _, _, 1] | [_, 1, _, _] => Ok((Layout::Grey, None)),
        [_, _, _, 4] | [_, 4, _, _] => {
            Err(stream.refused("images of one or three planes", "leave out the fourth: images[..., :3]"))
        }
        _ => {
            Err(stream.refused("images (N, H, W, 3), (N, 3, H, W) or (N, H, W)", "save them in such a shape"))
        }
    }
}

/// Whole numbers as bytes.
fn bytes(path: &std::path::Path, numbers: &[i64], pixels: usize) -> Result<Vec<u8>, Error> {
    let byte = |(at, &number): (usize, &i64)| {
        u8::try_from(number).map_err(|_| Error::Content {
            path: path.to_path_buf(),
            found: format!("the value {number} in image {}", at / pixels.max(1)),
            expected: "whole numbers from 0 to 255".to_owned(),
            remedy: "scale them, and save them as u8",
        })
    };
    numbers.iter().enumerate().map(byte).collect()
}
