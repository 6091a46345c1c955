//! Vectors that the compiler makes, on processors for which there is nothing better here.
#![allow(unsafe_code)]

use super::{
    lane::{LANES, Lane, UPPER_HALF, pair_bits},
    vector::{Kernel, Simd},
};

#[derive(Clone, Copy)]
pub(crate) struct Arrays;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for i in 0..LANES {
        out[i] = f(a[i], b[i]);
    }
    out
}

impl Simd for Arrays {
    type V = [f32; LANES];
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn fetch(_soon: &Lane) {}
    #[inline(always)]
    unsafe fn fetch_near(_soon: *const u32) {}
    #[inline(always)]
    unsafe fn load(from: &Lane) -> Self::V {
        from.0
    }
    #[inline(always)]
    unsafe fn store(to: &mut Lane, value: Self::V) {
        to.0 = value;
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `mul_add`: without the instruction that is a slow library call.
        zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V {
        zip(first, second, |first, second| f32::from_bits(pair_bits(first, second)))
    }
    #[inline(always)]
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let first = |pair: f32| f32::from_bits(pair.to_bits() << 16);
        let second = |pair: f32| f32::from_bits(pair.to_bits() & UPPER_HALF);
        let firsts = zip(a, b, |a, b| first(a) * first(b));
        let seconds = zip(a, b, |a, b| second(a) * second(b));
        zip(zip(c, firsts, |c, ab| c + ab), seconds, |c, ab| c + ab)
    }
    #[inline(always)]
    unsafe fn positive(value: Self::V) -> u16 {
        (0..LANES).fold(0, |bits, i| bits | (u16::from(value[i] > 0.0 || value[i].is_nan()) << i))
    }
    #[inline(always)]
    unsafe fn select(value: Self::V, bits: u16) -> Self::V {
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            out[i] = if bits >> i & 1 == 1 { value[i] } else { 0.0 };
        }
        out
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
        std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
    }
    #[inline(never)]
    unsafe fn call<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: no feature is needed.
        unsafe { kernel.run::<Self>() }
    }
}
