//! Arrays of bytes with their sides before them: two zero bytes, the type, the number of sides, and each side as four bytes from the largest on.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    Error, RecordsError,
    packed::{Packed, content, fill},
};

/// The type of bytes.
const BYTES: u8 = 8;

/// More sides than any of these files has.
const MOST_SIDES: u8 = 4;

/// A file whose header is read.
pub(super) struct Idx {
    path: PathBuf,
    sides: Vec<usize>,
    /// Bytes before the values.
    header: u64,
    values: Packed,
}

impl Idx {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let (mut values, size) = Packed::open(path)?;
        let magic = header(path, &mut values, 4)?;
        let [0, 0, BYTES, count @ 1..=MOST_SIDES] = magic[..] else {
            let found = format!("{magic:02x?} at its start");
            return Err(wrong(path, found, "an IDX file of bytes: [00, 00, 08, sides]"));
        };
        let sides = header(path, &mut values, 4 * usize::from(count))?;
        let sides = sides.as_chunks().0.iter().map(|&side| u32::from_be_bytes(side) as usize).collect();
        let idx = Self { path: path.to_path_buf(), sides, header: 4 + 4 * u64::from(count), values };
        // How long a compressed file is shows at its end.
        let expected = idx.bytes(idx.sides[0]).and_then(|bytes| bytes.checked_add(idx.header));
        if idx.values.is_plain() && expected != Some(size) {
            return Err(idx.refused(&format!("these after {} bytes, and {size} are there", idx.header)));
        }
        Ok(idx)
    }

    pub(super) fn sides(&self) -> &[usize] {
        &self.sides
    }

    /// The values of the first `rows`; of a compressed file that is read to its end, it is checked that there are no more.
    pub(super) fn rows(&mut self, rows: usize) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes(rows).ok_or_else(|| self.refused("sides that can be multiplied"))?;
        let values = content(&self.path, &mut self.values, bytes)?;
        let read = |source| Error::Read { path: self.path.clone(), source };
        if rows == self.sides[0] && fill(&mut self.values, &mut [0]).or_else(at_end).map_err(read)? > 0 {
            return Err(self.refused("these and no more bytes"));
        }
        Ok(values)
    }

    pub(super) fn refused(&self, expected: &str) -> Error {
        wrong(&self.path, format!("a header that says {:?}", self.sides), expected)
    }

    /// A label that names no class.
    pub(super) fn stray(&self, index: usize, found: u8, classes: usize) -> Error {
        let offset = self.header + index as u64;
        Error::Records(RecordsError::Label { path: self.path.clone(), offset, found, classes })
    }

    fn bytes(&self, rows: usize) -> Option<u64> {
        self.sides[1..].iter().try_fold(rows as u64, |bytes, &side| bytes.checked_mul(side as u64))
    }
}

/// What a damaged end of compressed data holds is more bytes.
fn at_end(error: io::Error) -> io::Result<usize> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Ok(1),
        _ => Err(error),
    }
}

fn header(path: &Path, file: &mut Packed, size: usize) -> Result<Vec<u8>, Error> {
    content(path, file, size as u64)
}

fn wrong(path: &Path, found: String, expected: &str) -> Error {
    Error::Batch { path: path.to_path_buf(), found, expected: expected.to_owned() }
}
