//! The pages of a column.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use super::thrift::{I32, Walk};

/// More than the head of a page takes, with the smallest and the largest value that it may name.
const LONGEST_HEAD: u64 = 1 << 20;

/// What a page may unpack to at least, and how many times its own size beyond that: files of images hardly shrink.
const LEAST: u64 = 16 << 20;
const MOST_TIMES: u64 = 20;

/// The fields of a page's sizes.
const UNPACKED: i64 = 2;
const PACKED: i64 = 3;

/// Walks over the heads of the pages in a part of a file; the inner error says what is wrong.
pub(super) fn check(file: &File, mut place: Range<u64>) -> io::Result<Result<(), String>> {
    let (mut file, mut head) = (file, Vec::new());
    while !place.is_empty() {
        head.clear();
        file.seek(SeekFrom::Start(place.start))?;
        file.take(LONGEST_HEAD.min(place.end - place.start)).read_to_end(&mut head)?;
        let Some((length, [unpacked, packed])) = sizes(&head) else {
            return Ok(Err(format!("a damaged page at byte {}", place.start)));
        };
        let start = place.start + length;
        if packed > place.end - start.min(place.end) || unpacked > LEAST.max(packed * MOST_TIMES) {
            return Ok(Err(format!("a page of {packed} bytes that unpacks to {unpacked} at byte {start}")));
        }
        place.start = start + packed;
    }
    Ok(Ok(()))
}

/// The length of a page's head, and the sizes that it says, unpacked and packed.
fn sizes(head: &[u8]) -> Option<(u64, [u64; 2])> {
    let (mut walk, mut sizes) = (Walk { bytes: head }, [None; 2]);
    walk.fields(0, |number, kind, walk| {
        let size = match (number, kind) {
            (UNPACKED, I32) => &mut sizes[0],
            (PACKED, I32) => &mut sizes[1],
            _ => return Some(false),
        };
        *size = Some(u64::try_from(walk.number()?).ok()?);
        Some(true)
    })?;
    let [Some(unpacked), Some(packed)] = sizes else { return None };
    Some(((head.len() - walk.bytes.len()) as u64, [unpacked, packed]))
}
