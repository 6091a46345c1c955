//! Blocks of sequential files: all coefficients of one after another.

use crate::{
    Error,
    bits::Bits,
    huffman::{Code, Number},
    idct::Extent,
    segments::ZIGZAG,
};

/// The codes of a component.
pub(crate) struct Coding<'a> {
    pub(crate) dc: &'a Code,
    pub(crate) ac: &'a Code,
}

const TOO_MANY: Error = Error::Damaged("a block has more than 64 coefficients");

/// Decodes a block. Where it is wanted, its coefficients are put in their places of `block`, which holds zeros; the answer is which
/// are there.
#[inline(always)]
pub(crate) fn block<const WANTED: bool>(
    bits: &mut Bits<'_>,
    coding: &Coding<'_>,
    before: &mut i32,
    block: &mut [i16; 64],
) -> Result<Extent, Error> {
    let (mut own, bits) = (*bits, bits);
    own.refill();
    *before = before.wrapping_add(difference(&mut own, coding.dc)?);
    if WANTED {
        block[0] = *before as i16;
    }
    let (ac, mut place) = (coding.ac.looked_up(), 1);
    'block: while place < 64 {
        own.refill();
        // As a rule these bits are enough for three numbers. Without bounds on how often, the machine could not foresee the end.
        for _ in 0..3 {
            let number = ac.number(&mut own)?;
            if number.size == 0 {
                if number.zeros < 15 {
                    break 'block;
                }
                place += 16;
                break;
            }
            place += number.zeros;
            if place > 63 {
                return Err(TOO_MANY);
            }
            if WANTED {
                block[usize::from(ZIGZAG[place] & 63)] = number.value as i16;
            }
            place += 1;
            if place > 63 || !own.has(32) {
                break;
            }
        }
    }
    *bits = own;
    Ok(Extent::of_places(place))
}

/// By how much the first coefficient differs from that of the block before.
#[inline(always)]
pub(crate) fn difference(bits: &mut Bits<'_>, code: &Code) -> Result<i32, Error> {
    match code.number(bits)? {
        Number { zeros: 0, value, .. } => Ok(value),
        _ => Err(Error::Damaged("a first coefficient of more than 15 bits")),
    }
}
