//! A stream read piece by piece into memory, where what was read stays.

use std::io::Read;

/// How much is read at once.
const PIECE: usize = 1 << 16;

/// No pickle of a checkpoint is longer: the numbers stand beside it.
const LONGEST: usize = 64 << 20;

/// A part of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// What a pickle consists of. Memory grows with what the stream holds, whatever lengths it declares.
pub(super) struct Buffer<R> {
    reader: R,
    bytes: Vec<u8>,
    position: usize,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new(), position: 0 }
    }

    /// How many bytes were taken.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes that were read, which spans refer to.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn get(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: u64) -> Result<Span, String> {
        let left = (LONGEST - self.position) as u64;
        if length > left {
            return Err(format!("a pickle of more than {LONGEST} bytes"));
        }
        let end = self.position + length as usize;
        while self.bytes.len() < end {
            self.read_piece(end)?;
        }
        let span = Span { start: self.position as u32, end: end as u32 };
        self.position = end;
        Ok(span)
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let span = self.take(N as u64)?;
        self.get(span).try_into().map_err(|_| "a short read".to_owned())
    }

    /// Text up to the end of the line.
    pub(super) fn line(&mut self) -> Result<Span, String> {
        let start = self.position as u32;
        while self.byte()? != b'\n' {}
        Ok(Span { start, end: self.position as u32 - 1 })
    }

    fn read_piece(&mut self, end: usize) -> Result<(), String> {
        let before = self.bytes.len();
        let piece = PIECE.min(LONGEST - before) as u64;
        let read = (&mut self.reader).take(piece).read_to_end(&mut self.bytes);
        read.map_err(|error| error.to_string())?;
        if self.bytes.len() == before {
            return Err(format!("the pickle ends after {before} bytes, expected {end} or more"));
        }
        Ok(())
    }
}

impl Span {
    /// The part that the span is of the bytes of its buffer.
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}
