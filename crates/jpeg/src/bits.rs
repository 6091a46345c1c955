//! The bits of a scan.

use crate::Error;

/// Zeros behind the bits of a segment, so that eight bytes can be read at any of them.
const BEHIND: usize = 8;

/// The coded bytes of a scan, between whose restarts nothing but bits is left: a byte of ones is followed by a zero in a file.
#[derive(Debug)]
pub(crate) struct Coded {
    bytes: Vec<u8>,
    /// Where in `bytes` the bits between two restarts begin and end.
    segments: Vec<(usize, usize)>,
    /// The numbers of the restarts between them.
    restarts: Vec<u8>,
    /// Where the file goes on.
    pub(crate) end: usize,
    /// Whether it ends there.
    is_at_end: bool,
}

impl Coded {
    /// Of the scan that begins at a byte of a file.
    pub(crate) fn read(file: &[u8], start: usize) -> Self {
        let mut coded = Self {
            bytes: Vec::with_capacity(file.len() - start + BEHIND),
            segments: Vec::new(),
            restarts: Vec::new(),
            end: start,
            is_at_end: false,
        };
        let mut begin = 0;
        loop {
            coded.copy_plain(file);
            match file[coded.end..] {
                [0xff, 0, ..] => {
                    coded.bytes.push(0xff);
                    coded.end += 2;
                    continue;
                }
                // Any number of them may stand before a marker.
                [0xff, 0xff, ..] => {
                    coded.end += 1;
                    continue;
                }
                _ => {}
            }
            coded.segments.push((begin, coded.bytes.len()));
            coded.bytes.extend([0; BEHIND]);
            begin = coded.bytes.len();
            match file[coded.end..] {
                [0xff, marker @ 0xd0..=0xd7, ..] => {
                    coded.restarts.push(marker - 0xd0);
                    coded.end += 2;
                }
                [_, _, ..] => return coded,
                _ => {
                    coded.is_at_end = true;
                    return coded;
                }
            }
        }
    }

    /// Copies bytes up to the next one of ones.
    fn copy_plain(&mut self, file: &[u8]) {
        let rest = &file[self.end..];
        let words = rest.as_chunks::<8>().0.iter();
        let plain = words.take_while(|word| !word.contains(&0xff)).count() * 8;
        let plain = plain + rest[plain..].iter().take_while(|&&byte| byte != 0xff).count();
        self.bytes.extend_from_slice(&rest[..plain]);
        self.end += plain;
    }

    /// The bits behind so many restarts, which must have the numbers 0 to 7 and again.
    pub(crate) fn segment(&self, restart: usize) -> Result<Bits<'_>, Error> {
        let is_numbered = restart == 0 || self.restarts.get(restart - 1) == Some(&((restart - 1) as u8 % 8));
        match self.segments.get(restart).filter(|_| is_numbered) {
            Some(&(begin, end)) => {
                Ok(Bits { bytes: &self.bytes[begin..end + BEHIND], position: 0, buffer: 0, count: 0 })
            }
            None => Err(self.missing()),
        }
    }

    /// What is wrong where bits are missing.
    pub(crate) fn missing(&self) -> Error {
        if self.is_at_end { Error::CutShort } else { Error::Damaged("a scan ends before the image does") }
    }
}

/// Reads bits, with zeros after the last. What is hot copies it, so that it lies in registers; so nothing that is not inlined takes its
/// address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// The first byte of which no bit is counted.
    position: usize,
    /// The next bits from the top. Below those that count are such as come next, or zeros.
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    /// Sees to it that there are 56 bits or more.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        let next = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<8>());
        let word = next.map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.buffer |= word >> self.count;
        self.position += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    /// Whether so many are left of those that [`refill`](Self::refill) has taken.
    #[inline(always)]
    pub(crate) fn has(&self, bits: u32) -> bool {
        self.count >= bits
    }

    /// The next bits, 1 to 32 of them, which stay.
    #[inline(always)]
    pub(crate) fn peek(&self, bits: u32) -> usize {
        (self.buffer >> (64 - bits)) as usize
    }

    /// Passes over bits.
    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count = self.count.wrapping_sub(bits);
    }

    /// The next bits, 0 to 16 of them.
    #[inline(always)]
    pub(crate) fn take(&mut self, bits: u32) -> u32 {
        // In two steps, for a shift by 64 is none.
        let found = (self.buffer >> 1 >> (63 - bits)) as u32;
        self.skip(bits);
        found
    }

    /// The next bits, 0 to 16 of them, as a number whose first bit says its sign: with a one the number itself, else what is missing to
    /// 2ⁿ − 1, negative.
    #[inline(always)]
    pub(crate) fn number(&mut self, bits: u32) -> i32 {
        let is_positive = (self.buffer as i64 >> 63) as i32;
        let found = self.take(bits) as i32;
        found + (!is_positive & ((-1 << bits) + 1))
    }

    /// Whether bits were taken that are not there.
    #[inline(always)]
    pub(crate) fn is_overrun(&self) -> bool {
        8 * self.position > 8 * (self.bytes.len() - BEHIND) + self.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(bytes: &[u8]) -> Coded {
        Coded::read(bytes, 0)
    }

    #[test]
    fn bits_come_in_order_and_zeros_after_them() -> Result<(), Error> {
        let stuffed = |byte: u8| if byte % 7 == 3 { vec![0xff, 0] } else { vec![byte * 5] };
        let bytes: Vec<u8> = (0..40).flat_map(stuffed).chain([0xff, 0xd9]).collect();
        let plain: Vec<u8> = (0..40).map(|byte| if byte % 7 == 3 { 0xff } else { byte * 5 }).collect();
        let expected = |place: usize| u32::from(plain[place / 8] >> (7 - place % 8) & 1);
        let coded = coded(&bytes);
        assert_eq!(coded.end, bytes.len() - 2);
        for width in [1, 3, 8, 11, 16] {
            let (mut bits, mut place) = (coded.segment(0)?, 0);
            while place + width <= 320 {
                bits.refill();
                let number = (0..width).fold(0, |number, bit| 2 * number + expected(place + bit));
                assert_eq!(bits.peek(width as u32), number as usize, "{width} bits at {place}");
                assert_eq!(bits.take(width as u32), number);
                place += width;
            }
            assert!(!bits.is_overrun(), "{width}");
            bits.refill();
            bits.skip(16);
            assert!(bits.is_overrun(), "{width}");
        }
        Ok(())
    }

    #[test]
    fn restarts_part_segments() -> Result<(), Error> {
        let coded = coded(&[1, 2, 0xff, 0xd0, 3, 0xff, 0xff, 0xd1, 4, 0xff, 0xd3, 5]);
        for (restart, expected) in [1, 3, 4].into_iter().enumerate() {
            let mut bits = coded.segment(restart)?;
            bits.refill();
            assert_eq!(bits.take(8), expected);
        }
        assert!(coded.segment(3).is_err(), "it has the wrong number");
        assert!(coded.segment(4).is_err());
        assert_eq!(coded.missing(), Error::CutShort);
        Ok(())
    }

    #[test]
    fn numbers_have_signs() -> Result<(), Error> {
        let coded = coded(&[0b0100_0110, 0b1100_0000]);
        let mut bits = coded.segment(0)?;
        bits.refill();
        assert_eq!([1, 1, 2, 2, 2].map(|width| bits.number(width)), [-1, 1, -3, -2, 2]);
        assert_eq!((bits.number(0), bits.number(4)), (0, 12));
        Ok(())
    }
}
