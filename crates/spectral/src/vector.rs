//! Sixteen numbers side by side, and arithmetic on as many of them as a register of the machine holds.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;

/// Numbers in a [`Cell`].
pub(crate) const LANES: usize = 16;

/// Sixteen f32 on a cache line of their own: sixteen columns, rows, or images, one a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Cell(pub(crate) [f32; LANES]);

impl Cell {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    /// The lanes of one of the `LANES / S::F32_LANES` parts.
    #[inline(always)]
    pub(crate) fn part<S: Simd>(&self, simd: S, part: usize) -> Vector<S> {
        Vector { simd, lanes: S::as_simd_f32s(&self.0).0[part] }
    }

    #[inline(always)]
    pub(crate) fn set<S: Simd>(&mut self, part: usize, value: Vector<S>) {
        S::as_mut_simd_f32s(&mut self.0).0[part] = value.lanes;
    }
}

/// A register of f32 under an instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Vector<S: Simd> {
    simd: S,
    lanes: S::f32s,
}

impl<S: Simd> Vector<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, lanes: S::f32s) -> Self {
        Self { simd, lanes }
    }

    #[inline(always)]
    pub(crate) fn lanes(self) -> S::f32s {
        self.lanes
    }

    #[inline(always)]
    pub(crate) fn splat(simd: S, value: f32) -> Self {
        Self { simd, lanes: simd.splat_f32s(value) }
    }

    /// `self · factor + sum`, rounded once where the machine can.
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self { lanes: self.simd.mul_add_e_f32s(self.lanes, factor.lanes, sum.lanes), ..self }
    }

    /// `self · factor`, for a factor common to all lanes.
    #[inline(always)]
    pub(crate) fn times(self, factor: f32) -> Self {
        self * Self::splat(self.simd, factor)
    }

    #[inline(always)]
    pub(crate) fn min(self, other: Self) -> Self {
        Self { lanes: self.simd.min_f32s(self.lanes, other.lanes), ..self }
    }

    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self { lanes: self.simd.max_f32s(self.lanes, other.lanes), ..self }
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Self { lanes: self.simd.sqrt_f32s(self.lanes), ..self }
    }

    /// ln(1 + x) for x ≥ 0, to 2 units in the last place; not a number where x is not finite.
    ///
    /// 1 + x = 2ᵏ·m with m in [√½, √2), and with s = (m − 1)/(m + 1): ln m = 2·(s + s³/3 + s⁵/5 + …), |s| < 0.172.
    #[inline(always)]
    pub(crate) fn ln_1p(self) -> Self {
        const ROOT_HALF: u32 = 0x3f35_04f3;
        const ONE: u32 = 0x3f80_0000;
        const MANTISSA: u32 = 0x007f_ffff;
        const TWO_TO_23: u32 = 0x4b00_0000;
        let (simd, splat) = (self.simd, |value| Self::splat(self.simd, value));
        let bits = |value| simd.splat_u32s(value);
        let one_plus = self + splat(1.0);
        let lost = self - (one_plus - splat(1.0)); // what rounding took from 1 + x
        let shifted = simd.add_u32s(simd.transmute_u32s_f32s(one_plus.lanes), bits(ONE - ROOT_HALF));
        let exponent = simd.wrapping_dyn_shr_u32s(shifted, bits(23));
        let exponent = simd.transmute_f32s_u32s(simd.or_u32s(exponent, bits(TWO_TO_23)));
        let k = Self { simd, lanes: exponent } - splat(8_388_608.0 + 127.0);
        let mantissa = simd.add_u32s(simd.and_u32s(shifted, bits(MANTISSA)), bits(ROOT_HALF));
        let f = Self { simd, lanes: simd.transmute_f32s_u32s(mantissa) } - splat(1.0);
        let s = f.over(f + splat(2.0));
        let z = s * s;
        let series = [2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0]
            .into_iter()
            .fold(splat(2.0 / 9.0), |sum, term| sum.mul_add(z, splat(term)));
        k.mul_add(splat(std::f32::consts::LN_2), s.mul_add(series, lost.over(one_plus)))
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        Self { lanes: self.simd.div_f32s(self.lanes, other.lanes), ..self }
    }

    /// The least lane.
    #[inline(always)]
    pub(crate) fn least(self) -> f32 {
        self.simd.reduce_min_f32s(self.lanes)
    }

    /// The greatest lane.
    #[inline(always)]
    pub(crate) fn greatest(self) -> f32 {
        self.simd.reduce_max_f32s(self.lanes)
    }

    /// The sum of all lanes.
    #[inline(always)]
    pub(crate) fn sum(self) -> f32 {
        self.simd.reduce_sum_f32s(self.lanes)
    }
}

impl<S: Simd> Add for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { lanes: self.simd.add_f32s(self.lanes, other.lanes), ..self }
    }
}

