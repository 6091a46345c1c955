//! Blocks of progressive files: coefficients band by band and bit by bit.

use crate::{Error, bits::Bits, huffman::Code, segments::ZIGZAG, sequential::difference};

/// What goes on from block to block of a scan.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The first coefficient of the block before, by component of the scan.
    pub(crate) before: [i32; 4],
    /// Blocks to come that have no more in this band.
    pub(crate) ended: u32,
}

/// First bits of the first coefficient.
#[inline(always)]
pub(crate) fn dc_first(
    bits: &mut Bits<'_>,
    code: &Code,
    before: &mut i32,
    shift: u32,
    block: &mut [i16; 64],
) -> Result<(), Error> {
    bits.refill();
    *before = before.wrapping_add(difference(bits, code)?);
    block[0] = (*before << shift) as i16;
    Ok(())
}

/// A further bit of the first coefficient.
#[inline(always)]
pub(crate) fn dc_refine(bits: &mut Bits<'_>, shift: u32, block: &mut [i16; 64]) {
    bits.refill();
    block[0] |= (bits.take(1) << shift) as i16;
}

/// How many blocks, this one included, have no more coefficients, of a symbol that says so.
#[inline(always)]
fn run(bits: &mut Bits<'_>, length: u8) -> u32 {
    (1 << length) + bits.take(u32::from(length))
}

/// First bits of other coefficients.
#[inline(always)]
pub(crate) fn ac_first(
    bits: &mut Bits<'_>,
    code: &Code,
    ended: &mut u32,
    [first, last]: [usize; 2],
    shift: u32,
    block: &mut [i16; 64],
) -> Result<(), Error> {
    if *ended > 0 {
        *ended -= 1;
        return Ok(());
    }
    let mut place = first;
    while place <= last {
        bits.refill();
        let symbol = code.symbol(bits)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 {
            if zeros < 15 {
                *ended = run(bits, zeros) - 1;
                break;
            }
            place += 16;
            continue;
        }
        place += usize::from(zeros);
        if place > last {
            return Err(Error::Damaged("a band has more coefficients than it holds"));
        }
        block[usize::from(ZIGZAG[place])] = (bits.number(u32::from(size)) << shift) as i16;
        place += 1;
    }
    Ok(())
}

/// A further bit of other coefficients.
#[inline(always)]
pub(crate) fn ac_refine(
    bits: &mut Bits<'_>,
    code: &Code,
    ended: &mut u32,
    [first, last]: [usize; 2],
    shift: u32,
    block: &mut [i16; 64],
) -> Result<(), Error> {
    let bit = 1i16 << shift;
    let mut place = first;
    while *ended == 0 && place <= last {
        bits.refill();
        let symbol = code.symbol(bits)?;
        let (mut zeros, size) = (symbol >> 4, symbol & 15);
        let mut new = 0;
        if size == 0 && zeros < 15 {
            *ended = run(bits, zeros);
            break;
        }
        if size > 0 {
            // A coefficient that was zero so far has one bit.
            if size != 1 {
                return Err(Error::Damaged("a new coefficient of more than a bit"));
            }
            new = if bits.take(1) == 1 { bit } else { -bit };
        }
        // Coefficients that are there get their bit; so many that are zero stay so.
        while place <= last {
            let value = &mut block[usize::from(ZIGZAG[place])];
            place += 1;
            if *value != 0 {
                correct(bits, bit, value);
            } else if zeros == 0 {
                *value = new;
                break;
            } else {
                zeros -= 1;
            }
        }
    }
    if *ended > 0 {
        for &place in &ZIGZAG[place..=last] {
            let value = &mut block[usize::from(place)];
            if *value != 0 {
                correct(bits, bit, value);
            }
        }
        *ended -= 1;
    }
    Ok(())
}

/// Adds a bit to a coefficient, away from zero, if there is one.
#[inline(always)]
fn correct(bits: &mut Bits<'_>, bit: i16, value: &mut i16) {
    bits.refill();
    if bits.take(1) == 1 && *value & bit == 0 {
        *value = value.wrapping_add(if *value > 0 { bit } else { -bit });
    }
}
