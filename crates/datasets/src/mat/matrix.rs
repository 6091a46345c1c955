//! Arrays: flags, sides, a name, and values by the class that the flags say.

use std::io::Read;

use super::{
    elements::{Elements, Refusal, Tag},
    value::{Kind, Numbers, Struct, Value},
};

const MATRIX: u32 = 14;

/// Cells and structures in each other.
const DEEPEST: u32 = 16;

/// Values of cells and structures in a file: a value takes more memory than the bytes that say that it is empty.
const MOST_VALUES: usize = 1 << 18;

/// More sides than any array has.
const MOST_SIDES: usize = 64;

/// Bytes of a field's name.
const LONGEST_FIELD: usize = 1 << 10;

/// Bytes of a text.
const LONGEST_TEXT: u64 = 1 << 20;

/// Set in the flags of an array with an imaginary part.
const IS_COMPLEX: u32 = 1 << 11;

/// Reads the variables that are wanted.
pub(super) struct Parser<'a> {
    names: &'a [&'a str],
    values: usize,
}

/// What stands before the values of an array.
struct Start {
    class: u32,
    is_complex: bool,
    sides: Vec<usize>,
    name: String,
}

impl<'a> Parser<'a> {
    pub(super) fn new(names: &'a [&'a str]) -> Self {
        Self { names, values: 0 }
    }

    /// The variable of the next `size` bytes, if it is wanted; these bytes are behind then.
    pub(super) fn variable<R: Read>(
        &mut self,
        from: &mut Elements<R>,
        size: u64,
    ) -> Result<Option<(String, Value)>, Refusal> {
        let start = from.place();
        let Some(Start { class, is_complex, sides, name }) = self.start(from, size)? else { return Ok(None) };
        if !self.names.contains(&name.as_str()) {
            let rest = (start + size).checked_sub(from.place());
            from.skip(rest.ok_or_else(overrun)?)?;
            return Ok(None);
        }
        let value = self.value(from, (class, is_complex), sides, DEEPEST, start + size)?;
        let rest = (start + size).checked_sub(from.place()).ok_or_else(overrun)?;
        from.skip(rest)?;
        Ok(Some((name, value)))
    }

    /// Nothing of an array without a byte, which is an empty one.
    fn start<R: Read>(&mut self, from: &mut Elements<R>, size: u64) -> Result<Option<Start>, Refusal> {
        if size == 0 {
            return Ok(None);
        }
        let (_, flags) = from.element()?;
        let flags = flags.first_chunk().map(|&flags| from.number(flags));
        let flags = flags.ok_or_else(|| Refusal::Found("an array without flags".to_owned()))?;
        let (class, is_complex) = (flags & 0xff, flags & IS_COMPLEX != 0);
        // An object of a newer kind has no sides.
        if class == 17 {
            return Ok(Some(Start { class, is_complex, sides: Vec::new(), name: String::new() }));
        }
        let (_, bytes) = from.element()?;
        let sides: Vec<usize> = bytes.as_chunks().0.iter().map(|&side| from.number(side) as usize).collect();
        if sides.len() > MOST_SIDES || sides.iter().any(|&side| i32::try_from(side).is_err()) {
            return Err(Refusal::Found(format!("an array of {} sides, or a negative one", sides.len())));
        }
        let (_, name) = from.element()?;
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(Some(Start { class, is_complex, sides, name }))
    }

    fn value<R: Read>(
        &mut self,
        from: &mut Elements<R>,
        (class, is_complex): (u32, bool),
        sides: Vec<usize>,
        depth: u32,
        end: u64,
    ) -> Result<Value, Refusal> {
        let count = sides.iter().try_fold(1usize, |count, &side| count.checked_mul(side));
        let count = count.ok_or_else(|| Refusal::Found(format!("an array {sides:?}")))?;
        let unread = |kind| Ok(Value::Unread(kind));
        match class {
            1 => {
                let values = self.values(from, count, depth)?;
                Ok(Value::Cell { sides, values })
            }
            2 => {
                let fields = fields(from)?;
                let all = count.checked_mul(fields.len()).ok_or_else(too_many)?;
                let values = self.values(from, all, depth)?;
                Ok(Value::Struct(Struct { sides, fields, values }))
            }
            4 => text(from, count, &sides),
            6..=15 if is_complex => unread("an array of complex numbers"),
            6..=15 => numbers(from, count, sides),
            3 => unread("an object"),
            5 => unread("a sparse array"),
            16 => unread("a function"),
            17 => unread("an object of a newer kind"),
            class => Err(Refusal::Found(format!("an array of class {class}"))),
        }
        .and_then(|value| if from.place() > end { Err(overrun()) } else { Ok(value) })
    }

    /// The values of a cell or structure.
    fn values<R: Read>(
        &mut self,
        from: &mut Elements<R>,
        count: usize,
        depth: u32,
    ) -> Result<Vec<Value>, Refusal> {
        let depth = depth.checked_sub(1).ok_or_else(|| {
            Refusal::Found(format!("cells and structures more than {DEEPEST} deep in each other"))
        })?;
        let mut values = Vec::new();
        for _ in 0..count {
            self.values += 1;
            if self.values > MOST_VALUES {
                return Err(too_many());
            }
            values.push(self.inner(from, depth)?);
        }
        Ok(values)
    }

    fn inner<R: Read>(&mut self, from: &mut Elements<R>, depth: u32) -> Result<Value, Refusal> {
        let Some(Tag { kind: MATRIX, size, .. }) = from.next()? else {
            return Err(Refusal::Found("something other than an array in a cell or structure".to_owned()));
        };
        let start = from.place();
        let Some(Start { class, is_complex, sides, .. }) = self.start(from, size)? else {
            let (kind, is_big_endian, bytes) = (Kind::F64, false, Vec::new());
            return Ok(Value::Numbers(Numbers { sides: vec![0, 0], kind, is_big_endian, bytes }));
        };
        let value = self.value(from, (class, is_complex), sides, depth, start + size)?;
        from.skip((start + size).checked_sub(from.place()).ok_or_else(overrun)?)?;
        Ok(value)
    }
}

