//! Just enough of Thrift's compact protocol to walk over a structure without trusting it.

/// Structures in structures, at most.
const DEEPEST: usize = 24;

const STOP: u8 = 0;
/// Types of fields.
pub(super) const I32: u8 = 5;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// What is left of the bytes of a structure. Everything gives nothing where they are no such structure.
pub(super) struct Walk<'a> {
    pub(super) bytes: &'a [u8],
}

impl Walk<'_> {
    /// Walks over a structure; `field` takes those fields that it is not indifferent to, by number and type, and says whether it did.
    pub(super) fn fields(
        &mut self,
        deep: usize,
        mut field: impl FnMut(i64, u8, &mut Self) -> Option<bool>,
    ) -> Option<()> {
        let mut number = 0_i64;
        loop {
            let head = self.byte()?;
            let kind = head & 15;
            if kind == STOP {
                return Some(());
            }
            number = match head >> 4 {
                0 => self.number()?,
                more => number.checked_add(i64::from(more))?,
            };
            if !field(number, kind, self)? {
                self.value(kind, true, deep)?;
            }
        }
    }

    /// Walks over the head of a list: its length, no more than there are bytes, and the type of its elements.
    pub(super) fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned()?,
            length => u64::from(length),
        };
        let length = usize::try_from(length).ok().filter(|&length| length <= self.bytes.len())?;
        Some((length, head & 15))
    }

    /// A whole number.
    pub(super) fn number(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Walks over a value.
    fn value(&mut self, kind: u8, is_field: bool, deep: usize) -> Option<()> {
        let deeper = deep.checked_add(1).filter(|&deeper| deeper <= DEEPEST)?;
        match kind {
            // Of a field the type says the value.
            1 | 2 if is_field => Some(()),
            1..=3 => self.skip(1),
            4..=6 => self.unsigned().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.unsigned()?;
                self.skip(usize::try_from(length).ok()?)
            }
            LIST | 10 => {
                let (length, kind) = self.list()?;
                (0..length).try_for_each(|_| self.value(kind, false, deeper))
            }
            STRUCT => self.fields(deeper, |_, _, _| Some(false)),
            13 => self.skip(16),
            // There are no maps in what is read here.
            _ => None,
        }
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        Some(())
    }
}
