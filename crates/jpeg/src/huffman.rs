//! Huffman codes.

use crate::{Error, bits::Bits};

/// So many bits are looked up at once.
const LOOKED_UP: u32 = 10;

/// A code, made for quick decoding.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// By the next bits: what their code stands for; [`Entry::NONE`] where it has more than are looked up.
    short: Box<[Entry; 1 << LOOKED_UP]>,
    /// By the number of bits: what a code of so many bits, followed by zeros to make 16, stays below.
    below: [u32; 17],
    /// By the number of bits: what makes a code's place among the symbols.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

/// A symbol (how many zeros come before a number, and how many bits it has), the bits of its code, and those of code and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry(u32);

impl Entry {
    const NONE: Self = Self(0);

    fn new(symbol: u8, code: u32) -> Self {
        Self(u32::from(symbol) | code << 8 | (code + u32::from(symbol & 15)) << 16)
    }

    #[inline(always)]
    fn symbol(self) -> u8 {
        self.0 as u8
    }

    #[inline(always)]
    fn code(self) -> u32 {
        self.0 >> 8 & 31
    }

    #[inline(always)]
    fn both(self) -> u32 {
        self.0 >> 16
    }
}

/// A number that was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// Zeros before it, up to 15.
    pub(crate) zeros: usize,
    /// How many bits it has; with none the symbol means something else.
    pub(crate) size: u32,
    pub(crate) value: i32,
}

impl Code {
    /// The code with so many symbols of 1, 2, … 16 bits.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Error> {
        let damaged = Err(Error::Damaged("a Huffman code is none"));
        let (mut below, mut offsets, mut code, mut place) = ([0; 17], [0; 17], 0u32, 0i32);
        let mut short = Box::new([Entry::NONE; 1 << LOOKED_UP]);
        for bits in 1..=16u32 {
            let count = u32::from(counts[bits as usize - 1]);
            offsets[bits as usize] = place - code as i32;
            if code + count > 1 << bits {
                return damaged;
            }
            for index in 0..count {
                let Some(&symbol) = symbols.get((place as u32 + index) as usize) else { return damaged };
                if bits <= LOOKED_UP {
                    let first = ((code + index) << (LOOKED_UP - bits)) as usize;
                    short[first..first + (1 << (LOOKED_UP - bits))].fill(Entry::new(symbol, bits));
                }
            }
            code += count;
            place += count as i32;
            below[bits as usize] = code << (16 - bits);
            code <<= 1;
        }
        Ok(Self { short, below, offsets, symbols: symbols.to_vec() })
    }

    /// The code, with its table at hand for a loop.
    #[inline(always)]
    pub(crate) fn looked_up(&self) -> LookedUp<'_> {
        LookedUp { short: &self.short, code: self }
    }

    /// The next symbol. There must be 16 bits.
    #[inline(always)]
    pub(crate) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, Error> {
        let found = self.entry(bits)?;
        bits.skip(found.code());
        Ok(found.symbol())
    }

    /// The next symbol and its number. There must be 32 bits.
    #[inline(always)]
    pub(crate) fn number(&self, bits: &mut Bits<'_>) -> Result<Number, Error> {
        self.looked_up().number(bits)
    }

    #[inline(always)]
    fn entry(&self, bits: &Bits<'_>) -> Result<Entry, Error> {
        self.looked_up().entry(bits)
    }

    /// What the code stands for that begins 16 bits.
    #[cold]
    #[inline(never)]
    fn long(&self, next: u32) -> Result<Entry, Error> {
        const NONE: Error = Error::Damaged("a code that stands for nothing");
        let count = (LOOKED_UP as usize + 1..17).find(|&count| next < self.below[count]).ok_or(NONE)?;
        let place = (next >> (16 - count)) as i32 + self.offsets[count];
        Ok(Entry::new(*self.symbols.get(place as usize).ok_or(NONE)?, count as u32))
    }
}

/// A code whose table lies in a register.
#[derive(Clone, Copy)]
pub(crate) struct LookedUp<'a> {
    short: &'a [Entry; 1 << LOOKED_UP],
    code: &'a Code,
}

impl LookedUp<'_> {
    /// The next symbol and its number. There must be 32 bits.
    #[inline(always)]
    pub(crate) fn number(self, bits: &mut Bits<'_>) -> Result<Number, Error> {
        let found = self.entry(bits)?;
        let (symbol, mut number) = (found.symbol(), *bits);
        // What comes next waits for this alone, not for the value.
        bits.skip(found.both());
        number.skip(found.code());
        let size = u32::from(symbol & 15);
        Ok(Number { zeros: usize::from(symbol >> 4), size, value: number.number(size) })
    }

    #[inline(always)]
    fn entry(self, bits: &Bits<'_>) -> Result<Entry, Error> {
        let found = self.short[bits.peek(LOOKED_UP)];
        if found != Entry::NONE { Ok(found) } else { self.code.long(bits.peek(16) as u32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Coded;

    #[test]
    fn codes_of_any_length_are_decoded() -> Result<(), Error> {
        // One code of each length; the last has a companion, for ones alone are no code.
        let counts = [1; 16];
        let symbols: Vec<u8> = (0..16).map(|symbol| symbol * 16).collect();
        let code = Code::new(&counts, &symbols)?;
        for length in 1..=16u32 {
            let word = !(u64::MAX >> (length - 1)) | 0x5555_5555_5555_5555 >> length;
            let word = word & !(1 << (64 - length));
            let bytes: Vec<u8> = word
                .to_be_bytes()
                .into_iter()
                .flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] })
                .collect();
            let coded = Coded::read(&bytes, 0);
            let mut bits = coded.segment(0)?;
            bits.refill();
            assert_eq!(code.symbol(&mut bits)?, (length as u8 - 1) * 16, "{length}");
        }
        let coded = Coded::read(&[0xff, 0, 0xff, 0, 0xff, 0], 0);
        let mut ones = coded.segment(0)?;
        ones.refill();
        assert!(code.symbol(&mut ones).is_err());
        Ok(())
    }

    #[test]
    fn numbers_come_with_their_symbols() -> Result<(), Error> {
        // 0: two zeros, then a number of three bits. 10: the end.
        let mut counts = [0; 16];
        counts[..2].copy_from_slice(&[1, 1]);
        let code = Code::new(&counts, &[0x23, 0])?;
        let coded = Coded::read(&[0b0101_0010, 0b1000_0000], 0);
        let mut bits = coded.segment(0)?;
        bits.refill();
        for value in [5, -5] {
            assert_eq!(code.number(&mut bits)?, Number { zeros: 2, size: 3, value });
        }
        assert_eq!(code.number(&mut bits)?, Number { zeros: 0, size: 0, value: 0 });
        Ok(())
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Code::new(&counts, &[0, 1, 2]).is_err(), "three codes of one bit");
        counts[0] = 2;
        assert!(Code::new(&counts, &[0]).is_err(), "a symbol is missing");
    }
}
