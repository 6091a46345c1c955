//! What kernels are written against.
#![allow(unsafe_code)]

use super::lane::{LANES, Lane, UPPER_HALF, pair_bits};

/// Arithmetic on sixteen lanes.
///
/// # Safety
/// Methods may only run on a processor with the instruction set's features; [`run`](super::run) sees to that.
pub(crate) trait Simd: Copy {
    /// Sixteen f32 in registers.
    type V: Copy;
    /// Rows of a register tile of the matrix kernels; weights are packed in groups of as many.
    const ROWS: usize;

    /// Asks for a value that will be read (or written) soon, so that it comes from memory meanwhile.
    unsafe fn fetch(soon: &Lane);
    /// The same for 64 bytes that are read next, into the nearest cache; they need not be there at all.
    unsafe fn fetch_near(soon: *const u32);
    unsafe fn load(from: &Lane) -> Self::V;
    unsafe fn store(to: &mut Lane, value: Self::V);
    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Lane by lane two values rounded to bf16, the first in the lower half.
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V;
    /// The two values of each pair.
    #[inline(always)]
    unsafe fn unpair(pairs: Self::V) -> [Self::V; 2] {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let bits = to_array::<Self>(pairs).map(f32::to_bits);
            [
                from_array::<Self>(bits.map(|pair| f32::from_bits(pair << 16))),
                from_array::<Self>(bits.map(|pair| f32::from_bits(pair & UPPER_HALF))),
            ]
        }
    }
    /// Two values' lanes rounded to bf16 one after the other, as pairs of neighbours: a row of a tile.
    #[inline(always)]
    unsafe fn row(first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let [first, second] = [to_array::<Self>(first), to_array::<Self>(second)];
            let lane = |i: usize| if i < LANES { first[i] } else { second[i - LANES] };
            let pair = |i: usize| f32::from_bits(pair_bits(lane(2 * i), lane(2 * i + 1)));
            from_array::<Self>(std::array::from_fn(pair))
        }
    }
    /// The two values of a row.
    #[inline(always)]
    unsafe fn unrow(row: Self::V) -> [Self::V; 2] {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let bits = to_array::<Self>(row).map(f32::to_bits);
            let lane = |i: usize| {
                f32::from_bits(if i.is_multiple_of(2) { bits[i / 2] << 16 } else { bits[i / 2] & UPPER_HALF })
            };
            [
                from_array::<Self>(std::array::from_fn(lane)),
                from_array::<Self>(std::array::from_fn(|i| lane(LANES + i))),
            ]
        }
    }
    /// The sum of both products of pairs of bf16, + c.
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Bit i says whether lane i is positive or no number, which ReLU must not hide.
    unsafe fn positive(value: Self::V) -> u16;
    /// The lanes whose bit is set, 0 elsewhere.
    unsafe fn select(value: Self::V, bits: u16) -> Self::V;
    /// Lane j of result i is lane i of row j.
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES];
    /// Runs a kernel as a function of its own: compiled once for all who call it, instead of into each of them.
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output;
    /// Lane i is the sum of row i's lanes.
    #[inline(always)]
    unsafe fn row_sums(rows: [Self::V; LANES]) -> Self::V {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut sums = Self::transpose(rows);
            for half in [8, 4, 2, 1] {
                for i in 0..half {
                    sums[i] = Self::add(sums[i], sums[half + i]);
                }
            }
            sums[0]
        }
    }
}

#[inline(always)]
unsafe fn to_array<S: Simd>(value: S::V) -> [f32; LANES] {
    let mut lane = Lane::ZERO;
    // SAFETY: the caller vouches for the features.
    unsafe { S::store(&mut lane, value) };
    lane.0
}

#[inline(always)]
unsafe fn from_array<S: Simd>(values: [f32; LANES]) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { S::load(&Lane(values)) }
}

/// Code that is compiled once an instruction set.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work. Must be `#[inline(always)]`, as must all that it calls, to be compiled with the instruction set's features.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}
