//! Eight columns, then eight rows at once, in the vectors of AVX2.

use std::arch::x86_64::__m256i;

use pulp::{cast, x86::V3};

use super::{Arithmetic, COLUMNS, Extent, ROUND_COLUMNS, ROUND_ROWS, ROWS, Transform, transform};

impl Arithmetic for V3 {
    type Number = __m256i;

    #[inline(always)]
    fn all(self, value: i32) -> __m256i {
        self.avx._mm256_set1_epi32(value)
    }

    #[inline(always)]
    fn add(self, one: __m256i, other: __m256i) -> __m256i {
        self.avx2._mm256_add_epi32(one, other)
    }

    #[inline(always)]
    fn sub(self, one: __m256i, other: __m256i) -> __m256i {
        self.avx2._mm256_sub_epi32(one, other)
    }

    #[inline(always)]
    fn times(self, one: __m256i, factor: i32) -> __m256i {
        self.avx2._mm256_mullo_epi32(one, self.all(factor))
    }

    #[inline(always)]
    fn shifted_right<const BY: i32>(self, one: __m256i) -> __m256i {
        self.avx2._mm256_srai_epi32::<BY>(one)
    }
}

impl Transform for V3 {
    #[inline(always)]
    fn samples(self, block: &[i16; 64], extent: Extent) -> [u8; 64] {
        let [r0, r1, r2, r3, r4, r5, r6, r7]: [[i16; 8]; 8] = cast(*block);
        let wide = |row: [i16; 8]| self.avx2._mm256_cvtepi16_epi32(cast(row));
        let (r0, r1, r2, r3) = (wide(r0), wide(r1), wide(r2), wide(r3));
        // The compiler drops what is made of zeros.
        let zero = self.all(0);
        let columns = if extent == Extent::All {
            let rows = [r0, r1, r2, r3, wide(r4), wide(r5), wide(r6), wide(r7)];
            let between = transform::<Self, COLUMNS>(self, rows, ROUND_COLUMNS);
            transform::<Self, ROWS>(self, transposed(self, between), ROUND_ROWS)
        } else {
            let between =
                transform::<Self, COLUMNS>(self, [r0, r1, r2, r3, zero, zero, zero, zero], ROUND_COLUMNS);
            let [c0, c1, c2, c3, ..] = transposed(self, between);
            transform::<Self, ROWS>(self, [c0, c1, c2, c3, zero, zero, zero, zero], ROUND_ROWS)
        };
        rows_of_bytes(self, columns)
    }
}

/// Rows become columns.
#[inline(always)]
fn transposed(by: V3, [r0, r1, r2, r3, r4, r5, r6, r7]: [__m256i; 8]) -> [__m256i; 8] {
    let avx2 = by.avx2;
    let pairs = |one, other| (avx2._mm256_unpacklo_epi32(one, other), avx2._mm256_unpackhi_epi32(one, other));
    let fours = |one, other| (avx2._mm256_unpacklo_epi64(one, other), avx2._mm256_unpackhi_epi64(one, other));
    let ((a0, a1), (b0, b1), (c0, c1), (d0, d1)) =
        (pairs(r0, r1), pairs(r2, r3), pairs(r4, r5), pairs(r6, r7));
    let ((e0, e1), (e2, e3)) = (fours(a0, b0), fours(a1, b1));
    let ((f0, f1), (f2, f3)) = (fours(c0, d0), fours(c1, d1));
    let low = |one, other| avx2._mm256_permute2x128_si256::<0x20>(one, other);
    let high = |one, other| avx2._mm256_permute2x128_si256::<0x31>(one, other);
    [
        low(e0, f0),
        low(e1, f1),
        low(e2, f2),
        low(e3, f3),
        high(e0, f0),
        high(e1, f1),
        high(e2, f2),
        high(e3, f3),
    ]
}

/// The rows of eight columns, each number cut to a byte.
#[inline(always)]
fn rows_of_bytes(by: V3, [c0, c1, c2, c3, c4, c5, c6, c7]: [__m256i; 8]) -> [u8; 64] {
    /// Of four columns of four bytes each, the rows.
    const TURNED: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    let avx2 = by.avx2;
    let turn = cast([TURNED, TURNED]);
    let four = |one, two, three, four| {
        let (one, two) = (avx2._mm256_packs_epi32(one, two), avx2._mm256_packs_epi32(three, four));
        avx2._mm256_shuffle_epi8(avx2._mm256_packus_epi16(one, two), turn)
    };
    // Each half of a vector has four rows.
    let (left, right) = (four(c0, c1, c2, c3), four(c4, c5, c6, c7));
    let (upper, lower) = (avx2._mm256_unpacklo_epi32(left, right), avx2._mm256_unpackhi_epi32(left, right));
    let first = avx2._mm256_permute2x128_si256::<0x20>(upper, lower);
    let second = avx2._mm256_permute2x128_si256::<0x31>(upper, lower);
    cast([first, second])
}
