//! Files of fixed-size records.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use crate::{Error, ImageShape};

/// More records than any edition has; a file beyond it is no data set, and reading on would take all memory.
const MOST: usize = 1 << 20;

const PIXELS: usize = ImageShape::RGB32.len();

/// What a record looks like: label bytes, then the pixels of a 32×32 RGB image.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Label bytes before the pixels.
    pub(super) label_bytes: usize,
    /// Which of them is the label to use.
    pub(super) label_at: usize,
    /// Labels are below this number.
    pub(super) classes: usize,
}

impl Layout {
    /// Appends the records of a file to `pixels` and `labels`, until there are `limit` of them.
    ///
    /// Memory grows with the records read, never with what the file's size promises.
    pub(super) fn read(
        &self,
        path: &Path,
        limit: Option<usize>,
        pixels: &mut Vec<u8>,
        labels: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        // A pipe in place of a file would keep the program waiting for ever.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is no regular file")));
        }
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
        let mut record = vec![0; self.label_bytes + PIXELS];
        let mut offset = 0;
        while limit.is_none_or(|limit| labels.len() < limit) {
            if labels.len() == MOST {
                return Err(Error::TooLarge { path: path.to_path_buf(), most: MOST });
            }
            match fill(&mut file, &mut record).map_err(failed)? {
                0 => break,
                found if found < record.len() => return Err(truncated(path, offset, found, record.len())),
                _ => labels.push(self.label(path, offset, &record)?),
            }
            pixels.extend_from_slice(&record[self.label_bytes..]);
            offset += record.len() as u64;
        }
        match offset {
            0 => Err(Error::Empty { path: path.to_path_buf(), record: record.len() }),
            _ => Ok(()),
        }
    }

    fn label(&self, path: &Path, offset: u64, record: &[u8]) -> Result<u32, Error> {
        let found = record[self.label_at];
        if usize::from(found) < self.classes {
            return Ok(u32::from(found));
        }
        let offset = offset + self.label_at as u64;
        Err(Error::LabelByte { path: path.to_path_buf(), offset, found, classes: self.classes })
    }
}

/// Reads until the buffer is full or the file ends; gives the number of bytes read.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn truncated(path: &Path, offset: u64, found: usize, expected: usize) -> Error {
    Error::Truncated { path: path.to_path_buf(), offset, found, expected }
}
