//! AVX-512: a vector is one register.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{
    lane::{LANES, Lane, UPPER_HALF},
    vector::{Kernel, Simd},
};

/// 512-bit vectors; `BF16` says whether there are instructions for pairs of bf16.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const BF16: bool>;

/// What tells the two apart: the features that kernels are compiled with.
trait Features {
    /// See [`Simd::call`].
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output;
}

impl Features for Avx512<false> {
    #[inline(never)]
    #[target_feature(enable = "avx512f")]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the feature.
        unsafe { kernel.run::<Self>() }
    }
}

impl Features for Avx512<true> {
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features.
        unsafe { kernel.run::<Self>() }
    }
}

#[allow(private_bounds)]
impl<const BF16: bool> Simd for Avx512<BF16>
where
    Self: Features,
{
    type V = __m512;
    const ROWS: usize = 8;

    #[inline(always)]
    unsafe fn fetch(soon: &Lane) {
        // SAFETY: a prefetch reads nothing that a program sees; `Simd` promises AVX-512.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(soon.0.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn fetch_near(soon: *const u32) {
        // SAFETY: a prefetch reads nothing that a program sees; `Simd` promises AVX-512.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(soon.cast()) }
    }
    #[inline(always)]
    unsafe fn load(from: &Lane) -> Self::V {
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; `Simd` promises AVX-512.
        unsafe { _mm512_load_ps(from.0.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store(to: &mut Lane, value: Self::V) {
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; `Simd` promises AVX-512.
        unsafe { _mm512_store_ps(to.0.as_mut_ptr(), value) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            if BF16 {
                // Halves come out one after the other: first's sixteen, then second's.
                let halves: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(second, first));
                let order = _mm512_set_epi16(
                    31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4,
                    19, 3, 18, 2, 17, 1, 16, 0,
                );
                return _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, halves));
            }
            let upper = _mm512_set1_epi32(UPPER_HALF as i32);
            let second = _mm512_and_si512(bf16_bits(second), upper);
            _mm512_castsi512_ps(_mm512_or_si512(_mm512_srli_epi32::<16>(bf16_bits(first)), second))
        }
    }
    #[inline(always)]
    unsafe fn unpair(pairs: Self::V) -> [Self::V; 2] {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            let bits = _mm512_castps_si512(pairs);
            let second = _mm512_and_si512(bits, _mm512_set1_epi32(UPPER_HALF as i32));
            [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits)), _mm512_castsi512_ps(second)]
        }
    }
    #[inline(always)]
    unsafe fn row(first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            if BF16 {
                let halves: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(second, first));
                return _mm512_castsi512_ps(halves);
            }
            let [first, second] = [bf16_bits(first), bf16_bits(second)];
            let [first, second] = [_mm512_srli_epi32::<16>(first), _mm512_srli_epi32::<16>(second)];
            let low = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(first));
            _mm512_castsi512_ps(_mm512_inserti64x4::<1>(low, _mm512_cvtepi32_epi16(second)))
        }
    }
    #[inline(always)]
    unsafe fn unrow(row: Self::V) -> [Self::V; 2] {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            let bits = _mm512_castps_si512(row);
            let first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(bits));
            let second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(bits));
            [
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(first)),
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(second)),
            ]
        }
    }
    #[inline(always)]
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            if BF16 {
                return _mm512_dpbf16_ps(c, pairs_of(a), pairs_of(b));
            }
            let upper = _mm512_set1_epi32(UPPER_HALF as i32);
            // No closures: they would be compiled without the instruction set's features.
            let (a, b) = (_mm512_castps_si512(a), _mm512_castps_si512(b));
            let a1 = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(a));
            let b1 = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(b));
            let a2 = _mm512_castsi512_ps(_mm512_and_si512(a, upper));
            let b2 = _mm512_castsi512_ps(_mm512_and_si512(b, upper));
            _mm512_fmadd_ps(a2, b2, _mm512_fmadd_ps(a1, b1, c))
        }
    }
    #[inline(always)]
    unsafe fn positive(value: Self::V) -> u16 {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(value, _mm512_setzero_ps()) }
    }
    #[inline(always)]
    unsafe fn select(value: Self::V, bits: u16) -> Self::V {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe { _mm512_maskz_mov_ps(bits, value) }
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
        // SAFETY: registers alone; `Simd` promises AVX-512.
        unsafe {
            // Within 128-bit quarters: 4×4 transposes of four rows each.
            let mut fours = [_mm512_setzero_ps(); LANES];
            for i in (0..LANES).step_by(4) {
                let low = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
                let high = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
                let low2 = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
                let high2 = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
                fours[i] = _mm512_shuffle_ps::<0b01_00_01_00>(low, low2);
                fours[i + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(low, low2);
                fours[i + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(high, high2);
                fours[i + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(high, high2);
            }
            // TileAfter the quarters themselves: fours[4q + c] holds lanes c, 4 + c, 8 + c, 12 + c of rows 4q … 4q + 3.
            let mut out = [_mm512_setzero_ps(); LANES];
            for c in 0..4 {
                let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[c], fours[4 + c]);
                let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[c], fours[4 + c]);
                let even2 = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[8 + c], fours[12 + c]);
                let odd2 = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[8 + c], fours[12 + c]);
                out[c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even, even2);
                out[8 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even, even2);
                out[4 + c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd, odd2);
                out[12 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd, odd2);
            }
            out
        }
    }
    #[inline(always)]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features that this function is compiled with.
        unsafe { <Self as Features>::call(kernel) }
    }
}

/// Bits as pairs of bf16.
#[inline(always)]
fn pairs_of(bits: __m512) -> __m512bh {
    // SAFETY: both are 512 bits, of which any are values.
    unsafe { std::mem::transmute::<__m512, __m512bh>(bits) }
}

/// In the upper halves the values rounded to bf16: [`bf16_bits`](super::lane::bf16_bits) of each lane.
///
/// # Safety
/// The processor has AVX-512F.
#[inline(always)]
unsafe fn bf16_bits(values: __m512) -> __m512i {
    // SAFETY: the caller vouches for the feature.
    unsafe {
        let bits = _mm512_castps_si512(values);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        let no_number = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
        _mm512_mask_or_epi32(rounded, no_number, bits, _mm512_set1_epi32(1 << 22))
    }
}
