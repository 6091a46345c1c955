//! Short DFTs of sixteen complex signals at once.
//!
//! X(k) = Σ a(n) e^{±2πi·nk/R}; `sign` holds −1 for the forward transform and +1 for the inverse one, which is not scaled.
#![allow(unsafe_code)]

use crate::simd::{Lane, Simd};

/// Sixteen complex numbers in memory.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) re: Lane,
    pub(crate) im: Lane,
}

impl Cell {
    pub(crate) const ZERO: Self = Self { re: Lane::ZERO, im: Lane::ZERO };
}

/// Sixteen complex numbers in registers.
#[derive(Clone, Copy)]
pub(crate) struct Complex<V> {
    pub(crate) re: V,
    pub(crate) im: V,
}

// SAFETY (all functions below): the processor has the features of `S`, as for all of `Simd`.

#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(from: &Cell) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe { Complex { re: S::load(&from.re), im: S::load(&from.im) } }
}

#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(to: &mut Cell, value: Complex<S::V>) {
    // SAFETY: see above.
    unsafe {
        S::store(&mut to.re, value.re);
        S::store(&mut to.im, value.im);
    }
}

#[inline(always)]
pub(crate) unsafe fn zero<S: Simd>() -> Complex<S::V> {
    // SAFETY: see above.
    unsafe { Complex { re: S::splat(0.0), im: S::splat(0.0) } }
}

/// sum + a·(re + i·im), or sum + conj(a)·(re + i·im): one factor for all lanes.
#[inline(always)]
pub(crate) unsafe fn add_scaled<S: Simd, const CONJUGATE: bool>(
    sum: Complex<S::V>,
    a: Complex<S::V>,
    re: f32,
    im: f32,
) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe {
        if CONJUGATE {
            let (re, im, minus_re) = (S::splat(re), S::splat(im), S::splat(-re));
            Complex {
                re: S::fma(a.im, im, S::fma(a.re, re, sum.re)),
                im: S::fma(a.re, im, S::fma(a.im, minus_re, sum.im)),
            }
        } else {
            let (re, im, minus_im) = (S::splat(re), S::splat(im), S::splat(-im));
            Complex {
                re: S::fma(a.im, minus_im, S::fma(a.re, re, sum.re)),
                im: S::fma(a.re, im, S::fma(a.im, re, sum.im)),
            }
        }
    }
}

/// a·b, or conj(a)·b, lane by lane.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd, const CONJUGATE: bool>(
    a: Complex<S::V>,
    b: Complex<S::V>,
) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe {
        if CONJUGATE {
            let re = S::fma(a.im, b.im, S::mul(a.re, b.re));
            Complex { re, im: S::sub(S::mul(a.re, b.im), S::mul(a.im, b.re)) }
        } else {
            let re = S::sub(S::mul(a.re, b.re), S::mul(a.im, b.im));
            Complex { re, im: S::fma(a.re, b.im, S::mul(a.im, b.re)) }
        }
    }
}

#[inline(always)]
unsafe fn add<S: Simd>(a: Complex<S::V>, b: Complex<S::V>) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe { Complex { re: S::add(a.re, b.re), im: S::add(a.im, b.im) } }
}

#[inline(always)]
unsafe fn sub<S: Simd>(a: Complex<S::V>, b: Complex<S::V>) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe { Complex { re: S::sub(a.re, b.re), im: S::sub(a.im, b.im) } }
}

/// a + factor·b with a real factor.
#[inline(always)]
unsafe fn fma<S: Simd>(factor: S::V, b: Complex<S::V>, a: Complex<S::V>) -> Complex<S::V> {
    // SAFETY: see above.
    unsafe { Complex { re: S::fma(factor, b.re, a.re), im: S::fma(factor, b.im, a.im) } }
}

/// a + i·factor·b and a − i·factor·b.
#[inline(always)]
unsafe fn turned<S: Simd>(
    factor: S::V,
    b: Complex<S::V>,
    a: Complex<S::V>,
) -> (Complex<S::V>, Complex<S::V>) {
    // SAFETY: see above.
    unsafe {
        let (re, im) = (S::mul(factor, b.im), S::mul(factor, b.re));
        let plus = Complex { re: S::sub(a.re, re), im: S::add(a.im, im) };
        (plus, Complex { re: S::add(a.re, re), im: S::sub(a.im, im) })
    }
}

