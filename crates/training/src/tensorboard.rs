//! TensorBoard event files: scalars, pictures and histograms by step.
//!
//! A file is a row of records (length, its checksum, data, its checksum); the data is a protocol-buffer `Event`.
//! Only the few fields that TensorBoard shows are written, and no times: the same events are the same bytes.
//!
//! ```text
//! Event     { step = 2  file_version = 3  summary = 5 { value = 1 … } }
//! Value     { tag = 1  simple_value = 2 (f32)  image = 4  histo = 5 }
//! Image     { height = 1  width = 2  colorspace = 3  encoded_image_string = 4 }
//! Histogram { min = 1  max = 2  num = 3  sum = 4  sum_squares = 5  bucket_limit = 6 [f64]  bucket = 7 [f64] }
//! ```

use std::path::{Path, PathBuf};

use crate::{EpochMetrics, Error};
use files::write_atomically;

/// TensorBoard takes any name with `tfevents` in it; a fixed one lets a later file replace an earlier one.
const NAME: &str = "events.out.tfevents.0.freqbias";

/// What TensorBoard shows under a tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Summary {
    /// A point of a curve, kept as f32.
    Scalar(f64),
    /// A picture.
    Image(Png),
    /// A quantity over consecutive bands.
    Histogram(Histogram),
}

/// A file in PNG's format, with the size that it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Png {
    height: u32,
    width: u32,
    bytes: Vec<u8>,
}

/// Weights of consecutive bands, each of which reaches from the upper edge of the one before to its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    lower: f64,
    bands: Vec<(f64, f64)>,
}

/// An event file that grows in memory and is written whole.
///
/// ```
/// use training::{EventFile, Histogram, Summary};
/// let mut file = EventFile::new();
/// file.push(0, [("loss".to_owned(), Summary::Scalar(2.3))]);
/// file.push(1, [("loss".to_owned(), Summary::Scalar(1.9))]);
/// let spectrum = Histogram::new(0.5, vec![(1.5, 0.9), (2.5, 0.1)])?; // two bands around 1 and 2
/// file.push(1, [("spectrum".to_owned(), Summary::Histogram(spectrum))]);
/// let folder = tempfile::tempdir()?;
/// assert!(file.save(&folder.path().join("tensorboard"))?.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    records: Vec<u8>,
}

impl Default for EventFile {
    fn default() -> Self {
        Self::new()
    }
}

impl EventFile {
    /// A file without events.
    pub fn new() -> Self {
        let mut records = Vec::new();
        record(&mut records, &bytes(3, b"brain.Event:2"));
        Self { records }
    }

    /// Appends what belongs to a step, by tag.
    pub fn push(&mut self, step: usize, values: impl IntoIterator<Item = (String, Summary)>) {
        let summary: Vec<u8> =
            values.into_iter().flat_map(|(tag, value)| bytes(1, &value.message(&tag))).collect();
        let event = [whole(2, step as u64), bytes(5, &summary)].concat();
        record(&mut self.records, &event);
    }

    /// Writes the file into a folder, in place of the one written before. The folder is made if need be, in one that is there.
    ///
    /// # Errors
    /// If the folder cannot be made or the file not be written.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, Error> {
        files::create_folder(folder)?;
        let path = Self::path(folder);
        write_atomically(&path, &self.records)?;
        Ok(path)
    }

    /// Where [`EventFile::save`] writes.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }
}

/// Writes the scalars of all epochs to one event file in `folder`, replacing the one written before.
pub(crate) fn write(folder: &Path, epochs: &[EpochMetrics]) -> Result<(), Error> {
    let mut file = EventFile::new();
    for metrics in epochs {
        let scalars = [
            ("train/loss", metrics.train_loss),
            ("train/prec1", metrics.train_prec1),
            ("nat/loss", metrics.nat_loss),
            ("nat/prec1", metrics.nat_prec1),
            ("lr", metrics.lr),
        ];
        let others = [
            ("adv/loss", metrics.adv_loss),
            ("adv/prec1", metrics.adv_prec1),
            ("ema/loss", metrics.ema_loss),
            ("ema/prec1", metrics.ema_prec1),
        ];
        let others = others.into_iter().filter_map(|(tag, value)| Some((tag, value?)));
        let values = scalars.into_iter().chain(others);
        let values = values.map(|(tag, value)| (tag.to_owned(), Summary::Scalar(value)));
        file.push(metrics.epoch, values);
    }
    file.save(folder).map(drop)
}

impl Png {
    /// A PNG file's bytes.
    ///
    /// # Errors
    /// If they do not begin as such a file does.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        let found = || Error::Picture { found: bytes.len() };
        // Signature, length and name of the first chunk, then width and height.
        let head =
            bytes.get(..24).filter(|head| head.starts_with(b"\x89PNG\r\n\x1a\n") && &head[12..16] == b"IHDR");
        let head = head.ok_or_else(found)?;
        let side = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Ok(Self { width: side(16), height: side(20), bytes })
    }
}

impl Histogram {
    /// Bands by upper edge and weight, the first one from `lower`.
    ///
    /// # Errors
    /// If there is no band, edges do not ascend, or a weight is negative or not finite.
    pub fn new(lower: f64, bands: Vec<(f64, f64)>) -> Result<Self, Error> {
        let edges: Vec<f64> = std::iter::once(lower).chain(bands.iter().map(|(edge, _)| *edge)).collect();
        let ascend =
            edges.iter().all(|edge| edge.is_finite()) && edges.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascend || bands.is_empty() {
            return Err(Error::Histogram {
                found: format!("edges {edges:?}"),
                expected: "two or more finite edges that ascend",
            });
        }
        match bands.iter().find(|(_, weight)| !weight.is_finite() || *weight < 0.0) {
            Some((_, weight)) => Err(Error::Histogram {
                found: format!("a weight of {weight}"),
                expected: "weights of 0 or more",
            }),
            None => Ok(Self { lower, bands }),
        }
    }