/// The names of a structure's fields, each in as many bytes as the longest takes.
fn fields<R: Read>(from: &mut Elements<R>) -> Result<Vec<String>, Refusal> {
    let (_, length) = from.element()?;
    let length = length.first_chunk().map_or(0, |&length| from.number(length)) as usize;
    let (_, names) = from.element()?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if !(1..=LONGEST_FIELD).contains(&length) {
        return Err(Refusal::Found(format!("names of fields of {length} bytes")));
    }
    let name = |name: &[u8]| {
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        String::from_utf8_lossy(&name[..end]).into_owned()
    };
    if names.len() / length > MOST_VALUES {
        return Err(too_many());
    }
    Ok(names.chunks_exact(length).map(name).collect())
}

fn numbers<R: Read>(from: &mut Elements<R>, count: usize, sides: Vec<usize>) -> Result<Value, Refusal> {
    let (number, bytes) = from.element()?;
    let kind = Kind::from_number(number);
    let kind = kind.ok_or_else(|| Refusal::Found(format!("numbers of type {number}")))?;
    if count.checked_mul(kind.size()) != Some(bytes.len()) {
        return Err(Refusal::Found(format!("{} bytes of values of an array {sides:?}", bytes.len())));
    }
    Ok(Value::Numbers(Numbers { sides, kind, is_big_endian: from.is_big_endian(), bytes }))
}

/// The letters of an array, row after row; they are stored column after column, but for those that are UTF-8.
fn text<R: Read>(from: &mut Elements<R>, count: usize, sides: &[usize]) -> Result<Value, Refusal> {
    let missing = || Refusal::Found("a text without letters".to_owned());
    let tag = from.next()?.ok_or_else(missing)?;
    if tag.size > LONGEST_TEXT {
        return Err(Refusal::Found(format!("a text of {} bytes, more than {LONGEST_TEXT}", tag.size)));
    }
    let (kind, bytes, is_big) = (tag.kind, from.content(tag)?, from.is_big_endian());
    let unit = |bytes: &[u8; 2]| if is_big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) };
    let point =
        |bytes: &[u8; 4]| if is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
    let letters: Vec<char> = match kind {
        1 | 2 => bytes.iter().map(|&byte| char::from(byte)).collect(),
        4 | 17 => {
            let units = bytes.as_chunks().0.iter().map(unit);
            char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        16 => String::from_utf8_lossy(&bytes).chars().collect(),
        18 => {
            let points = bytes.as_chunks().0.iter().map(point);
            points.map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        kind => return Err(Refusal::Found(format!("a text of type {kind}"))),
    };
    let rows = sides.first().copied().unwrap_or(1);
    let is_one_row = rows <= 1 || letters.is_empty() || letters.len() != count;
    let text = match is_one_row {
        true => letters.into_iter().collect(),
        false => (0..rows).flat_map(|row| letters[row..].iter().step_by(rows)).collect(),
    };
    Ok(Value::Text(text))
}

fn overrun() -> Refusal {
    Refusal::Found("an array that is longer than it says".to_owned())
}

fn too_many() -> Refusal {
    Refusal::Found(format!("more than {MOST_VALUES} values in cells and structures"))
}