impl<S: Simd> Sub for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { lanes: self.simd.sub_f32s(self.lanes, other.lanes), ..self }
    }
}

impl<S: Simd> Mul for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self { lanes: self.simd.mul_f32s(self.lanes, other.lanes), ..self }
    }
}

/// A register of complex numbers, real and imaginary parts apart.
#[derive(Clone, Copy)]
pub(crate) struct ComplexVector<S: Simd> {
    pub(crate) re: Vector<S>,
    pub(crate) im: Vector<S>,
}

impl<S: Simd> ComplexVector<S> {
    /// `self + i·other`.
    #[inline(always)]
    pub(crate) fn add_i(self, other: Self) -> Self {
        Self { re: self.re - other.im, im: self.im + other.re }
    }

    /// `self − i·other`.
    #[inline(always)]
    pub(crate) fn sub_i(self, other: Self) -> Self {
        Self { re: self.re + other.im, im: self.im - other.re }
    }

    /// Times a complex number common to all lanes.
    #[inline(always)]
    pub(crate) fn rotate(self, factor: &Twiddle) -> Self {
        let [re, im, minus_im] = factor.0.map(|value| Vector::splat(self.re.simd, value));
        Self { re: self.re.mul_add(re, self.im * minus_im), im: self.re.mul_add(im, self.im * re) }
    }

    /// Re² + im².
    #[inline(always)]
    pub(crate) fn power(self) -> Vector<S> {
        self.re.mul_add(self.re, self.im * self.im)
    }

    /// `self · factor + sum`, for a real factor.
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Vector<S>, sum: Self) -> Self {
        Self { re: self.re.mul_add(factor, sum.re), im: self.im.mul_add(factor, sum.im) }
    }
}

impl<S: Simd> Add for ComplexVector<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl<S: Simd> Sub for ComplexVector<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

/// A complex number, mostly a root of unity: its real part, its imaginary part, and the latter's opposite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twiddle([f32; 3]);

impl Twiddle {
    /// exp(−2πi · index / of).
    pub(crate) fn new(index: usize, of: usize) -> Self {
        let (sin, cos) = (std::f64::consts::TAU * (index % of) as f64 / of as f64).sin_cos();
        Self::of(cos, -sin)
    }

    /// Any complex number.
    pub(crate) fn of(re: f64, im: f64) -> Self {
        Self([re as f32, im as f32, -im as f32])
    }
}

/// Complex cells, real and imaginary parts apart.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    re: Vec<Cell>,
    im: Vec<Cell>,
}

impl Cells {
    pub(crate) fn zeros(len: usize) -> Self {
        Self { re: vec![Cell::ZERO; len], im: vec![Cell::ZERO; len] }
    }

    #[inline(always)]
    pub(crate) fn window(&mut self, start: usize, len: usize) -> CellsMut<'_> {
        CellsMut { re: &mut self.re[start..start + len], im: &mut self.im[start..start + len] }
    }
}

/// A window of [`Cells`].
#[derive(Debug)]
pub(crate) struct CellsMut<'a> {
    pub(crate) re: &'a mut [Cell],
    pub(crate) im: &'a mut [Cell],
}

/// The same, to read only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellsRef<'a> {
    pub(crate) re: &'a [Cell],
    pub(crate) im: &'a [Cell],
}

impl CellsMut<'_> {
    #[inline(always)]
    pub(crate) fn all(&self) -> CellsRef<'_> {
        CellsRef { re: self.re, im: self.im }
    }

    #[inline(always)]
    pub(crate) fn set<S: Simd>(&mut self, at: usize, part: usize, value: ComplexVector<S>) {
        self.re[at].set(part, value.re);
        self.im[at].set(part, value.im);
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::dispatch::everywhere;

    struct Logarithm(Cell);

    impl WithSimd for Logarithm {
        type Output = Cell;
        #[inline(always)]
        fn with_simd<S: Simd>(mut self, simd: S) -> Cell {
            for part in 0..LANES / S::F32_LANES {
                let value = self.0.part(simd, part).ln_1p();
                self.0.set(part, value);
            }
            self.0
        }
    }

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        for arch in everywhere() {
            for step in 0..200 {
                let x: [f32; LANES] = std::array::from_fn(|lane| {
                    10f32.powf((step * LANES + lane) as f32 / 100.0 - 12.0) - 1e-12
                });
                let found = arch.dispatch(Logarithm(Cell(x)));
                for (found, x) in found.0.into_iter().zip(x) {
                    let expected = f64::from(x).ln_1p();
                    assert!(
                        (f64::from(found) - expected).abs() <= 2.4e-7 * expected,
                        "{arch:?} {x}: {found}"
                    );
                }
            }
            let odd = arch.dispatch(Logarithm(Cell([f32::INFINITY; LANES])));
            assert!(odd.0.iter().all(|value| value.is_nan()));
        }
    }
}
