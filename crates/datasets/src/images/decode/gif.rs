//! GIF: the first frame, as Pillow converts it to RGB. Where the frame leaves the canvas free, that has the transparent colour, or colour 0.

use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, Frame, MemoryLimit};

use super::limits::{CUT_SHORT, damaged, most};

/// A file whose header was read, up to the first frame.
pub(crate) struct Gif<'a> {
    bytes: &'a [u8],
    size: (usize, usize),
}

impl<'a> Gif<'a> {
    /// Reads the header of a file; an error says what is wrong with it.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let mut decoder = decoder(bytes)?;
        let screen = (decoder.width(), decoder.height());
        let frame = decoder.next_frame_info().map_err(problem)?.ok_or(CUT_SHORT)?;
        // A frame may reach beyond the canvas; then that grows.
        let end = |start: u16, length: u16| usize::from(start) + usize::from(length);
        let width = end(frame.left, frame.width).max(screen.0.into());
        let height = end(frame.top, frame.height).max(screen.1.into());
        Ok(Self { bytes, size: (width, height) })
    }

    /// Width and height.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The pixels of the first frame on the canvas.
    pub(super) fn pixels(&self) -> Result<Vec<[u8; 4]>, String> {
        let mut decoder = decoder(self.bytes)?;
        let palette = decoder.global_palette().map(<[u8]>::to_vec);
        let frame = decoder.read_next_frame().map_err(problem)?.ok_or(CUT_SHORT)?;
        let palette = frame.palette.as_deref().or(palette.as_deref());
        let colour = |index: u8| match palette {
            Some(palette) => palette.as_chunks::<3>().0.get(usize::from(index)).copied().unwrap_or([0; 3]),
            // Without a palette the numbers are greys.
            None => [index; 3],
        };
        let pixel = |index| {
            let [red, green, blue] = colour(index);
            [red, green, blue, 255]
        };
        let (width, height) = self.size;
        let mut pixels = vec![pixel(frame.transparent.unwrap_or(0)); width * height];
        place(frame, width, &mut pixels, pixel);
        Ok(pixels)
    }
}

/// Puts a frame on a canvas.
fn place(frame: &Frame<'_>, width: usize, canvas: &mut [[u8; 4]], pixel: impl Fn(u8) -> [u8; 4]) {
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let rows = frame.buffer.chunks_exact(usize::from(frame.width).max(1));
    for (row, to) in rows.zip(canvas.chunks_exact_mut(width.max(1)).skip(top)) {
        to[left..].iter_mut().zip(row).for_each(|(to, &index)| *to = pixel(index));
    }
}

fn decoder(bytes: &[u8]) -> Result<Decoder<&[u8]>, String> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let limit = std::num::NonZeroU64::new(most(bytes) as u64);
    options.set_memory_limit(limit.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    options.read_info(bytes).map_err(problem)
}

fn problem(error: DecodingError) -> String {
    match error {
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => CUT_SHORT.to_owned(),
        error => damaged("GIF", &error.to_string()),
    }
}
