//! One-dimensional complex transforms of sixteen lines at a time, one line a lane.
//!
//! Stockham's passes: each one reads the whole line and writes it to the other buffer, so the last one leaves the
//! coefficients in order and nothing is ever reversed.

use pulp::{Simd, WithSimd};

use crate::vector::{CellsMut, CellsRef, ComplexVector, LANES, Twiddle, Vector};

/// The radices that there are butterflies for, in the order in which they are taken out of a length.
const RADICES: [usize; 6] = [8, 4, 2, 3, 5, 7];

/// A plan for forward transforms of lines of a length, unnormalised.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    passes: Vec<Pass>,
}

/// One butterfly on each `radix` numbers that are `length / radix` apart.
#[derive(Debug, Clone)]
struct Pass {
    radix: usize,
    /// The product of the radices to come.
    rest: usize,
    /// The product of the radices done.
    done: usize,
    /// By position p < `rest` and coefficient 0 < k < `radix`: exp(−2πi·p·k / (radix · rest)).
    twiddles: Vec<Twiddle>,
    /// By j < `radix`: cosine and sine of 2πj / radix.
    roots: Vec<[f32; 2]>,
}

impl Lines {
    /// `None` if the length is less than 2 or has a prime factor above 7.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let (mut rest, mut done, mut passes) = (length, 1, Vec::new());
        while rest > 1 {
            let radix = RADICES.into_iter().find(|&radix| rest.is_multiple_of(radix))?;
            rest /= radix;
            passes.push(Pass::new(radix, rest, done));
            done *= radix;
        }
        (!passes.is_empty()).then_some(Self { passes })
    }

    /// Transforms the lines of `source`, index by index; the result lies in one of the two buffers and is returned.
    #[inline(always)]
    pub(crate) fn run<'a, S: Simd>(
        &self,
        simd: S,
        source: impl Source,
        [mut data, mut spare]: [CellsMut<'a>; 2],
    ) -> CellsMut<'a> {
        // Functions of their own: inlined into every caller, all radices would be too much code.
        let (first, others) = self.passes.split_first().expect("at least one pass");
        simd.vectorize(Step { pass: first, from: source, to: &mut data });
        for pass in others {
            simd.vectorize(Step { pass, from: data.all(), to: &mut spare });
            (data, spare) = (spare, data);
        }
        data
    }
}

impl Pass {
    fn new(radix: usize, rest: usize, done: usize) -> Self {
        let of = radix * rest;
        let twiddles = (0..rest).flat_map(|p| (1..radix).map(move |k| Twiddle::new(p * k, of))).collect();
        let root = |j: usize| (std::f64::consts::TAU * j as f64 / radix as f64).sin_cos();
        let roots = (0..radix).map(root).map(|(sin, cos)| [cos as f32, sin as f32]).collect();
        Self { radix, rest, done, twiddles, roots }
    }
}

/// Where the numbers of sixteen lines come from.
pub(crate) trait Source: Copy {
    /// The numbers at an index, of the lanes of a part of a cell.
    fn get<S: Simd>(&self, simd: S, at: usize, part: usize) -> ComplexVector<S>;
    /// The same, known to have no indices beyond, so that none is checked in loops.
    fn first(self, len: usize) -> Self;
}

impl Source for CellsRef<'_> {
    #[inline(always)]
    fn first(self, len: usize) -> Self {
        Self { re: &self.re[..len], im: &self.im[..len] }
    }

    #[inline(always)]
    fn get<S: Simd>(&self, simd: S, at: usize, part: usize) -> ComplexVector<S> {
        ComplexVector { re: self.re[at].part(simd, part), im: self.im[at].part(simd, part) }
    }
}

struct Step<'p, 'd, 'a, F> {
    pass: &'p Pass,
    from: F,
    to: &'d mut CellsMut<'a>,
}

impl<F: Source> WithSimd for Step<'_, '_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let roots = &self.pass.roots;
        let Pass { radix, rest, done, .. } = *self.pass;
        match (radix, rest, done) {
            // The two of length 32, spelt out: with constants for bounds no index needs a check.
            (8, 4, 1) => self.step(simd, [4, 1], |values| eight(simd, values)),
            (4, 1, 8) => self.step(simd, [1, 8], four),
            (2, ..) => self.step(simd, [rest, done], |[a, b]| [a + b, a - b]),
            (3, ..) => self.step::<S, 3>(simd, [rest, done], |values| odd(simd, roots, values)),
            (4, ..) => self.step(simd, [rest, done], four),
            (5, ..) => self.step::<S, 5>(simd, [rest, done], |values| odd(simd, roots, values)),
            (7, ..) => self.step::<S, 7>(simd, [rest, done], |values| odd(simd, roots, values)),
            (8, ..) => self.step(simd, [rest, done], |values| eight(simd, values)),
            _ => unreachable!("a radix of the list"),
        }
    }
}

