//! Just enough of FlatBuffers to look into a message without trusting it.
//!
//! A table begins with how far before it its list of places is; the list says where each field of the table is, or that it is absent.

/// More than any list of columns has. The same list may be that of many tables.
const MOST: usize = 4096;

/// A table in the bytes of a message. Everything gives nothing where they are no such table; a field that is absent has its default.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    /// The table of a message.
    pub(super) fn root(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { bytes, at: follow(bytes, 0)? })
    }

    /// A whole number of `N` bytes; 0 if it is absent.
    pub(super) fn number<const N: usize>(self, field: usize) -> Option<i64> {
        self.place(field)?.map_or(Some(0), |at| number::<N>(self.bytes, at))
    }

    /// A text; empty if it is absent.
    pub(super) fn text(self, field: usize) -> Option<&'a str> {
        let Some((start, length)) = self.list(field, 1)? else { return Some("") };
        std::str::from_utf8(self.bytes.get(start..start + length)?).ok()
    }

    /// A table in this one.
    pub(super) fn table(self, field: usize) -> Option<Option<Self>> {
        let Some(at) = self.place(field)? else { return Some(None) };
        Some(Some(Self { bytes: self.bytes, at: follow(self.bytes, at)? }))
    }

    /// A list of tables, no more than [`MOST`].
    pub(super) fn tables(self, field: usize) -> Option<Vec<Self>> {
        let Some((start, length)) = self.list(field, 4)? else { return Some(Vec::new()) };
        if length > MOST {
            return None;
        }
        let table = |at: usize| Some(Self { bytes: self.bytes, at: follow(self.bytes, start + 4 * at)? });
        (0..length).map(table).collect()
    }

    /// A list of pairs of numbers.
    pub(super) fn pairs(self, field: usize) -> Option<Vec<[u64; 2]>> {
        let Some((start, length)) = self.list(field, 16)? else { return Some(Vec::new()) };
        let number = |at: usize| u64::try_from(number::<8>(self.bytes, at)?).ok();
        (0..length).map(|at| Some([number(start + 16 * at)?, number(start + 16 * at + 8)?])).collect()
    }

    /// Where a field is.
    fn place(self, field: usize) -> Option<Option<usize>> {
        let back = number::<4>(self.bytes, self.at)?;
        let list = usize::try_from(i64::try_from(self.at).ok()? - back).ok()?;
        let size = usize::try_from(number::<2>(self.bytes, list)? & 0xffff).ok()?;
        let entry = 4 + 2 * field;
        if entry + 2 > size {
            return Some(None);
        }
        let below = usize::try_from(number::<2>(self.bytes, list.checked_add(entry)?)? & 0xffff).ok()?;
        Some((below > 0).then_some(self.at + below))
    }

    /// Where the elements of a list are, each of some bytes, and how many there are: no more than bytes are left.
    fn list(self, field: usize, size: usize) -> Option<Option<(usize, usize)>> {
        let Some(at) = self.place(field)? else { return Some(None) };
        let at = follow(self.bytes, at)?;
        let length = usize::try_from(number::<4>(self.bytes, at)?).ok()?;
        let left = self.bytes.len().checked_sub(at + 4)?;
        Some((length.checked_mul(size)? <= left).then_some((at + 4, length))?.into())
    }
}

/// What a distance at some place leads to.
fn follow(bytes: &[u8], at: usize) -> Option<usize> {
    let to = at.checked_add(usize::try_from(number::<4>(bytes, at)? & 0xffff_ffff).ok()?)?;
    (to < bytes.len()).then_some(to)
}

/// A signed number of `N` bytes, the least one first.
pub(super) fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<i64> {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(bytes.get(at..at.checked_add(N)?)?);
    let unused = 64 - 8 * N as u32;
    Some(i64::from_le_bytes(wide) << unused >> unused)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table at 12, whose list at 4 says that field 0 is 4 bytes behind its beginning, and field 1 absent.
    const BYTES: [u8; 20] = [12, 0, 0, 0, 8, 0, 8, 0, 4, 0, 0, 0, 8, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff];

    #[test]
    fn fields_are_found_or_have_their_default() {
        let table = Table::root(&BYTES).expect("a table");
        assert_eq!(table.number::<4>(0), Some(-2));
        assert_eq!((table.number::<8>(1), table.number::<8>(7), table.text(1)), (Some(0), Some(0), Some("")));
        assert_eq!(table.tables(1).map(|tables| tables.len()), Some(0));
    }

    #[test]
    fn places_outside_give_nothing() {
        let table = Table::root(&BYTES).expect("a table");
        assert_eq!((table.number::<8>(0), table.text(0), table.pairs(0)), (None, None, None));
        assert!(table.table(0).is_none() && Table::root(&[200, 0, 0, 0]).is_none());
        let mut bytes = BYTES;
        bytes[12..16].copy_from_slice(&i32::MIN.to_le_bytes());
        assert_eq!(Table::root(&bytes).expect("a table").number::<4>(0), None);
    }
}
