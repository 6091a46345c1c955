//! The values in the pages of a column, after the format's specification (<https://parquet.apache.org/docs/file-format/data-pages/>).
//!
//! The library that unpacks the pages also decodes them, but fails an assertion where a page ends within a value (parquet 60.1.0).

use ::parquet::{
    basic::Encoding,
    column::page::{Page, PageReader},
};

use super::{hybrid::Hybrid, problem::Problem};

/// Takes a value off the front of bytes; none if they are too few.
pub(super) type Plain<T> = fn(&mut &[u8]) -> Option<T>;

/// The cells of a column that has at most one in each row.
pub(super) struct Cells<T> {
    pages: Box<dyn PageReader>,
    plain: Plain<T>,
    /// The level of definition of a cell that is there.
    defined: u32,
    /// The values that pages may name by number.
    dictionary: Vec<T>,
    open: Option<Open>,
    /// Rows that may still come.
    left: u64,
}

/// A page that is being read.
struct Open {
    page: Page,
    /// Cells to come.
    left: u32,
    /// The levels of definition, where a cell may be missing.
    levels: Option<Hybrid>,
    values: Values,
}

/// Where the values of a page are.
enum Values {
    /// From this byte on.
    Plain(usize),
    /// In the dictionary, at these places.
    Chosen(Hybrid),
}

impl<T: Clone> Cells<T> {
    /// The cells in some pages, no more than `most`: runs of equal ones may claim any number.
    pub(super) fn new(pages: Box<dyn PageReader>, plain: Plain<T>, defined: i16, most: u64) -> Self {
        let defined = u32::try_from(defined).unwrap_or(0);
        Self { pages, plain, defined, dictionary: Vec::new(), open: None, left: most }
    }

    /// The next cell, or nothing at the end of the column; within, nothing is for a cell that is missing.
    pub(super) fn next(&mut self) -> Result<Option<Option<T>>, Problem> {
        while self.open.as_ref().is_none_or(|open| open.left == 0) {
            let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
            self.turn(page)?;
        }
        self.left = self.left.checked_sub(1).ok_or("more rows than such a file has")?;
        let open = self.open.as_mut().expect("a page was opened");
        open.left -= 1;
        let bytes = &open.page.buffer()[..];
        if let Some(levels) = &mut open.levels {
            let level = levels.next(bytes).ok_or("a page that ends within its levels")?;
            if level != self.defined {
                return Ok(Some(None));
            }
        }
        let value = match &mut open.values {
            Values::Plain(at) => {
                let mut rest = &bytes[*at..];
                let value = (self.plain)(&mut rest).ok_or("a page that ends within a value")?;
                *at = bytes.len() - rest.len();
                value
            }
            Values::Chosen(places) => {
                let place =
                    places.next(bytes).ok_or("a page that ends within its places in the dictionary")?;
                let value = usize::try_from(place).ok().and_then(|place| self.dictionary.get(place));
                value
                    .ok_or_else(|| format!("place {place} in a dictionary of {}", self.dictionary.len()))?
                    .clone()
            }
        };
        Ok(Some(Some(value)))
    }

    /// Opens a page of values, or reads one of the dictionary.
    fn turn(&mut self, page: Page) -> Result<(), Problem> {
        let buffer = page.buffer();
        let (left, encoding, (levels, start)) = match &page {
            Page::DictionaryPage { num_values, encoding, .. } => {
                let (count, encoding) = (*num_values, *encoding);
                self.dictionary = self.entries(&buffer[..], count, encoding)?;
                return Ok(());
            }
            Page::DataPage { num_values, encoding, def_level_encoding, .. } => {
                if self.defined > 0 && *def_level_encoding != Encoding::RLE {
                    return Err(format!("levels encoded as {def_level_encoding}, not RLE").into());
                }
                (*num_values, *encoding, self.levels(&buffer[..])?)
            }
            Page::DataPageV2 { num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let [repetitions, definitions] = [*rep_levels_byte_len, *def_levels_byte_len];
                let (first, end) = (repetitions as usize, repetitions as usize + definitions as usize);
                if end > buffer.len() {
                    return Err("a page that ends within its levels".into());
                }
                let levels = (self.defined > 0).then(|| Hybrid::new(first..end, width(self.defined)));
                (*num_values, *encoding, (levels, end))
            }
        };
        let values = match encoding {
            Encoding::PLAIN => Values::Plain(start),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if start == buffer.len() => {
                Values::Plain(start)
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let width = u32::from(buffer[start]);
                if width > u32::BITS {
                    return Err(format!("places in a dictionary of {width} bits").into());
                }
                Values::Chosen(Hybrid::new(start + 1..buffer.len(), width))
            }
            other => return Err(format!("values encoded as {other}, not PLAIN or by a dictionary").into()),
        };
        self.open = Some(Open { page, left, levels, values });
        Ok(())
    }

    /// The levels at the start of a page of the first kind, and where they end.
    fn levels(&self, buffer: &[u8]) -> Result<(Option<Hybrid>, usize), Problem> {
        if self.defined == 0 {
            return Ok((None, 0));
        }
        let length = buffer.first_chunk().map(|&length| u32::from_le_bytes(length) as usize);
        let end = length.and_then(|length| length.checked_add(4)).filter(|&end| end <= buffer.len());
        let end = end.ok_or("a page that ends within its levels")?;
        Ok((Some(Hybrid::new(4..end, width(self.defined))), end))
    }

    fn entries(&self, mut bytes: &[u8], count: u32, encoding: Encoding) -> Result<Vec<T>, Problem> {
        if !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
            return Err(format!("a dictionary encoded as {encoding}, not PLAIN").into());
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((self.plain)(&mut bytes).ok_or("a dictionary that ends within a value")?);
        }
        Ok(entries)
    }
}

/// The bits of numbers up to this one.
fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// Bytes after their number.
pub(super) fn bytes(from: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = from.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *from = rest;
    Some(value.to_vec())
}

/// A number of 64 bits.
pub(super) fn long(from: &mut &[u8]) -> Option<i64> {
    let (value, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(i64::from_le_bytes(*value))
}

/// A number of 32 bits.
pub(super) fn short(from: &mut &[u8]) -> Option<i64> {
    let (value, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(i64::from(i32::from_le_bytes(*value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_cut_short_are_none() {
        let mut from = &[2, 0, 0, 0, 7, 8, 1, 0, 0, 0][..];
        assert_eq!(bytes(&mut from), Some(vec![7, 8]));
        assert_eq!((bytes(&mut from), from.len()), (None, 4));
        assert_eq!(bytes(&mut &[1, 0, 0][..]), None);
        assert_eq!(short(&mut &[254, 255, 255, 255][..]), Some(-2));
        assert_eq!(long(&mut &[1, 0, 0, 0][..]), None);
    }

    #[test]
    fn widths_hold_the_number() {
        assert_eq!([1, 2, 3, 4].map(width), [1, 2, 2, 3]);
    }
}