/// The short transforms there are.
pub(crate) struct Dft;

/// A transform of length R.
pub(crate) trait Radix<const R: usize> {
    /// # Safety
    /// The processor has the features of `S`.
    unsafe fn dft<S: Simd>(a: [Complex<S::V>; R], sign: f32) -> [Complex<S::V>; R];
}

impl Radix<2> for Dft {
    #[inline(always)]
    unsafe fn dft<S: Simd>([a, b]: [Complex<S::V>; 2], _: f32) -> [Complex<S::V>; 2] {
        // SAFETY: see above.
        unsafe { [add::<S>(a, b), sub::<S>(a, b)] }
    }
}

impl Radix<3> for Dft {
    #[inline(always)]
    unsafe fn dft<S: Simd>([a, b, c]: [Complex<S::V>; 3], sign: f32) -> [Complex<S::V>; 3] {
        const SIN_120: f32 = 0.866_025_4;
        // SAFETY: see above.
        unsafe {
            let (sum, difference) = (add::<S>(b, c), sub::<S>(b, c));
            let middle = fma::<S>(S::splat(-0.5), sum, a);
            let (first, second) = turned::<S>(S::splat(sign * SIN_120), difference, middle);
            [add::<S>(a, sum), first, second]
        }
    }
}

impl Radix<4> for Dft {
    #[inline(always)]
    unsafe fn dft<S: Simd>([a, b, c, d]: [Complex<S::V>; 4], sign: f32) -> [Complex<S::V>; 4] {
        // SAFETY: see above.
        unsafe {
            let (even, odd) = (add::<S>(a, c), add::<S>(b, d));
            let (first, third) = turned::<S>(S::splat(sign), sub::<S>(b, d), sub::<S>(a, c));
            [add::<S>(even, odd), first, sub::<S>(even, odd), third]
        }
    }
}

impl Radix<5> for Dft {
    #[inline(always)]
    unsafe fn dft<S: Simd>([a, b, c, d, e]: [Complex<S::V>; 5], sign: f32) -> [Complex<S::V>; 5] {
        const COS_72: f32 = 0.309_017;
        const COS_144: f32 = -0.809_017;
        const SIN_72: f32 = 0.951_056_54;
        const SIN_144: f32 = 0.587_785_24;
        // SAFETY: see above.
        unsafe {
            let (cos, cos2) = (S::splat(COS_72), S::splat(COS_144));
            let (sin, sin2, minus_sin) = (S::splat(SIN_72), S::splat(SIN_144), S::splat(-SIN_72));
            let (outer, inner) = (add::<S>(b, e), add::<S>(c, d));
            let (outward, inward) = (sub::<S>(b, e), sub::<S>(c, d));
            let first = fma::<S>(cos2, inner, fma::<S>(cos, outer, a));
            let second = fma::<S>(cos, inner, fma::<S>(cos2, outer, a));
            let turn = fma::<S>(sin2, inward, fma::<S>(sin, outward, zero::<S>()));
            let turn2 = fma::<S>(minus_sin, inward, fma::<S>(sin2, outward, zero::<S>()));
            let (x1, x4) = turned::<S>(S::splat(sign), turn, first);
            let (x2, x3) = turned::<S>(S::splat(sign), turn2, second);
            [add::<S>(a, add::<S>(outer, inner)), x1, x2, x3, x4]
        }
    }
}

impl Radix<6> for Dft {
    /// By the prime factors 2 and 3, which need no twiddles between them: n = 3n₁ + 2n₂ and k = 3k₁ + 4k₂, mod 6.
    #[inline(always)]
    unsafe fn dft<S: Simd>(a: [Complex<S::V>; 6], sign: f32) -> [Complex<S::V>; 6] {
        // SAFETY: see above.
        unsafe {
            let even = <Self as Radix<3>>::dft::<S>([a[0], a[2], a[4]], sign);
            let odd = <Self as Radix<3>>::dft::<S>([a[3], a[5], a[1]], sign);
            [
                add::<S>(even[0], odd[0]),
                sub::<S>(even[1], odd[1]),
                add::<S>(even[2], odd[2]),
                sub::<S>(even[0], odd[0]),
                add::<S>(even[1], odd[1]),
                sub::<S>(even[2], odd[2]),
            ]
        }
    }
}