impl<F: Source> Step<'_, '_, '_, F> {
    #[inline(always)]
    fn step<S: Simd, const R: usize>(
        self,
        simd: S,
        [rest, done]: [usize; 2],
        butterfly: impl Fn([ComplexVector<S>; R]) -> [ComplexVector<S>; R],
    ) {
        let (length, apart) = (R * rest * done, rest * done);
        let from = self.from.first(length);
        let mut to = CellsMut { re: &mut self.to.re[..length], im: &mut self.to.im[..length] };
        let twiddles = &self.pass.twiddles[..rest * (R - 1)];
        for part in 0..LANES / S::F32_LANES {
            for p in 0..rest {
                for q in 0..done {
                    let at = p * done + q;
                    let values = butterfly(std::array::from_fn(|j| from.get(simd, j * apart + at, part)));
                    for (k, value) in values.into_iter().enumerate() {
                        // By 1 at p = 0 or k = 0.
                        let turned = k > 0 && p > 0;
                        let value = if turned { value.rotate(&twiddles[p * (R - 1) + k - 1]) } else { value };
                        to.set((p * R + k) * done + q, part, value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn four<S: Simd>([a, b, c, d]: [ComplexVector<S>; 4]) -> [ComplexVector<S>; 4] {
    let (even, even_difference) = (a + c, a - c);
    let (odd, odd_difference) = (b + d, b - d);
    [even + odd, even_difference.sub_i(odd_difference), even - odd, even_difference.add_i(odd_difference)]
}

/// Two of four, and the odd one turned by eighths: exp(−πi/4) = (1 − i)/√2.
#[inline(always)]
fn eight<S: Simd>(simd: S, [a, b, c, d, e, f, g, h]: [ComplexVector<S>; 8]) -> [ComplexVector<S>; 8] {
    let even = four([a, c, e, g]);
    let odd = four([b, d, f, h]);
    let (root, minus_root) = (
        Vector::splat(simd, std::f32::consts::FRAC_1_SQRT_2),
        Vector::splat(simd, -std::f32::consts::FRAC_1_SQRT_2),
    );
    let (first, third) = (odd[1].sub_i(odd[1]), odd[3].add_i(odd[3])); // (1 − i)·odd₁ and (1 + i)·odd₃
    [
        even[0] + odd[0],
        first.mul_add(root, even[1]),
        even[2].sub_i(odd[2]),
        third.mul_add(minus_root, even[3]),
        even[0] - odd[0],
        first.mul_add(minus_root, even[1]),
        even[2].add_i(odd[2]),
        third.mul_add(root, even[3]),
    ]
}

/// For odd radices: with sums s and differences d of the values j and R − j,
/// X(±k) = (x₀ + Σ cos(2πjk/R)·s) ∓ i·Σ sin(2πjk/R)·d.
#[inline(always)]
fn odd<S: Simd, const R: usize>(
    simd: S,
    roots: &[[f32; 2]],
    values: [ComplexVector<S>; R],
) -> [ComplexVector<S>; R] {
    let mut out = values;
    for j in 1..=R / 2 {
        out[0] = out[0] + (values[j] + values[R - j]);
    }
    for k in 1..=R / 2 {
        let mut level = values[0];
        #[allow(clippy::eq_op, reason = "zero in every lane")]
        let mut slope = values[0] - values[0];
        for j in 1..=R / 2 {
            let [cos, sin] = roots[j * k % R].map(|value| Vector::splat(simd, value));
            level = (values[j] + values[R - j]).mul_add(cos, level);
            slope = (values[j] - values[R - j]).mul_add(sin, slope);
        }
        out[k] = level.sub_i(slope);
        out[R - k] = level.add_i(slope);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dispatch::everywhere, naive_dft, vector::Cells};

    struct Run<'a> {
        plan: &'a Lines,
        source: CellsRef<'a>,
        buffers: [CellsMut<'a>; 2],
    }

    impl WithSimd for Run<'_> {
        type Output = Vec<[[f32; 2]; LANES]>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let out = self.plan.run(simd, self.source, self.buffers);
            out.re
                .iter()
                .zip(out.im.iter())
                .map(|(re, im)| std::array::from_fn(|l| [re.0[l], im.0[l]]))
                .collect()
        }
    }

    #[test]
    fn every_radix_matches_the_definition_in_every_lane() {
        for length in [2, 3, 4, 5, 7, 8, 12, 16, 21, 32, 35, 64, 128, 224, 256] {
            let plan = Lines::new(length).expect("small factors");
            for arch in everywhere() {
                let [mut source, mut data, mut spare] = std::array::from_fn(|_| Cells::zeros(length));
                let value = |at: usize, lane: usize| ((at * 37 + lane * 11) % 101) as f32 / 101.0 - 0.5;
                let window = source.window(0, length);
                for at in 0..length {
                    window.re[at].0 = std::array::from_fn(|lane| value(at, lane));
                    window.im[at].0 = std::array::from_fn(|lane| value(at + 7, lane));
                }
                let buffers = [data.window(0, length), spare.window(0, length)];
                let found = arch.dispatch(Run { plan: &plan, source: window.all(), buffers });
                for lane in 0..LANES {
                    let part = |shift: usize| -> Vec<f64> {
                        (0..length).map(|at| f64::from(value(at + shift, lane))).collect()
                    };
                    let (re, im) = (naive_dft(&part(0), 1, length), naive_dft(&part(7), 1, length));
                    for (at, found) in found.iter().enumerate() {
                        let expected = [re[at].re - im[at].im, re[at].im + im[at].re];
                        let apart = (0..2).map(|i| (f64::from(found[lane][i]) - expected[i]).abs());
                        assert!(apart.fold(0.0, f64::max) < 2e-5, "{length} {arch:?} {at} {lane}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_number_and_large_prime_factors_are_refused() {
        assert!(
            Lines::new(1).is_none()
                && Lines::new(11).is_none()
                && Lines::new(64 * 13).is_none()
                && Lines::new(96).is_some()
        );
    }
}
