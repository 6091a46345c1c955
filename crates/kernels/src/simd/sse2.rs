//! SSE2, which every x86-64 processor has: a vector is four registers.
//!
//! The sums are those of [`arrays`](super::arrays) bit for bit, but for the compiler they are instructions already: it has
//! nothing to unroll and to join.
#![allow(unsafe_code)]

use std::{arch::x86_64::*, array};

use super::{
    lane::{LANES, Lane, UPPER_HALF},
    vector::{Kernel, Simd},
};

#[derive(Clone, Copy)]
pub(crate) struct Sse2;

/// Registers of a vector, and values of a register.
const QUARTERS: usize = 4;

/// Joins the same quarters of two vectors.
macro_rules! each {
    ($instruction:ident($a:expr, $b:expr)) => {{
        let (a, b) = ($a, $b);
        [
            $instruction(a[0], b[0]),
            $instruction(a[1], b[1]),
            $instruction(a[2], b[2]),
            $instruction(a[3], b[3]),
        ]
    }};
}

/// In the upper halves the values rounded to bf16: [`bf16_bits`](super::lane::bf16_bits) of each of four.
#[inline(always)]
unsafe fn bf16_bits4(values: __m128) -> __m128i {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe {
        let bits = _mm_castps_si128(values);
        let odd = _mm_and_si128(_mm_srli_epi32::<16>(bits), _mm_set1_epi32(1));
        let rounded = _mm_add_epi32(bits, _mm_add_epi32(odd, _mm_set1_epi32(0x7fff)));
        let no_number = _mm_castps_si128(_mm_cmpunord_ps(values, values));
        let quiet = _mm_or_si128(bits, _mm_set1_epi32(1 << 22));
        _mm_or_si128(_mm_and_si128(no_number, quiet), _mm_andnot_si128(no_number, rounded))
    }
}

/// The first values of four pairs, and the second ones.
#[inline(always)]
unsafe fn halves(pairs: __m128) -> [__m128; 2] {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe {
        let bits = _mm_castps_si128(pairs);
        let second = _mm_and_si128(bits, _mm_set1_epi32(UPPER_HALF as i32));
        [_mm_castsi128_ps(_mm_slli_epi32::<16>(bits)), _mm_castsi128_ps(second)]
    }
}

impl Simd for Sse2 {
    type V = [__m128; QUARTERS];
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn fetch(_soon: &Lane) {}
    #[inline(always)]
    unsafe fn fetch_near(_soon: *const u32) {}
    #[inline(always)]
    unsafe fn load(from: &Lane) -> Self::V {
        let from = from.0.as_ptr();
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; every x86-64 processor has SSE2.
        unsafe {
            [_mm_load_ps(from), _mm_load_ps(from.add(4)), _mm_load_ps(from.add(8)), _mm_load_ps(from.add(12))]
        }
    }
    #[inline(always)]
    unsafe fn store(to: &mut Lane, value: Self::V) {
        let to = to.0.as_mut_ptr();
        // SAFETY: a `Lane` is sixteen f32 aligned to 64 bytes; every x86-64 processor has SSE2.
        unsafe {
            _mm_store_ps(to, value[0]);
            _mm_store_ps(to.add(4), value[1]);
            _mm_store_ps(to.add(8), value[2]);
            _mm_store_ps(to.add(12), value[3]);
        }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        unsafe { [_mm_set1_ps(value); QUARTERS] }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        unsafe { each!(_mm_add_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        unsafe { each!(_mm_sub_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        unsafe { each!(_mm_mul_ps(a, b)) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Two roundings: there is no such instruction.
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        unsafe { Self::add(Self::mul(a, b), c) }
    }
    #[inline(always)]
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V {
        let mut out = first;
        for quarter in 0..QUARTERS {
            // SAFETY: registers alone; every x86-64 processor has SSE2.
            unsafe {
                let upper = _mm_set1_epi32(UPPER_HALF as i32);
                let second = _mm_and_si128(bf16_bits4(second[quarter]), upper);
                let first = _mm_srli_epi32::<16>(bf16_bits4(first[quarter]));
                out[quarter] = _mm_castsi128_ps(_mm_or_si128(first, second));
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let mut out = c;
        for quarter in 0..QUARTERS {
            // SAFETY: registers alone; every x86-64 processor has SSE2.
            unsafe {
                let [a1, a2] = halves(a[quarter]);
                let [b1, b2] = halves(b[quarter]);
                let first = _mm_add_ps(c[quarter], _mm_mul_ps(a1, b1));
                out[quarter] = _mm_add_ps(first, _mm_mul_ps(a2, b2));
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn positive(value: Self::V) -> u16 {
        let mut bits = 0;
        for (quarter, value) in value.into_iter().enumerate() {
            // SAFETY: registers alone; every x86-64 processor has SSE2.
            let positive = unsafe { _mm_movemask_ps(_mm_cmpnle_ps(value, _mm_setzero_ps())) };
            bits |= positive << (4 * quarter);
        }
        bits as u16
    }
    #[inline(always)]
    unsafe fn select(value: Self::V, bits: u16) -> Self::V {
        let mut out = value;
        for quarter in 0..QUARTERS {
            // SAFETY: registers alone; every x86-64 processor has SSE2.
            unsafe {
                let lanes = _mm_setr_epi32(1, 2, 4, 8);
                let here = _mm_and_si128(_mm_set1_epi32(i32::from(bits >> (4 * quarter))), lanes);
                let mask = _mm_castsi128_ps(_mm_cmpeq_epi32(here, lanes));
                out[quarter] = _mm_and_ps(value[quarter], mask);
            }
        }
        out
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
        // SAFETY: registers alone; every x86-64 processor has SSE2.
        let mut out = [[unsafe { _mm_setzero_ps() }; QUARTERS]; LANES];
        for across in 0..QUARTERS {
            for down in 0..QUARTERS {
                let [mut a, mut b, mut c, mut d]: [__m128; 4] =
                    array::from_fn(|i| rows[down * QUARTERS + i][across]);
                // SAFETY: registers alone; every x86-64 processor has SSE2.
                unsafe { _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d) };
                for (i, turned) in [a, b, c, d].into_iter().enumerate() {
                    out[across * QUARTERS + i][down] = turned;
                }
            }
        }
        out
    }
    #[inline(never)]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features that this function is compiled with.
        unsafe { kernel.run::<Self>() }
    }
}
