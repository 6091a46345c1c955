//! The bytes of a pickle, taken piece by piece: from a slice, or from a stream that is read no further than it must.

use std::io::{self, Read};

use crate::{error::Error, value::Span};

/// How much of a stream is read at once.
const PIECE: usize = 1 << 16;

/// Bytes that are there, or that can be had.
pub(crate) trait Bytes {
    /// The bytes that are there so far, from the pickle's start.
    fn so_far(&self) -> &[u8];

    /// How many there are in all, where that is known.
    fn length(&self) -> Option<usize>;

    /// Tries to have more bytes, up to so many in all; false at the end.
    fn more(&mut self, most: usize) -> io::Result<bool>;
}

impl Bytes for &[u8] {
    fn so_far(&self) -> &[u8] {
        self
    }

    fn length(&self) -> Option<usize> {
        Some(self.len())
    }

    fn more(&mut self, _: usize) -> io::Result<bool> {
        Ok(false)
    }
}

/// A stream and what was read of it. Memory grows with what the stream holds, whatever lengths it declares.
pub(crate) struct Stream<R> {
    reader: R,
    bytes: Vec<u8>,
}

impl<R: Read> Stream<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new() }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<R: Read> Bytes for Stream<R> {
    fn so_far(&self) -> &[u8] {
        &self.bytes
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn more(&mut self, most: usize) -> io::Result<bool> {
        let piece = PIECE.min(most - self.bytes.len()) as u64;
        Ok((&mut self.reader).take(piece).read_to_end(&mut self.bytes)? > 0)
    }
}

/// A pickle's bytes with a place in them.
pub(crate) struct Input<B> {
    pub(crate) bytes: B,
    /// Where the present opcode stands.
    pub(crate) opcode_at: usize,
    position: usize,
    /// The most bytes that are taken.
    most: usize,
}

impl<B: Bytes> Input<B> {
    pub(crate) fn new(bytes: B, most: u64) -> Self {
        let most = most.min(u32::MAX.into()) as usize;
        Self { bytes, opcode_at: 0, position: 0, most }
    }

    /// How many bytes were taken.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn get(&self, span: Span) -> &[u8] {
        span.within(self.bytes.so_far())
    }

    /// The next opcode, which errors name from here on.
    pub(crate) fn opcode(&mut self) -> Result<u8, Error> {
        self.opcode_at = self.position;
        self.byte()
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: u64) -> Result<Span, Error> {
        let offset = self.opcode_at;
        if length > (self.most - self.position) as u64 {
            // Bytes that are known not to be there come first: the file is cut short rather than too long.
            let left = self.bytes.length().map(|all| (all - self.position) as u64);
            return Err(match left.filter(|&left| left < length) {
                Some(found) => Error::Truncated { offset, found, expected: length },
                None => Error::TooLarge { offset, limit: self.most as u64, unit: "bytes" },
            });
        }
        let end = self.position + length as usize;
        while self.bytes.so_far().len() < end {
            let any = self.bytes.more(self.most).map_err(|source| Error::Read { offset, source })?;
            if !any {
                let found = (self.bytes.so_far().len() - self.position) as u64;
                return Err(Error::Truncated { offset, found, expected: length });
            }
        }
        let span = Span::new(self.position, end);
        self.position = end;
        Ok(span)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let span = self.take(N as u64)?;
        let mut array = [0; N];
        array.copy_from_slice(self.get(span));
        Ok(array)
    }

    /// Text up to the end of the line, without it.
    pub(crate) fn line(&mut self) -> Result<Span, Error> {
        let start = self.position;
        while self.byte()? != b'\n' {}
        Ok(Span::new(start, self.position - 1))
    }
}
