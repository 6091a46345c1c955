//! Files with holes, as GNU tar writes them by `--sparse`: what is stored are the pieces between the holes.
//!
//! There are four forms of the map that says where the pieces go: in the header and blocks after it (GNU), in pax records (0.0 and 0.1),
//! and at the beginning of the content (1.0). See the section "Storing Sparse Files" of GNU tar's manual.

use super::fields::{BLOCK, octal};

/// More pieces than any image has.
const MOST: usize = 1 << 16;

/// Where the pieces of a file go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Where each piece goes, and its size.
    pieces: Vec<(u64, u64)>,
}

impl Sparse {
    /// The file, from its pieces.
    pub(crate) fn expand(&self, mut packed: &[u8], most: u64) -> Option<Vec<u8>> {
        if self.size > most {
            return None;
        }
        let mut whole = vec![0; usize::try_from(self.size).ok()?];
        for &(start, size) in &self.pieces {
            let (start, size) = (usize::try_from(start).ok()?, usize::try_from(size).ok()?);
            let (piece, rest) = packed.split_at_checked(size)?;
            whole.get_mut(start..start.checked_add(size)?)?.copy_from_slice(piece);
            packed = rest;
        }
        packed.is_empty().then_some(whole)
    }

    fn add(&mut self, piece: (u64, u64)) -> Option<()> {
        self.pieces.push(piece);
        (self.pieces.len() <= MOST).then_some(())
    }

    /// Takes the pieces that a header, or a block after one, names; an empty one ends them.
    fn take(&mut self, entries: &[u8]) -> Option<()> {
        for entry in entries.chunks_exact(24) {
            let (start, size) = (number(&entry[..12])?, number(&entry[12..])?);
            if entry[0] == 0 || size == 0 {
                continue;
            }
            self.add((start, size))?;
        }
        Some(())
    }

    /// The map in a header of type `S`, and whether more of it follows in a block.
    pub(super) fn from_header(header: &[u8; BLOCK]) -> Option<(Self, bool)> {
        let mut sparse = Self { size: number(&header[483..495])?, pieces: Vec::new() };
        sparse.take(&header[386..482])?;
        Some((sparse, header[482] != 0))
    }

    /// Takes the map in a block after such a header; gives whether more of it follows.
    pub(super) fn take_block(&mut self, block: &[u8; BLOCK]) -> Option<bool> {
        self.take(&block[..504])?;
        Some(block[504] != 0)
    }
}

/// What pax records say of a file with holes.
#[derive(Debug, Default)]
pub(super) struct Records {
    sparse: Sparse,
    /// The start of a piece whose size is the next record.
    start: Option<u64>,
    is_sparse: bool,
    /// Whether the map is at the beginning of the content.
    pub(super) is_inside: bool,
    pub(super) name: Option<String>,
}

impl Records {
    /// Takes a record if it is about holes.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let text = std::str::from_utf8(value).ok();
        let value = || text?.parse::<u64>().ok();
        match key.strip_prefix(b"GNU.sparse.") {
            None => return Some(()),
            Some(b"major") => self.is_inside = value()? == 1,
            Some(b"name") => self.name = Some(text?.to_owned()),
            Some(b"size" | b"realsize") => self.sparse.size = value()?,
            Some(b"offset") => self.start = Some(value()?),
            Some(b"numbytes") => self.sparse.add((self.start.take()?, value()?))?,
            Some(b"map") => {
                let numbers: Vec<u64> = text?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
                numbers
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .try_for_each(|&[start, size]| self.sparse.add((start, size)))?;
            }
            Some(_) => {}
        }
        self.is_sparse = true;
        Some(())
    }

    /// The map, if the file has holes; `line` gives the lines at the beginning of its content.
    pub(super) fn map(self, mut line: impl FnMut() -> Option<u64>) -> Option<Option<Sparse>> {
        let Self { mut sparse, is_sparse, is_inside, .. } = self;
        if is_inside {
            for _ in 0..line()? {
                sparse.add((line()?, line()?))?;
            }
        }
        Some(is_sparse.then_some(sparse))
    }
}

/// A number in octal digits, or in bytes behind one that has its highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, wide @ ..] => {
            let (high, low) = wide.split_at(wide.len() - 8);
            let is_small = high.iter().all(|&byte| byte == 0);
            is_small.then(|| low.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
        }
        _ => octal(field),
    }
}
