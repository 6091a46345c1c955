//! The messages of an Arrow file: each has a head, which is a FlatBuffers table, and a body of pieces of columns.
//!
//! A stream is messages one after the other. A file is a stream between marks, with a footer that says again where they are.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use super::{failed::Failed, flat::Table};

/// The marks of a file: at its beginning, filled up to eight bytes, and at its end behind the footer's length.
const MARK: &[u8; 6] = b"ARROW1";
const START: u64 = 8;
const TAIL: u64 = 10;

/// What stands before the length of a head, but for files older than 2019.
const BEFORE: [u8; 4] = [0xff; 4];

/// More than the head of any message takes.
const LONGEST: u64 = 8 << 20;

/// Versions of the format that lay columns out as the present one does.
const VERSIONS: std::ops::RangeInclusive<i64> = 3..=4;

/// A message.
pub(super) struct Message {
    head: Vec<u8>,
    /// Where its body is in the file.
    pub(super) body: Range<u64>,
}

/// What a message is.
pub(super) enum Content<'a> {
    Schema(Table<'a>),
    /// The values that codes of a column stand for.
    Dictionary,
    Rows(Table<'a>),
}

impl Message {
    pub(super) fn content(&self) -> Result<Content<'_>, Failed> {
        let content = Table::root(&self.head).and_then(|message| {
            let table = message.table(2)??;
            match message.number::<1>(1)? {
                1 => Some(Content::Schema(table)),
                2 => Some(Content::Dictionary),
                3 => Some(Content::Rows(table)),
                _ => None,
            }
        });
        content.ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> Failed {
        Failed::Damaged(format!("a damaged message that ends at byte {}", self.body.start))
    }
}

/// The messages of a file that are still to come.
pub(super) struct Messages<'a> {
    file: &'a File,
    left: Range<u64>,
}

impl<'a> Messages<'a> {
    /// All messages of a file of some size.
    pub(super) fn new(file: &'a File, size: u64) -> Result<Self, Failed> {
        let mut all = Self { file, left: 0..size };
        if all.bytes(0, MARK.len() as u64)? != MARK {
            return Ok(all);
        }
        let tail = size.checked_sub(TAIL).filter(|start| *start >= START);
        let tail = tail.map(|start| all.bytes(start, TAIL)).transpose()?;
        let Some([length @ .., b'A', b'R', b'R', b'O', b'W', b'1']) = tail.as_deref() else {
            return Err(Failed::damaged("no `ARROW1` at its end"));
        };
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let end = (size - TAIL).checked_sub(length).filter(|end| *end >= START);
        let end =
            end.ok_or_else(|| Failed::Damaged(format!("a footer of {length} bytes in a file of {size}")))?;
        all.left = START..end;
        Ok(all)
    }

    /// The next message; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Message>, Failed> {
        let at = self.left.start;
        let mut start = self.bytes(at, 8)?;
        if start.is_empty() {
            return Ok(None);
        }
        let has_mark = start.starts_with(&BEFORE);
        if has_mark {
            start.drain(..BEFORE.len());
        }
        let cut = || Failed::Damaged(format!("a message at byte {at} that is cut short"));
        let length: [u8; 4] = start.get(..4).and_then(|length| length.try_into().ok()).ok_or_else(cut)?;
        let length = u64::from(u32::from_le_bytes(length));
        if length == 0 {
            return Ok(None);
        }
        let from = at + if has_mark { 8 } else { 4 };
        if length > LONGEST {
            return Err(Failed::Damaged(format!("a message at byte {at} with a head of {length} bytes")));
        }
        let head = self.bytes(from, length)?;
        if (head.len() as u64) < length {
            return Err(cut());
        }
        let mut message = Message { head, body: from + length..from + length };
        let table = Table::root(&message.head);
        let body = table.and_then(|table| {
            let is_known = VERSIONS.contains(&table.number::<2>(0)?);
            u64::try_from(table.number::<8>(3)?).ok().filter(|_| is_known)
        });
        let body = body.ok_or_else(|| message.damaged())?;
        let end = message.body.start.checked_add(body).filter(|end| *end <= self.left.end);
        message.body.end = end.ok_or_else(|| {
            let left = self.left.end.saturating_sub(message.body.start);
            Failed::Damaged(format!("a message at byte {at} with {body} bytes, of which {left} are there"))
        })?;
        self.left.start = message.body.end;
        Ok(Some(message))
    }

    /// Bytes of the file, or as many as there are.
    fn bytes(&self, start: u64, count: u64) -> Result<Vec<u8>, Failed> {
        let count = count.min(self.left.end.saturating_sub(start));
        let (mut file, mut bytes) = (self.file, Vec::new());
        file.seek(SeekFrom::Start(start))?;
        file.take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
