//! Transforms whose length is a product of small radices, sixteen lines at a time.
//!
//! Stockham's passes: each one reads the whole line and writes it to the other buffer, so the last one leaves the
//! coefficients in order and nothing is ever reversed.

use pulp::{Simd, WithSimd};

use crate::vector::{CellsMut, CellsRef, ComplexVector, LANES, Twiddle, Vector};

/// The radices that there are butterflies for, in the order in which they are taken out of a length.
const RADICES: [usize; 11] = [8, 4, 2, 3, 5, 7, 11, 13, 17, 19, 23];

/// A plan for lengths that are products of the radices.
#[derive(Debug, Clone)]
pub(crate) struct Passes(Vec<Pass>);

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

impl Passes {
    /// `None` if the length is less than 2 or no product of the radices.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let (mut rest, mut done, mut passes) = (length, 1, Vec::new());
        while rest > 1 {
            let radix = RADICES.into_iter().find(|&radix| rest.is_multiple_of(radix))?;
            rest /= radix;
            passes.push(Pass::new(radix, rest, done));
            done *= radix;
        }
        (!passes.is_empty()).then_some(Self(passes))
    }

    /// Numbers of a line.
    pub(crate) fn length(&self) -> usize {
        self.0[0].radix * self.0[0].rest
    }

    /// The lines of `source`, transformed; the first of what comes back is the buffer that holds them.
    #[inline(always)]
    pub(crate) fn run<'a, S: Simd>(
        &self,
        simd: S,
        source: impl Source,
        [mut data, spare]: [CellsMut<'a>; 2],
    ) -> [CellsMut<'a>; 2] {
        // Functions of their own: inlined into every caller, all radices would be too much code.
        let (first, others) = self.0.split_first().expect("at least one pass");
        simd.vectorize(Step { pass: first, from: source, to: &mut data });
        run_all(simd, others, [data, spare])
    }

    /// The same for lines that are in the first buffer already.
    #[inline(always)]
    pub(crate) fn run_in_place<'a, S: Simd>(&self, simd: S, buffers: [CellsMut<'a>; 2]) -> [CellsMut<'a>; 2] {
        run_all(simd, &self.0, buffers)
    }
}

#[inline(always)]
fn run_all<'a, S: Simd>(
    simd: S,
    passes: &[Pass],
    [mut data, mut spare]: [CellsMut<'a>; 2],
) -> [CellsMut<'a>; 2] {
    for pass in passes {
        simd.vectorize(Step { pass, from: data.all(), to: &mut spare });
        (data, spare) = (spare, data);
    }
    [data, spare]
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
            (8, 4, 1) => self.step(simd, [4, 1], |values| *values = eight(simd, *values)),
            (4, 1, 8) => self.step(simd, [1, 8], |values| *values = four(*values)),
            (2, ..) => self
                .step(simd, [rest, done], |values| *values = [values[0] + values[1], values[0] - values[1]]),
            (3, ..) => self.step::<S, 3>(simd, [rest, done], |values| odd(simd, roots, values)),
            (4, ..) => self.step(simd, [rest, done], |values| *values = four(*values)),
            (5, ..) => self.step::<S, 5>(simd, [rest, done], |values| odd(simd, roots, values)),
            (7, ..) => self.step::<S, 7>(simd, [rest, done], |values| odd(simd, roots, values)),
            (8, ..) => self.step(simd, [rest, done], |values| *values = eight(simd, *values)),
            (11, ..) => self.step::<S, 11>(simd, [rest, done], |values| odd(simd, roots, values)),
            (13, ..) => self.step::<S, 13>(simd, [rest, done], |values| odd(simd, roots, values)),
            (17, ..) => self.step::<S, 17>(simd, [rest, done], |values| odd(simd, roots, values)),
            (19, ..) => self.step::<S, 19>(simd, [rest, done], |values| odd(simd, roots, values)),
            (23, ..) => self.step::<S, 23>(simd, [rest, done], |values| odd(simd, roots, values)),
            _ => unreachable!("a radix of the list"),
        }
    }
}

impl<F: Source> Step<'_, '_, '_, F> {
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "long arrays that go through iterators and closures are copied"
    )]
    fn step<S: Simd, const R: usize>(
        self,
        simd: S,
        [rest, done]: [usize; 2],
        butterfly: impl Fn(&mut [ComplexVector<S>; R]),
    ) {
        let (length, apart) = (R * rest * done, rest * done);
        let from = self.from.first(length);
        let mut to = CellsMut { re: &mut self.to.re[..length], im: &mut self.to.im[..length] };
        let twiddles = &self.pass.twiddles[..rest * (R - 1)];
        for part in 0..LANES / S::F32_LANES {
            for p in 0..rest {
                for q in 0..done {
                    let at = p * done + q;
                    let mut values = [from.get(simd, at, part); R];
                    for j in 1..R {
                        values[j] = from.get(simd, j * apart + at, part);
                    }
                    butterfly(&mut values);
                    for k in 0..R {
                        // By 1 at p = 0 or k = 0.
                        let turned = k > 0 && p > 0;
                        let value = values[k];
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
fn odd<S: Simd, const R: usize>(simd: S, roots: &[[f32; 2]], values: &mut [ComplexVector<S>; R]) {
    let first = values[0];
    let (mut sums, mut differences) = ([first; R], [first; R]);
    for j in 1..=R / 2 {
        sums[j] = values[j] + values[R - j];
        differences[j] = values[j] - values[R - j];
        values[0] = values[0] + sums[j];
    }
    let zero = Vector::splat(simd, 0.0);
    for k in 1..=R / 2 {
        let (mut level, mut slope) = (first, ComplexVector { re: zero, im: zero });
        for j in 1..=R / 2 {
            let [cos, sin] = roots[j * k % R];
            level = sums[j].mul_add(Vector::splat(simd, cos), level);
            slope = differences[j].mul_add(Vector::splat(simd, sin), slope);
        }
        values[k] = level.sub_i(slope);
        values[R - k] = level.add_i(slope);
    }
}
