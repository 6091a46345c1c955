//! Reading pictures back.

use std::{error::Error, fs::File, io::BufReader, path::Path};

use crate::save::SHARPNESS;

/// A decoded PNG.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
        let mut rgb = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut rgb)?;
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Ok(Self { width: info.width as usize, height: info.height as usize, rgb })
    }

    /// The colour at a logical point.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> [u8; 3] {
        self.pixel((x * f64::from(SHARPNESS)) as usize, (y * f64::from(SHARPNESS)) as usize)
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let start = 3 * (y * self.width + x);
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// Whether a rectangle, right and lower edges excluded, is white.
    pub(crate) fn is_white(&self, (left, top): (usize, usize), (right, bottom): (usize, usize)) -> bool {
        (top..bottom).all(|y| (left..right).all(|x| self.pixel(x, y) == [255; 3]))
    }
}

/// The texts of an SVG; an error if its tags do not match or a character stands where XML forbids it.
pub(crate) fn svg_texts(svg: &str) -> Result<Vec<String>, Box<dyn Error>> {
    if let Some(bad) = svg.chars().find(|&c| c.is_control() && c != '\n') {
        return Err(format!("the character {bad:?}").into());
    }
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').ok_or("a tag without an end")?;
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).ok_or("a tag without a name")?;
        if tag.starts_with('/') {
            (open.pop() == Some(name)).then_some(()).ok_or_else(|| format!("</{name}> closes another"))?;
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if tag.matches('"').count() % 2 == 1 {
            return Err(format!("an open quote in <{tag}>").into());
        }
        if name == "text" && !tag.starts_with('/') {
            texts.push(unescape(text.trim_matches('\n'))?);
        }
    }
    if open.is_empty() { Ok(texts) } else { Err(format!("{open:?} stay open").into()) }
}

fn unescape(text: &str) -> Result<String, Box<dyn Error>> {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').ok_or("a lone &")?;
        plain.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(format!("the entity {entity}").into()),
        });
        plain.push_str(rest);
    }
    Ok(plain)
}
