//! Files of fixed-size records.

use std::{
    io::{BufReader, Read},
    path::Path,
};

use super::part::{Part, Source};
use crate::{Error, ImageShape, RecordsError, packed::fill};

/// More records than any edition has; a longer file is not a data set, and reading it would take all memory.
const MOST: usize = 1 << 20;

/// Room made before reading, at most: the records of a whole edition.
const AHEAD: usize = 60_000;

const PIXELS: usize = ImageShape::RGB32.len();

/// What a record looks like: label bytes, then the pixels of a 32×32 RGB image.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Label bytes before the pixels.
    pub(super) label_bytes: usize,
    /// Which of them is the label to use.
    pub(super) label_at: usize,
}

impl Layout {
    /// Appends the records of a file to a part, until there are `limit` of them. Labels must be below `classes`.
    ///
    /// Memory grows with the records read, never with what the file's size promises.
    pub(super) fn read<R: Read>(
        &self,
        Source { path, reserve, content, .. }: Source<'_, R>,
        classes: usize,
        limit: Option<usize>,
        part: &mut Part,
    ) -> Result<(), Error> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let mut file = BufReader::with_capacity(1 << 16, content);
        let mut record = vec![0; self.label_bytes + PIXELS];
        let records = usize::try_from(reserve).unwrap_or(usize::MAX) / record.len();
        part.pixels.reserve(PIXELS * records.min(limit.unwrap_or(AHEAD)).min(AHEAD));
        let mut offset = 0;
        while limit.is_none_or(|limit| part.labels.len() < limit) {
            if part.labels.len() == MOST {
                return Err(Error::Records(RecordsError::TooMany { path: path.to_path_buf(), most: MOST }));
            }
            match fill(&mut file, &mut record).map_err(failed)? {
                0 => break,
                found if found < record.len() => return Err(truncated(path, offset, found, record.len())),
                _ => part.labels.push(self.label(path, offset, &record, classes)?),
            }
            part.pixels.extend_from_slice(&record[self.label_bytes..]);
            offset += record.len() as u64;
        }
        match offset {
            0 if limit != Some(0) => {
                Err(Error::Records(RecordsError::Empty { path: path.to_path_buf(), record: record.len() }))
            }
            _ => Ok(()),
        }
    }

    fn label(&self, path: &Path, offset: u64, record: &[u8], classes: usize) -> Result<u32, Error> {
        let found = record[self.label_at];
        if usize::from(found) < classes {
            return Ok(u32::from(found));
        }
        let offset = offset + self.label_at as u64;
        Err(Error::Records(RecordsError::Label { path: path.to_path_buf(), offset, found, classes }))
    }
}

fn truncated(path: &Path, offset: u64, found: usize, expected: usize) -> Error {
    Error::Records(RecordsError::Truncated { path: path.to_path_buf(), offset, found, expected })
}
