//! Turns columns of complex numbers whose parts lie apart into rows in which they are neighbours, as spectra are stored.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use pulp::Simd;

#[cfg(target_arch = "x86_64")]
use crate::transpose::quarters;
use crate::vector::{Cell, LANES};

/// Complex numbers in a [`Cell`].
pub(crate) const PAIRS: usize = LANES / 2;

/// Makes sixteen rows of eight complex numbers of eight columns, lane by lane.
#[inline(always)]
pub(crate) fn interleave<S: Simd>(simd: S, re: [&Cell; PAIRS], im: [&Cell; PAIRS]) -> [Cell; LANES] {
    // The type is known when this is compiled, so one branch remains.
    #[cfg(target_arch = "x86_64")]
    {
        use std::any::Any;
        if let Some(simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V4>() {
            return by_sixteen(*simd, re, im);
        }
        if let Some(simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>() {
            return by_eight(*simd, re, im);
        }
    }
    let _ = simd;
    one_by_one(re, im)
}

#[inline(always)]
fn one_by_one(re: [&Cell; PAIRS], im: [&Cell; PAIRS]) -> [Cell; LANES] {
    let mut rows = [Cell::ZERO; LANES];
    for (lane, row) in rows.iter_mut().enumerate() {
        for (column, pair) in row.0.chunks_exact_mut(2).enumerate() {
            pair.copy_from_slice(&[re[column].0[lane], im[column].0[lane]]);
        }
    }
    rows
}

/// Parts first, then neighbouring columns, which stays inside quarters of a register; then the quarters.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(
    clippy::needless_range_loop,
    reason = "of arrays that are indexed by constants alone, none is in memory"
)]
fn by_sixteen(simd: pulp::x86::V4, re: [&Cell; PAIRS], im: [&Cell; PAIRS]) -> [Cell; LANES] {
    let avx = simd.avx512f;
    let mut rows = [Cell::ZERO; LANES];
    // pairs[0][column] has, in quarter q, lanes 4q and 4q + 1; pairs[1][column] the two behind them.
    let mut pairs = [[avx._mm512_setzero_pd(); PAIRS]; 2];
    for column in 0..PAIRS {
        let (re, im): (__m512, __m512) = (pulp::cast(re[column].0), pulp::cast(im[column].0));
        pairs[0][column] = pulp::cast(avx._mm512_unpacklo_ps(re, im));
        pairs[1][column] = pulp::cast(avx._mm512_unpackhi_ps(re, im));
    }
    for upper in 0..2 {
        let mut fours = [[avx._mm512_setzero_ps(); 4]; 2];
        for at in 0..4 {
            let (left, right) = (pairs[upper][2 * at], pairs[upper][2 * at + 1]);
            fours[0][at] = pulp::cast(avx._mm512_unpacklo_pd(left, right));
            fours[1][at] = pulp::cast(avx._mm512_unpackhi_pd(left, right));
        }
        for odd in 0..2 {
            let turned = quarters(simd, fours[odd]);
            for quarter in 0..4 {
                rows[4 * quarter + 2 * upper + odd].0 = pulp::cast(turned[quarter]);
            }
        }
    }
    rows
}

/// The same for blocks of four columns by eight lanes, whose registers have two halves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn by_eight(simd: pulp::x86::V3, re: [&Cell; PAIRS], im: [&Cell; PAIRS]) -> [Cell; LANES] {
    let avx = simd.avx;
    let mut rows = [Cell::ZERO; LANES];
    for (lane, column) in [(0, 0), (0, 4), (8, 0), (8, 4)] {
        let (mut lower, mut upper) = ([avx._mm256_setzero_pd(); 4], [avx._mm256_setzero_pd(); 4]);
        for at in 0..4 {
            let (re, im) = (half(re[column + at], lane), half(im[column + at], lane));
            lower[at] = pulp::cast(avx._mm256_unpacklo_ps(re, im));
            upper[at] = pulp::cast(avx._mm256_unpackhi_ps(re, im));
        }
        for (first, [a, b, c, d]) in [(0, lower), (2, upper)] {
            let even = [avx._mm256_unpacklo_pd(a, b), avx._mm256_unpacklo_pd(c, d)];
            let odd = [avx._mm256_unpackhi_pd(a, b), avx._mm256_unpackhi_pd(c, d)];
            for (row, [left, right]) in [(first, even), (first + 1, odd)] {
                let near: [f32; 8] = pulp::cast(avx._mm256_permute2f128_pd::<0x20>(left, right));
                let far: [f32; 8] = pulp::cast(avx._mm256_permute2f128_pd::<0x31>(left, right));
                rows[lane + row].0[2 * column..2 * column + 8].copy_from_slice(&near);
                rows[lane + row + 4].0[2 * column..2 * column + 8].copy_from_slice(&far);
            }
        }
    }
    rows
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn half(cell: &Cell, lane: usize) -> __m256 {
    let lanes: &[f32; 8] = cell.0[lane..].first_chunk().expect("one of the halves");
    pulp::cast(*lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::everywhere;

    struct Rows<'a>([&'a Cell; PAIRS], [&'a Cell; PAIRS]);

    impl pulp::WithSimd for Rows<'_> {
        type Output = [Cell; LANES];
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            interleave(simd, self.0, self.1)
        }
    }

    #[test]
    fn parts_become_neighbours_under_every_instruction_set() {
        let parts: [Cell; LANES] =
            std::array::from_fn(|at| Cell(std::array::from_fn(|lane| (at * LANES + lane) as f32)));
        let (re, im) = parts.split_at(PAIRS);
        for arch in everywhere() {
            let rows =
                arch.dispatch(Rows(std::array::from_fn(|at| &re[at]), std::array::from_fn(|at| &im[at])));
            for (lane, row) in rows.iter().enumerate() {
                for (column, pair) in row.0.chunks_exact(2).enumerate() {
                    assert_eq!(pair, [re[column].0[lane], im[column].0[lane]], "{arch:?} {lane} {column}");
                }
            }
        }
    }
}
