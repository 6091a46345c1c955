//! AVX2 and fused multiply-add: a vector is two registers.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{
    lane::{LANES, Lane, UPPER_HALF},
    vector::{Kernel, Simd},
};

#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// In the upper halves the values rounded to bf16: [`bf16_bits`](super::lane::bf16_bits) of each of eight.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn bf16_bits8(values: __m256) -> __m256i {
    // SAFETY: the caller vouches for the feature.
    unsafe {
        let bits = _mm256_castps_si256(values);
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        let no_number = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(values, values));
        let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(1 << 22));
        _mm256_blendv_epi8(rounded, quiet, no_number)
    }
}

/// The transpose of 8×8 values.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn transpose8(rows: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: the caller vouches for the feature.
    unsafe {
        let mut fours = [_mm256_setzero_ps(); 8];
        for i in (0..8).step_by(4) {
            let low = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
            let high = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
            let low2 = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
            let high2 = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
            fours[i] = _mm256_shuffle_ps::<0b01_00_01_00>(low, low2);
            fours[i + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(low, low2);
            fours[i + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(high, high2);
            fours[i + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(high, high2);
        }
        let mut out = [_mm256_setzero_ps(); 8];
        for c in 0..4 {
            out[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
            out[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
        }
        out
    }
}

impl Simd for Avx2 {
    type V = [__m256; 2];
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn fetch(soon: &Lane) {
        // SAFETY: a prefetch reads nothing that a program sees; `Simd` promises AVX2 and FMA.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(soon.0.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn fetch_near(soon: *const u32) {
        // SAFETY: a prefetch reads nothing that a program sees; `Simd` promises AVX2 and FMA.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(soon.cast()) }
    }
    #[inline(always)]
    unsafe fn load(from: &Lane) -> Self::V {
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_load_ps(from.0.as_ptr()), _mm256_load_ps(from.0.as_ptr().add(8))] }
    }
    #[inline(always)]
    unsafe fn store(to: &mut Lane, value: Self::V) {
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; `Simd` promises AVX2 and FMA.
        unsafe {
            _mm256_store_ps(to.0.as_mut_ptr(), value[0]);
            _mm256_store_ps(to.0.as_mut_ptr().add(8), value[1]);
        }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_set1_ps(value); 2] }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V {
        let mut out = first;
        for half in 0..2 {
            // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
            unsafe {
                let upper = _mm256_set1_epi32(UPPER_HALF as i32);
                let second = _mm256_and_si256(bf16_bits8(second[half]), upper);
                let first = _mm256_srli_epi32::<16>(bf16_bits8(first[half]));
                out[half] = _mm256_castsi256_ps(_mm256_or_si256(first, second));
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let mut out = c;
        for half in 0..2 {
            // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
            unsafe {
                let upper = _mm256_set1_epi32(UPPER_HALF as i32);
                let (a, b) = (_mm256_castps_si256(a[half]), _mm256_castps_si256(b[half]));
                let a1 = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(a));
                let b1 = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(b));
                let a2 = _mm256_castsi256_ps(_mm256_and_si256(a, upper));
                let b2 = _mm256_castsi256_ps(_mm256_and_si256(b, upper));
                out[half] = _mm256_fmadd_ps(a2, b2, _mm256_fmadd_ps(a1, b1, out[half]));
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn positive(value: Self::V) -> u16 {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(value[0], zero));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(value[1], zero));
            (low | (high << 8)) as u16
        }
    }
    #[inline(always)]
    unsafe fn select(value: Self::V, bits: u16) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        unsafe {
            let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let low = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
            let high = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits >> 8)), lanes);
            [
                _mm256_and_ps(value[0], _mm256_castsi256_ps(_mm256_cmpeq_epi32(low, lanes))),
                _mm256_and_ps(value[1], _mm256_castsi256_ps(_mm256_cmpeq_epi32(high, lanes))),
            ]
        }
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
        // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
        let mut out = [[unsafe { _mm256_setzero_ps() }; 2]; LANES];
        for half in 0..2 {
            for quarter in 0..2 {
                let square = std::array::from_fn(|i| rows[quarter * 8 + i][half]);
                // SAFETY: registers alone; `Simd` promises AVX2 and FMA.
                let turned = unsafe { transpose8(square) };
                for (i, turned) in turned.into_iter().enumerate() {
                    out[half * 8 + i][quarter] = turned;
                }
            }
        }
        out
    }
    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features that this function is compiled with.
        unsafe { kernel.run::<Self>() }
    }
}
