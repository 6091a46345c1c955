//! Sixteen values side by side in memory, and their rounding to bf16.

/// Images that share a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen values, aligned to a cache line.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lane(pub(crate) [f32; LANES]);

impl Lane {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// Two values rounded to bf16 side by side, the first in the lower half.
#[inline(always)]
pub(crate) fn pair_bits(first: f32, second: f32) -> u32 {
    (bf16_bits(first) >> 16) | (bf16_bits(second) & UPPER_HALF)
}

pub(super) const UPPER_HALF: u32 = 0xffff_0000;

/// In the upper half the bits of a value rounded to bf16, to the even neighbour if two are equally near.
#[inline(always)]
pub(super) fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    // A carry out of the mantissa would make an infinity or a zero of something that is no number.
    if value.is_nan() { bits | 1 << 22 } else { bits.wrapping_add(0x7fff + (bits >> 16 & 1)) }
}
