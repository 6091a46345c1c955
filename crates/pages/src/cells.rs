//! The cells of a map as one small picture.

use base64::{Engine, engine::general_purpose::STANDARD};
use plots::color_map;

/// Levels of the colour map; one more entry is what is not known.
const LEVELS: usize = 255;

/// A PNG file as a link, one pixel a cell, row by row from above; cells without a value are transparent. `range` has the values of the
/// darkest and the lightest colour.
pub(crate) fn link(values: &[f64], [rows, columns]: [usize; 2], (low, high): (f64, f64)) -> String {
    let level = |&value: &f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        if value.is_finite() && low.is_finite() {
            (share.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() as u8
        } else {
            LEVELS as u8
        }
    };
    let mut pixels: Vec<u8> = values.iter().map(level).collect();
    pixels.resize(rows * columns, LEVELS as u8);
    // Writing into memory fails for no picture that has its size.
    let picture = encode(&pixels, rows, columns).unwrap_or_default();
    format!("data:image/png;base64,{}", STANDARD.encode(picture))
}

fn encode(pixels: &[u8], rows: usize, columns: usize) -> Result<Vec<u8>, png::EncodingError> {
    let palette =
        (0..=LEVELS).flat_map(|level| color_map(level as f64 / (LEVELS - 1) as f64)).collect::<Vec<u8>>();
    let alpha: Vec<u8> = (0..=LEVELS).map(|level| if level == LEVELS { 0 } else { 255 }).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_trns(alpha);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_colours_of_their_values() -> Result<(), Box<dyn std::error::Error>> {
        let link = link(&[0.0, 2.0, 1.0, f64::NAN], [2, 2], (0.0, 2.0));
        let data = link.strip_prefix("data:image/png;base64,").ok_or("a picture")?;
        let bytes = STANDARD.decode(data).map_err(|error| error.to_string())?;
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut pixels)?;
        let expected = [color_map(0.0), color_map(1.0), color_map(0.5)];
        for (pixel, [red, green, blue]) in pixels.chunks(4).zip(expected) {
            assert_eq!(pixel, [red, green, blue, 255]);
        }
        assert_eq!(pixels[15], 0, "what is not known is transparent");
        Ok(())
    }
}
