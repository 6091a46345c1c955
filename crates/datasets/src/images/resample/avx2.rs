//! The pass over rows in the vectors of AVX2: four pixels at once, in two of them.

use pulp::{NullaryFnOnce, cast, x86::V3};

use super::{
    across::{AT_ONCE, Across},
    weights::BITS,
};

/// The pass, and what does it.
pub(super) struct Vectors<'a>(pub(super) Across<'a>, pub(super) V3);

impl NullaryFnOnce for Vectors<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(pass, by) = self;
        // Loops of known length, for what photographs usually take.
        match pass.columns.taps {
            2 => pass.with(|sources, weights| sum::<2>(by, sources, weights)),
            3 => pass.with(|sources, weights| sum::<3>(by, sources, weights)),
            4 => pass.with(|sources, weights| sum::<4>(by, sources, weights)),
            5 => pass.with(|sources, weights| sum::<5>(by, sources, weights)),
            6 => pass.with(|sources, weights| sum::<6>(by, sources, weights)),
            _ => pass.with(|sources, weights| sum::<0>(by, sources, weights)),
        }
    }
}

/// The weighted sum of so many pixels; zero stands for any number.
#[inline(always)]
fn sum<const TAPS: usize>(by: V3, sources: &[[[u8; 4]; AT_ONCE]], weights: &[i32]) -> [[u8; 4]; AT_ONCE] {
    let taps = if TAPS > 0 { TAPS } else { weights.len() };
    let half = by.avx._mm256_set1_epi32(1 << (BITS - 1));
    let (mut upper, mut lower) = (half, half);
    for (source, &weight) in sources[..taps].iter().zip(&weights[..taps]) {
        let [first, second]: [i64; 2] = cast(*source);
        let weight = by.avx._mm256_set1_epi32(weight);
        let wide = |bytes: i64| by.avx2._mm256_cvtepu8_epi32(by.sse2._mm_set_epi64x(0, bytes));
        upper = by.avx2._mm256_add_epi32(upper, by.avx2._mm256_mullo_epi32(wide(first), weight));
        lower = by.avx2._mm256_add_epi32(lower, by.avx2._mm256_mullo_epi32(wide(second), weight));
    }
    const SHIFT: i32 = BITS as i32;
    let upper = by.avx2._mm256_srai_epi32::<SHIFT>(upper);
    let lower = by.avx2._mm256_srai_epi32::<SHIFT>(lower);
    let words = by.avx2._mm256_packs_epi32(upper, lower);
    // The halves of a vector are packed apart.
    let [one, three, _, _, two, four, _, _]: [[u8; 4]; 8] = cast(by.avx2._mm256_packus_epi16(words, words));
    [one, two, three, four]
}
