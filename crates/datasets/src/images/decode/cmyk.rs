//! TIFF images of four inks, converted as Pillow does it; the crate `image` rounds otherwise.

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits};

/// The pixels of a file, if it has four inks of 8 bits together.
pub(super) fn pixels(bytes: &[u8], most: usize) -> Option<Vec<[u8; 4]>> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most.saturating_mul(4);
    limits.intermediate_buffer_size = most.saturating_mul(4);
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?.with_limits(limits);
    let (width, height) = decoder.dimensions().ok()?;
    if decoder.image_buffer_layout().ok()?.planes != 1 {
        return None;
    }
    let DecodingResult::U8(inks) = decoder.read_image().ok()? else { return None };
    let pixels = inks.as_chunks::<4>().0;
    let is_whole = pixels.len() == width as usize * height as usize;
    is_whole.then(|| pixels.iter().map(|&inks| rgb(inks)).collect())
}

/// What is left of white light by each ink and black.
fn rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 4] {
    let left = 255 - u32::from(black);
    let channel = |ink: u8| {
        let product = u32::from(ink) * left + 128;
        // product / 255, rounded
        left.saturating_sub(((product >> 8) + product) >> 8) as u8
    };
    [channel(cyan), channel(magenta), channel(yellow), 255]
}

#[cfg(test)]
mod tests {
    use super::rgb;

    #[test]
    fn inks_take_light_away() {
        assert_eq!(rgb([0, 0, 0, 0]), [255; 4]);
        assert_eq!(rgb([255, 0, 128, 0]), [0, 255, 127, 255]);
        assert_eq!(rgb([10, 20, 30, 255])[..3], [0; 3]);
        assert_eq!(rgb([10, 20, 30, 40])[..3], [207, 198, 190]);
    }
}