    /// TensorBoard puts a band's weight evenly between its edges; the first bucket is the empty one below all.
    fn message(&self) -> Vec<u8> {
        let (mut edges, mut weights) = (vec![self.lower], vec![0.0]);
        let (mut sum, mut squares) = (0.0, 0.0);
        for &(edge, weight) in &self.bands {
            let middle = 0.5 * (edges[edges.len() - 1] + edge);
            sum += weight * middle;
            squares += weight * middle * middle;
            edges.push(edge);
            weights.push(weight);
        }
        let packed =
            |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
        let numbers = [self.lower, edges[edges.len() - 1], weights.iter().sum(), sum, squares];
        let mut message: Vec<u8> =
            (1..).zip(numbers).flat_map(|(field, value)| number(field, value)).collect();
        message.extend(bytes(6, &packed(&edges)));
        message.extend(bytes(7, &packed(&weights)));
        message
    }
}

impl Summary {
    /// A `Value`.
    fn message(&self, tag: &str) -> Vec<u8> {
        let mut message = bytes(1, tag.as_bytes());
        match self {
            Self::Scalar(value) => {
                message.push(2 << 3 | 5);
                message.extend((*value as f32).to_le_bytes());
            }
            Self::Image(Png { height, width, bytes: png }) => {
                // Three channels.
                let size = [whole(1, (*height).into()), whole(2, (*width).into()), whole(3, 3)].concat();
                message.extend(bytes(4, &[size, bytes(4, png)].concat()));
            }
            Self::Histogram(histogram) => message.extend(bytes(5, &histogram.message())),
        }
        message
    }
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut message = vec![field << 3 | 2];
    varint(&mut message, content.len() as u64);
    message.extend(content);
    message
}

fn whole(field: u8, value: u64) -> Vec<u8> {
    let mut message = vec![field << 3];
    varint(&mut message, value);
    message
}

fn number(field: u8, value: f64) -> Vec<u8> {
    let mut message = vec![field << 3 | 1];
    message.extend(value.to_le_bytes());
    message
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_checksum(&length).to_le_bytes());
    file.extend(data);
    file.extend(masked_checksum(data).to_le_bytes());
}

/// CRC-32C, rotated and shifted as the record format wants it.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_framed_and_checked() {
        let mut file = Vec::new();
        record(&mut file, b"123456789");
        assert_eq!(file[..8], 9u64.to_le_bytes());
        // The check value of CRC-32C for this text is 0xe3069283.
        let expected = 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(file[8 + 4 + 9..], expected.to_le_bytes());
    }

    #[test]
    fn an_event_holds_step_tag_and_value() {
        let mut file = EventFile::new();
        let before = file.records.len();
        file.push(300, [("lr".to_owned(), Summary::Scalar(0.5))]);
        let expected =
            [0x10, 0xac, 0x02, 0x2a, 0x0b, 0x0a, 0x09, 0x0a, 0x02, b'l', b'r', 0x15, 0, 0, 0, 0x3f];
        let found = &file.records[before + 12..file.records.len() - 4];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_histogram_begins_with_an_empty_bucket() -> Result<(), Error> {
        let found = Histogram::new(0.5, vec![(1.5, 3.0), (2.5, 1.0)])?.message();
        // min, max, num, sum, sum of squares, 9 bytes each
        let numbers: Vec<f64> = found[..45]
            .chunks(9)
            .map(|field| f64::from_le_bytes(field[1..].try_into().expect("eight bytes")))
            .collect();
        assert_eq!(numbers, [0.5, 2.5, 4.0, 5.0, 7.0]);
        assert_eq!(found[45..47], [6 << 3 | 2, 24]);
        let limits: Vec<u8> = [0.5f64, 1.5, 2.5].iter().flat_map(|edge| edge.to_le_bytes()).collect();
        assert_eq!(found[47..71], limits);
        let weights: Vec<u8> = [0.0f64, 3.0, 1.0].iter().flat_map(|weight| weight.to_le_bytes()).collect();
        assert_eq!((&found[71..73], &found[73..]), (&[7 << 3 | 2, 24][..], &weights[..]));
        Ok(())
    }

    #[test]
    fn what_is_no_histogram_or_picture_is_refused() {
        for (lower, bands) in
            [(0.0, vec![]), (1.0, vec![(1.0, 2.0)]), (0.0, vec![(1.0, -1.0)]), (0.0, vec![(f64::NAN, 1.0)])]
        {
            assert!(Histogram::new(lower, bands).is_err());
        }
        assert!(
            Histogram::new(0.0, vec![(1.0, f64::INFINITY)])
                .is_err_and(|error| error.to_string().contains("inf"))
        );
        let error = Png::new(b"GIF89a".to_vec()).expect_err("another kind");
        assert!(error.to_string().contains("PNG"), "{error}");
    }

    #[test]
    fn a_picture_says_its_size() -> Result<(), Error> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x05\xf0\0\0\x01\x02\x08\x02";
        let png = Png::new(head.to_vec())?;
        assert_eq!((png.width, png.height), (1520, 258));
        let message = Summary::Image(png).message("map");
        let start = [
            0x0a,
            3,
            b'm',
            b'a',
            b'p',
            4 << 3 | 2,
            36,
            0x08,
            0x82,
            0x02,
            0x10,
            0xf0,
            0x0b,
            0x18,
            3,
            0x22,
            26,
        ];
        assert!(message.starts_with(&start), "{message:x?}");
        Ok(())
    }
}
