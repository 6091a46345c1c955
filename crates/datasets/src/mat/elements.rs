//! The elements that a file is made of: a type, a size, and so many bytes, padded to a multiple of eight.

use std::io::{self, Read};

use crate::packed::fill;

/// Room made before reading, at most.
const AHEAD: u64 = 1 << 20;

/// Why a file gives nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    Unreadable(io::Error),
    /// What it holds.
    Found(String),
    /// Which other format it is, and what to do.
    Version(&'static str, &'static str),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Found("its end in the middle of an element".to_owned()),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Found(error.to_string()),
            _ => Self::Unreadable(error),
        }
    }
}

/// What stands before an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) kind: u32,
    /// Bytes of content.
    pub(super) size: u64,
    /// Of an element that takes eight bytes in all, its content.
    small: Option<[u8; 4]>,
}

/// A walk through elements.
pub(super) struct Elements<R> {
    from: R,
    is_big_endian: bool,
    /// Bytes that were read.
    read: u64,
}

impl<R: Read> Elements<R> {
    pub(super) fn new(from: R, is_big_endian: bool) -> Self {
        Self { from, is_big_endian, read: 0 }
    }

    pub(super) fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }

    /// Bytes that were read so far.
    pub(super) fn place(&self) -> u64 {
        self.read
    }

    /// What is not read yet.
    pub(super) fn rest(&mut self) -> &mut R {
        &mut self.from
    }

    pub(super) fn into_rest(self) -> R {
        self.from
    }

    /// The tag of the next element; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Tag>, Refusal> {
        let mut tag = [0; 8];
        match fill(&mut self.from, &mut tag)? {
            0 => return Ok(None),
            8 => self.read += 8,
            _ => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
        let [a, b, c, d, content @ ..] = tag;
        let first = self.number([a, b, c, d]);
        // A size in the upper half says that the content stands in the tag.
        Ok(Some(match (first >> 16, first & 0xffff) {
            (0, kind) => Tag { kind, size: u64::from(self.number(content)), small: None },
            (size @ 1..=4, kind) => Tag { kind, size: u64::from(size), small: Some(content) },
            _ => return Err(Refusal::Found(format!("an element of type {first:#x}"))),
        }))
    }

    /// The content of an element.
    pub(super) fn content(&mut self, tag: Tag) -> Result<Vec<u8>, Refusal> {
        if let Some(content) = tag.small {
            return Ok(content[..tag.size as usize].to_vec());
        }
        let mut content = Vec::with_capacity(tag.size.min(AHEAD) as usize);
        let found = self.from.by_ref().take(tag.size).read_to_end(&mut content)?;
        self.read += found as u64;
        if (found as u64) < tag.size {
            return Err(Refusal::Found(format!("{found} bytes of an element of {}", tag.size)));
        }
        self.pad(tag.size)?;
        Ok(content)
    }

    /// The next element, which must be there, and its content.
    pub(super) fn element(&mut self) -> Result<(u32, Vec<u8>), Refusal> {
        let tag = self.next()?.ok_or_else(|| Refusal::Found("its end in an array".to_owned()))?;
        Ok((tag.kind, self.content(tag)?))
    }

    /// Leaves out the next `size` bytes.
    pub(super) fn skip(&mut self, size: u64) -> Result<(), Refusal> {
        let copied = io::copy(&mut self.from.by_ref().take(size), &mut io::sink())?;
        self.read += copied;
        if copied < size { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) } else { Ok(()) }
    }

    pub(super) fn number(&self, bytes: [u8; 4]) -> u32 {
        if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Leaves out what fills an element up; some programs leave it away at the end.
    fn pad(&mut self, size: u64) -> Result<(), Refusal> {
        let padding = (size.next_multiple_of(8) - size) as usize;
        self.read += fill(&mut self.from, &mut [0; 8][..padding])? as u64;
        Ok(())
    }
}
