//! Whole numbers in runs of equal ones and in packed bits, as Parquet mixes them
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>).

use std::ops::Range;

/// Numbers of some bits each, in a part of a page.
pub(super) struct Hybrid {
    place: Range<usize>,
    width: u32,
    run: Run,
}

/// What comes next.
enum Run {
    /// So many times the same number.
    Equal { left: u64, value: u32 },
    /// So many numbers one after the other, the first of them at this bit of the page.
    Packed { left: u64, bit: u64 },
}

impl Hybrid {
    /// Numbers of `width` bits, 32 at most, in these bytes of a page.
    pub(super) fn new(place: Range<usize>, width: u32) -> Self {
        Self { place, width, run: Run::Equal { left: 0, value: 0 } }
    }

    /// The next number of the page with these bytes; none if they end.
    pub(super) fn next(&mut self, page: &[u8]) -> Option<u32> {
        loop {
            match &mut self.run {
                Run::Equal { left: 0, .. } | Run::Packed { left: 0, .. } => self.run = self.head(page)?,
                Run::Equal { left, value } => {
                    *left -= 1;
                    return Some(*value);
                }
                Run::Packed { left, bit } => {
                    *left -= 1;
                    let first = *bit;
                    *bit += u64::from(self.width);
                    return bits(page, first, self.width);
                }
            }
        }
    }

    /// Reads the head of a run.
    fn head(&mut self, page: &[u8]) -> Option<Run> {
        let head = self.varint(page)?;
        let left = head >> 1;
        if head & 1 == 0 {
            let mut value = [0; 4];
            let length = self.width.div_ceil(8) as usize;
            value[..length].copy_from_slice(self.take(page, length)?);
            return Some(Run::Equal { left, value: u32::from_le_bytes(value) });
        }
        let bit = 8 * self.place.start as u64;
        let bytes = left.checked_mul(u64::from(self.width))?;
        let bytes = usize::try_from(bytes).ok()?;
        // The last group may be cut off where its numbers are not needed.
        let there = bytes.min(self.place.len());
        self.take(page, there)?;
        let numbers = (8 * there as u64).checked_div(u64::from(self.width)).unwrap_or(u64::MAX);
        Some(Run::Packed { left: numbers.min(left.checked_mul(8)?), bit })
    }

    fn take<'a>(&mut self, page: &'a [u8], length: usize) -> Option<&'a [u8]> {
        let end = self.place.start.checked_add(length).filter(|&end| end <= self.place.end)?;
        let taken = page.get(self.place.start..end)?;
        self.place.start = end;
        Some(taken)
    }

    fn varint(&mut self, page: &[u8]) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(page, 1)?[0];
            number |= u64::from(byte & 127).checked_shl(shift)?;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }
}

/// A number of so many bits, the lowest first, from a bit on.
fn bits(page: &[u8], first: u64, width: u32) -> Option<u32> {
    let start = usize::try_from(first / 8).ok()?;
    let mut eight = [0; 8];
    let there = page.get(start..)?;
    let there = &there[..there.len().min(8)];
    eight[..there.len()].copy_from_slice(there);
    let shifted = u64::from_le_bytes(eight) >> (first % 8);
    Some((shifted & ((1 << width) - 1)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(page: &[u8], width: u32) -> Vec<u32> {
        let mut numbers = Hybrid::new(0..page.len(), width);
        std::iter::from_fn(|| numbers.next(page)).collect()
    }

    /// The specification's example: 0 to 7 in three bits each are 88 C6 FA.
    #[test]
    fn packed_numbers_are_the_specifications() {
        assert_eq!(all(&[3, 0x88, 0xC6, 0xFA], 3), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn runs_follow_each_other() {
        assert_eq!(all(&[6, 5, 3, 0x88, 0xC6, 0xFA, 4, 1], 3), [5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7, 1, 1]);
        // Nine bits take two bytes in a run.
        assert_eq!(all(&[4, 0x01, 0x01], 9), [257, 257]);
    }

    #[test]
    fn what_is_cut_short_ends() {
        // Two of the three bytes hold five numbers.
        assert_eq!(all(&[3, 0x88, 0xC6], 3), [0, 1, 2, 3, 4]);
        assert_eq!(all(&[6], 3), [0; 0]);
        assert_eq!(all(&[0x80], 3), [0; 0]);
        // Numbers of no bits are zeros, and take no bytes.
        assert_eq!(all(&[3], 0), [0; 8]);
        // Runs of none do not go on for ever.
        assert_eq!(all(&[0, 5, 0, 5], 3), [0; 0]);
    }
}
