//! The footer of a Parquet file: schema, and where the columns are.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use super::thrift::{I32, LIST, STRUCT, Walk};

/// Length of the footer and the letters `PAR1`, at the end of the file.
const TAIL: u64 = 8;

/// More than the footer of any table of images takes, and than its schema has columns and levels.
const LONGEST: u64 = 8 << 20;
const MOST_COLUMNS: usize = 4096;
const DEEPEST: usize = 16;

/// The field of the schema, and in an element of it the one with the number of children.
const SCHEMA: i64 = 2;
const CHILDREN: i64 = 5;

/// Walks over the footer; the inner error says what is wrong with it.
pub(super) fn check(file: &File, size: u64) -> io::Result<Result<(), String>> {
    let mut file = file;
    let mut tail = [0; TAIL as usize];
    if size < TAIL {
        return Ok(Err(format!("{size} bytes")));
    }
    file.seek(SeekFrom::Start(size - TAIL))?;
    file.read_exact(&mut tail)?;
    let [length @ .., b'P', b'A', b'R', b'1'] = tail else {
        return Ok(Err("no `PAR1` at its end".to_owned()));
    };
    let length = u64::from(u32::from_le_bytes(length));
    let Some(start) = (size - TAIL).checked_sub(length).filter(|_| length <= LONGEST) else {
        return Ok(Err(format!("a footer of {length} bytes in a file of {size}")));
    };
    file.seek(SeekFrom::Start(start))?;
    let mut footer = vec![0; length as usize];
    file.read_exact(&mut footer)?;
    let mut walk = Walk { bytes: &footer };
    let walked = walk.fields(0, |number, kind, walk| match (number, kind) {
        (SCHEMA, LIST) => schema(walk).map(|()| true),
        _ => Some(false),
    });
    Ok(walked.ok_or_else(|| "a damaged footer".to_owned()))
}

/// Walks over a schema: a tree, each element before its children.
fn schema(walk: &mut Walk<'_>) -> Option<()> {
    let (length, kind) = walk.list()?;
    if kind != STRUCT || length > MOST_COLUMNS {
        return None;
    }
    // How many children are still to come, at each level.
    let mut levels: Vec<usize> = Vec::new();
    for _ in 0..length {
        let mut children = 0;
        walk.fields(0, |number, kind, walk| match (number, kind) {
            (CHILDREN, I32) => {
                children = usize::try_from(walk.number()?).ok().filter(|&children| children < length)?;
                Some(true)
            }
            _ => Some(false),
        })?;
        while levels.pop_if(|left| *left == 0).is_some() {}
        if let Some(left) = levels.last_mut() {
            *left -= 1;
        }
        levels.push(children);
        if levels.len() > DEEPEST {
            return None;
        }
    }
    Some(())
}
