//! The inverse cosine transform of a block, in whole numbers.
//!
//! A transform of length 8 with the even and the odd coefficients apart (Loeffler, Ligtenberg & Moschytz 1989), its constants multiples of
//! 2⁻¹³. Columns come first and are rounded to multiples of 2⁻², then rows. All between is exact, so the result is libjpeg's "accurate
//! integer" one whatever the order of sums.

#[cfg(target_arch = "x86_64")]
mod avx2;

/// Bits behind the point of the constants, and of what columns give.
const BITS: u32 = 13;
const BETWEEN: u32 = 2;

/// √2 · cos(kπ/16) and the like, as multiples of 2⁻¹³.
const fn fixed(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + if value < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// Which coefficients of a block may be other than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The first.
    First,
    /// Those of the first four rows and columns.
    Low,
    All,
}

impl Extent {
    /// Of so many places in zigzag order.
    #[inline(always)]
    pub(crate) fn of_places(places: usize) -> Self {
        match places {
            0 | 1 => Self::First,
            2..=10 => Self::Low,
            _ => Self::All,
        }
    }

    /// Of a block's own coefficients, row by row.
    #[inline(always)]
    pub(crate) fn of(block: &[i16; 64]) -> Self {
        let any =
            |coefficients: &[i16]| coefficients.iter().fold(0, |any, coefficient| any | coefficient) != 0;
        match any(&block[1..]) {
            false => Self::First,
            true if any(&block[32..]) || block.as_chunks::<8>().0[..4].iter().any(|row| any(&row[4..])) => {
                Self::All
            }
            true => Self::Low,
        }
    }
}

/// The way from coefficients to samples on a machine.
pub(crate) trait Transform: Copy {
    /// The samples of a block of coefficients, none of which is beyond `extent`, both row by row.
    fn samples(self, block: &[i16; 64], extent: Extent) -> [u8; 64];
}

/// Numbers, one or several, with which a machine calculates at once.
trait Arithmetic: Copy {
    type Number: Copy;
    fn all(self, value: i32) -> Self::Number;
    fn add(self, one: Self::Number, other: Self::Number) -> Self::Number;
    fn sub(self, one: Self::Number, other: Self::Number) -> Self::Number;
    fn times(self, one: Self::Number, factor: i32) -> Self::Number;
    fn shifted_right<const BY: i32>(self, one: Self::Number) -> Self::Number;
}

/// The transform of eight numbers, after which so many bits are cut off; `round` is added first.
#[inline(always)]
fn transform<A: Arithmetic, const CUT: i32>(
    by: A,
    [c0, c1, c2, c3, c4, c5, c6, c7]: [A::Number; 8],
    round: i32,
) -> [A::Number; 8] {
    let add = |one, other| by.add(one, other);
    let sub = |one, other| by.sub(one, other);
    let times = |one, factor| by.times(one, factor);
    // The even coefficients.
    let shared = times(add(c2, c6), const { fixed(0.541_196_100) });
    let inner = sub(shared, times(c6, const { fixed(1.847_759_065) }));
    let outer = add(shared, times(c2, const { fixed(0.765_366_865) }));
    let round = by.all(round);
    let sum = add(times(add(c0, c4), 1 << BITS), round);
    let difference = add(times(sub(c0, c4), 1 << BITS), round);
    let (e0, e1, e2, e3) = (add(sum, outer), add(difference, inner), sub(difference, inner), sub(sum, outer));
    // The odd ones.
    let (one, two, three, four) = (add(c7, c1), add(c5, c3), add(c7, c3), add(c5, c1));
    let shared = times(add(three, four), const { fixed(1.175_875_602) });
    let one = times(one, const { -fixed(0.899_976_223) });
    let two = times(two, const { -fixed(2.562_915_447) });
    let three = add(shared, times(three, const { -fixed(1.961_570_560) }));
    let four = add(shared, times(four, const { -fixed(0.390_180_644) }));
    let o0 = add(times(c1, const { fixed(1.501_321_110) }), add(one, four));
    let o1 = add(times(c3, const { fixed(3.072_711_026) }), add(two, three));
    let o2 = add(times(c5, const { fixed(2.053_119_869) }), add(two, four));
    let o3 = add(times(c7, const { fixed(0.298_631_336) }), add(one, three));
    let mut all = [
        add(e0, o0),
        add(e1, o1),
        add(e2, o2),
        add(e3, o3),
        sub(e3, o3),
        sub(e2, o2),
        sub(e1, o1),
        sub(e0, o0),
    ];
    // No `map`: it would be called, not inlined, and its vectors go through memory.
    for number in &mut all {
        *number = by.shifted_right::<CUT>(*number);
    }
    all
}

