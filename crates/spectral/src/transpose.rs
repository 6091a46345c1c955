//! Turns blocks of 16×16 numbers: what was a row becomes a lane.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use pulp::Simd;

use crate::vector::{Cell, LANES};

/// Transposes a block in place.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(simd: S, block: &mut [Cell; LANES]) {
    // The type is known when this is compiled, so one branch remains.
    #[cfg(target_arch = "x86_64")]
    {
        use std::any::Any;
        if let Some(simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V4>() {
            return by_sixteen(*simd, block);
        }
        if let Some(simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>() {
            return by_eight(*simd, block);
        }
    }
    let _ = simd;
    one_by_one(block);
}

#[inline(always)]
fn one_by_one(block: &mut [Cell; LANES]) {
    let rows = *block;
    for (lane, row) in block.iter_mut().enumerate() {
        row.0 = std::array::from_fn(|column| rows[column].0[lane]);
    }
}

/// Neighbours first (1, then 2 apart), which stays inside quarters of a register; then the quarters.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn by_sixteen(simd: pulp::x86::V4, block: &mut [Cell; LANES]) {
    let avx = simd.avx512f;
    let row = |at: usize| -> __m512 { pulp::cast(block[at].0) };
    let pairs: [__m512d; 16] = std::array::from_fn(|at| {
        let (a, b) = (row(at & !1), row(at | 1));
        pulp::cast(if at % 2 == 0 { avx._mm512_unpacklo_ps(a, b) } else { avx._mm512_unpackhi_ps(a, b) })
    });
    // fours[4g + c]: in quarter q, column 4q + c of rows 4g…4g + 3.
    let fours: [__m512; 16] = std::array::from_fn(|at| {
        let (group, column) = (at & !3, at & 3);
        let (a, b) = (pairs[group + column / 2], pairs[group + 2 + column / 2]);
        pulp::cast(if at % 2 == 0 { avx._mm512_unpacklo_pd(a, b) } else { avx._mm512_unpackhi_pd(a, b) })
    });
    for column in 0..4 {
        let rows = quarters(simd, std::array::from_fn(|group| fours[4 * group + column]));
        for (quarter, row) in rows.into_iter().enumerate() {
            block[4 * quarter + column].0 = pulp::cast(row);
        }
    }
}

/// Turns a block of 4×4 quarters of registers.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn quarters(simd: pulp::x86::V4, [a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let avx = simd.avx512f;
    let (even, even_below) = (avx._mm512_shuffle_f32x4::<EVEN>(a, b), avx._mm512_shuffle_f32x4::<EVEN>(c, d));
    let (odd, odd_below) = (avx._mm512_shuffle_f32x4::<ODD>(a, b), avx._mm512_shuffle_f32x4::<ODD>(c, d));
    [
        avx._mm512_shuffle_f32x4::<EVEN>(even, even_below),
        avx._mm512_shuffle_f32x4::<EVEN>(odd, odd_below),
        avx._mm512_shuffle_f32x4::<ODD>(even, even_below),
        avx._mm512_shuffle_f32x4::<ODD>(odd, odd_below),
    ]
}

/// Four blocks of 8×8; the two off the diagonal change places.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn by_eight(simd: pulp::x86::V3, block: &mut [Cell; LANES]) {
    for (row, column) in [(0, 0), (8, 8)] {
        let turned = eight(simd, block, row, column);
        put(block, row, column, &turned);
    }
    let (upper, lower) = (eight(simd, block, 0, 8), eight(simd, block, 8, 0));
    put(block, 8, 0, &upper);
    put(block, 0, 8, &lower);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn put(block: &mut [Cell; LANES], row: usize, column: usize, part: &[[f32; 8]; 8]) {
    for (cell, part) in block[row..row + 8].iter_mut().zip(part) {
        cell.0[column..column + 8].copy_from_slice(part);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn eight(simd: pulp::x86::V3, block: &[Cell; LANES], row: usize, column: usize) -> [[f32; 8]; 8] {
    let avx = simd.avx;
    let part = |at: usize| -> __m256 {
        let half: [f32; 8] = std::array::from_fn(|lane| block[row + at].0[column + lane]);
        pulp::cast(half)
    };
    let pairs: [__m256d; 8] = std::array::from_fn(|at| {
        let (a, b) = (part(at & !1), part(at | 1));
        pulp::cast(if at % 2 == 0 { avx._mm256_unpacklo_ps(a, b) } else { avx._mm256_unpackhi_ps(a, b) })
    });
    let fours: [__m256; 8] = std::array::from_fn(|at| {
        let (group, column) = (at & !3, at & 3);
        let (a, b) = (pairs[group + column / 2], pairs[group + 2 + column / 2]);
        pulp::cast(if at % 2 == 0 { avx._mm256_unpacklo_pd(a, b) } else { avx._mm256_unpackhi_pd(a, b) })
    });
    std::array::from_fn(|at| {
        let (a, b) = (fours[at & 3], fours[4 + (at & 3)]);
        pulp::cast(if at < 4 {
            avx._mm256_permute2f128_ps::<0x20>(a, b)
        } else {
            avx._mm256_permute2f128_ps::<0x31>(a, b)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::everywhere;

    struct Turn<'a>(&'a mut [Cell; LANES]);

    impl pulp::WithSimd for Turn<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            transpose(simd, self.0);
        }
    }

    #[test]
    fn rows_become_lanes_under_every_instruction_set() {
        for arch in everywhere() {
            let mut block: [Cell; LANES] =
                std::array::from_fn(|row| Cell(std::array::from_fn(|lane| (row * LANES + lane) as f32)));
            arch.dispatch(Turn(&mut block));
            for (row, cell) in block.iter().enumerate() {
                let expected: [f32; LANES] = std::array::from_fn(|lane| (lane * LANES + row) as f32);
                assert_eq!(cell.0, expected, "{arch:?}");
            }
        }
    }
}