/// What columns and what rows cut off.
const COLUMNS: i32 = (BITS - BETWEEN) as i32;
const ROWS: i32 = (BITS + BETWEEN + 3) as i32;

/// What is added before: a half of what is cut off, and for samples, which lie around 128, that.
const ROUND_COLUMNS: i32 = 1 << (COLUMNS - 1);
const ROUND_ROWS: i32 = (1 << (ROWS - 1)) + (128 << ROWS);

/// One number after another, on any machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Arithmetic for Portable {
    type Number = i32;

    #[inline(always)]
    fn all(self, value: i32) -> i32 {
        value
    }

    #[inline(always)]
    fn add(self, one: i32, other: i32) -> i32 {
        one.wrapping_add(other)
    }

    #[inline(always)]
    fn sub(self, one: i32, other: i32) -> i32 {
        one.wrapping_sub(other)
    }

    #[inline(always)]
    fn times(self, one: i32, factor: i32) -> i32 {
        one.wrapping_mul(factor)
    }

    #[inline(always)]
    fn shifted_right<const BY: i32>(self, one: i32) -> i32 {
        one >> BY
    }
}

impl Transform for Portable {
    #[inline(always)]
    fn samples(self, block: &[i16; 64], _: Extent) -> [u8; 64] {
        let (mut between, mut samples) = ([0; 64], [0; 64]);
        for column in 0..8 {
            let of = std::array::from_fn(|row| i32::from(block[8 * row + column]));
            let done = transform::<Self, COLUMNS>(self, of, ROUND_COLUMNS);
            (0..8).for_each(|row| between[8 * row + column] = done[row]);
        }
        for (row, samples) in between.as_chunks::<8>().0.iter().zip(samples.as_chunks_mut::<8>().0) {
            *samples = transform::<Self, ROWS>(self, *row, ROUND_ROWS).map(|value| value.clamp(0, 255) as u8);
        }
        samples
    }
}

/// The samples of a block whose first coefficient alone is not zero: all are the same.
#[inline(always)]
pub(crate) fn flat(first: i16) -> u8 {
    const SHIFT: u32 = BETWEEN + 3;
    let rounded = ((i32::from(first) << BETWEEN) + (1 << (SHIFT - 1))) >> SHIFT;
    (rounded + 128).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// The transform by its definition, T.81 A.3.3.
    fn defined(block: &[i16; 64]) -> [[f64; 8]; 8] {
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let wave = |x: usize, k: usize| ((2 * x + 1) as f64 * k as f64 * PI / 16.0).cos() * scale(k) / 2.0;
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let terms = (0..64).map(|at| f64::from(block[at]) * wave(y, at / 8) * wave(x, at % 8));
                (terms.sum::<f64>() + 128.0).clamp(0.0, 255.0)
            })
        })
    }

    #[test]
    fn blocks_are_transformed_as_defined() {
        let mut state = 1u32;
        let mut number = move |most: i32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((i64::from(state >> 8) * i64::from(2 * most + 1)) >> 24) as i32 - most
        };
        for round in 0..500 {
            let most = [4, 30, 200][round % 3];
            let block: [i16; 64] = std::array::from_fn(|at| {
                number(if at == 0 { 900 } else { most / (1 + at as i32 / 8) }) as i16
            });
            let (found, expected) = (Portable.samples(&block, Extent::All), defined(&block));
            for (found, expected) in found.iter().zip(expected.as_flattened()) {
                // Half a level of rounding, and what rounding between the passes adds.
                assert!((f64::from(*found) - expected).abs() < 0.7, "{found} {expected}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_give_the_same_bits() {
        let Some(vectors) = pulp::x86::V3::try_new() else { return };
        let mut state = 7u64;
        for round in 0..2000 {
            let block: [i16; 64] = std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 48) as i16) >> (round % 12)
            });
            let low = std::array::from_fn(|at| if at < 32 && at % 8 < 4 { block[at] } else { 0 });
            assert_eq!((Extent::of(&block), Extent::of(&low)), (Extent::All, Extent::Low));
            for (block, extent) in [(&block, Extent::All), (&low, Extent::Low)] {
                let expected = Portable.samples(block, extent);
                assert_eq!(vectors.samples(block, extent), expected, "{round}: {block:?}");
            }
        }
    }

    #[test]
    fn flat_blocks_are_those_of_the_transform() {
        for first in -1100..1100 {
            let mut block = [0; 64];
            block[0] = first;
            assert_eq!(Portable.samples(&block, Extent::First), [flat(first); 64], "{first}");
        }
    }
}
