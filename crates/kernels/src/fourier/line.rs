//! DFTs of a line of [`Cell`]s: sixteen complex signals of one length, transformed together (Stockham's algorithm, which
//! sorts as it goes).
#![allow(unsafe_code)]

use super::radix::{Cell, Complex, Dft, Radix, load, store, zero};
use crate::simd::{Kernel, Simd};

/// Forward: e^{−2πi·nk/N}.
pub(crate) const FORWARD: f32 = -1.0;

/// Inverse, not scaled: e^{+2πi·nk/N}.
pub(crate) const INVERSE: f32 = 1.0;

/// The factors that have a short transform, in the order in which they are taken out.
const RADICES: [usize; 5] = [6, 4, 5, 3, 2];

/// How a line of one length is transformed.
#[derive(Debug)]
pub(crate) struct LinePlan {
    length: usize,
    stages: Vec<Stage>,
}

/// One factor of the length: n = radix · count signals' places become radix times as many shorter transforms.
#[derive(Debug)]
struct Stage {
    radix: usize,
    count: usize,
    stride: usize,
    /// e^{−2πi·pj/n} at `[p][j]`.
    twiddles: Vec<[f32; 2]>,
}

/// Where a line is: its first cell, and the cells from one element to the next.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: *mut Cell,
    pub(crate) step: usize,
}

impl LinePlan {
    /// The shortest length of at least `needed` that has a plan.
    pub(crate) fn length_for(needed: usize) -> usize {
        (needed.max(2)..).find(|&length| factors(length).is_some()).unwrap_or(needed)
    }

    /// A plan for a length that [`length_for`](Self::length_for) gave.
    pub(crate) fn new(length: usize) -> Self {
        let factors = factors(length).expect("a length that has factors");
        let (mut n, mut stride, mut stages) = (length, 1, Vec::new());
        for radix in factors {
            let count = n / radix;
            let angle = |p: usize, j: usize| -std::f64::consts::TAU * (p * j % n) as f64 / n as f64;
            let twiddle = |at: usize| angle(at / radix, at % radix).sin_cos();
            let twiddles = (0..count * radix).map(twiddle).map(|(sin, cos)| [cos as f32, sin as f32]);
            stages.push(Stage { radix, count, stride, twiddles: twiddles.collect() });
            (n, stride) = (count, stride * radix);
        }
        Self { length, stages }
    }

    /// Cells of a line.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Cells that [`transform`](Self::transform) works in.
    pub(crate) fn work_len(&self) -> usize {
        2 * self.length
    }

    /// Transforms a line; it may end where it came from.
    ///
    /// # Safety
    /// The processor has the features of `S`; both places are of `length` elements, valid and in nobody else's use; they
    /// are the same or apart.
    ///
    /// # Panics
    /// If `work` is shorter than [`work_len`](Self::work_len).
    #[inline(always)]
    pub(crate) unsafe fn transform<S: Simd>(&self, from: Place, to: Place, work: &mut [Cell], sign: f32) {
        assert!(work.len() >= self.work_len(), "work space");
        // SAFETY: the caller vouches for all that `Transform` expects.
        unsafe {
            if sign == INVERSE {
                S::call(Transform::<true> { plan: self, from, to, work });
            } else {
                S::call(Transform::<false> { plan: self, from, to, work });
            }
        }
    }
}

/// [`LinePlan::transform`] in one direction.
struct Transform<'a, const BACK: bool> {
    plan: &'a LinePlan,
    from: Place,
    to: Place,
    work: &'a mut [Cell],
}

impl<const BACK: bool> Kernel for Transform<'_, BACK> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { plan: LinePlan { length, stages }, from, to, work } = self;
        let sign = if BACK { INVERSE } else { FORWARD };
        let (one, other) = work.split_at_mut(*length);
        let halves =
            [Place { first: one.as_mut_ptr(), step: 1 }, Place { first: other.as_mut_ptr(), step: 1 }];
        let mut at = from;
        for (index, stage) in stages.iter().enumerate() {
            let next = if index + 1 == stages.len() { to } else { halves[index % 2] };
            // SAFETY: the caller vouches for the features and for both ends; the halves are as long as the line.
            unsafe {
                match stage.radix {
                    2 => stage.run::<S, 2>(at, next, sign),
                    3 => stage.run::<S, 3>(at, next, sign),
                    4 => stage.run::<S, 4>(at, next, sign),
                    5 => stage.run::<S, 5>(at, next, sign),
                    _ => stage.run::<S, 6>(at, next, sign),
                }
            }
            at = next;
        }
    }
}

impl Stage {
    /// # Safety
    /// As for [`LinePlan::transform`].
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize>(&self, from: Place, to: Place, sign: f32)
    where
        Dft: Radix<R>,
    {
        let Self { count, stride, .. } = *self;
        let (apart_from, apart_to) = (stride * count * from.step, stride * to.step);
        for p in 0..count {
            let twiddles = &self.twiddles[p * R..][..R];
            for q in 0..stride {
                // SAFETY: the largest places read and written are length − 1; the caller vouches for the rest.
                unsafe {
                    let read = from.first.add((q + stride * p) * from.step);
                    let write = to.first.add((q + stride * R * p) * to.step);
                    let mut a = [zero::<S>(); R];
                    for (i, a) in a.iter_mut().enumerate() {
                        *a = load::<S>(&*read.add(i * apart_from));
                    }
                    let x = Dft::dft::<S>(a, sign);
                    store::<S>(&mut *write, x[0]);
                    for j in 1..R {
                        let [cos, sin] = twiddles[j];
                        let x = if p == 0 { x[j] } else { times::<S>(x[j], cos, -sign * sin) };
                        store::<S>(&mut *write.add(j * apart_to), x);
                    }
                }
            }
        }
    }
}

/// a·(re + i·im).
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn times<S: Simd>(a: Complex<S::V>, re: f32, im: f32) -> Complex<S::V> {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let (re, im, minus_im) = (S::splat(re), S::splat(im), S::splat(-im));
        Complex { re: S::fma(a.im, minus_im, S::mul(a.re, re)), im: S::fma(a.re, im, S::mul(a.im, re)) }
    }
}

/// The radices whose product is `length`.
fn factors(length: usize) -> Option<Vec<usize>> {
    let (mut rest, mut found) = (length, Vec::new());
    for radix in RADICES {
        while rest.is_multiple_of(radix) && rest > 1 {
            found.push(radix);
            rest /= radix;
        }
    }
    (rest == 1).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{InstructionSet, LANES, run};

    struct Both<'a> {
        plan: &'a LinePlan,
        line: &'a mut [Cell],
        sign: f32,
    }

    impl Kernel for Both<'_> {
        type Output = ();

        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let mut work = vec![Cell::ZERO; self.plan.work_len()];
            let place = Place { first: self.line.as_mut_ptr(), step: 1 };
            // SAFETY: the line is as long as the plan; `run` has the features.
            unsafe { self.plan.transform::<S>(place, place, &mut work, self.sign) }
        }
    }

    #[test]
    fn lengths_are_the_next_with_small_factors() {
        let lengths = [1, 7, 11, 31, 35, 67, 227].map(LinePlan::length_for);
        assert_eq!(lengths, [2, 8, 12, 32, 36, 72, 240]);
    }

    #[test]
    fn a_line_is_its_sum_on_every_path() {
        for length in [2, 3, 4, 5, 6, 8, 9, 10, 12, 25, 30, 36, 40, 72, 120] {
            let plan = LinePlan::new(length);
            let value = |n: usize, lane: usize| ((n * 37 + lane * 11) % 29) as f64 / 29.0 - 0.4;
            for (instructions, sign) in InstructionSet::available()
                .into_iter()
                .flat_map(|instructions| [(instructions, FORWARD), (instructions, INVERSE)])
            {
                let mut line = vec![Cell::ZERO; length];
                for (n, cell) in line.iter_mut().enumerate() {
                    for lane in 0..LANES {
                        cell.re.0[lane] = value(n, lane) as f32;
                        cell.im.0[lane] = value(n, lane + 5) as f32;
                    }
                }
                run(instructions, Both { plan: &plan, line: &mut line, sign });
                for (k, cell) in line.iter().enumerate() {
                    for lane in [0, 7, 15] {
                        let (mut re, mut im) = (0.0, 0.0);
                        for n in 0..length {
                            let angle = f64::from(sign) * std::f64::consts::TAU * (n * k % length) as f64
                                / length as f64;
                            let (sin, cos) = angle.sin_cos();
                            let (a, b) = (value(n, lane), value(n, lane + 5));
                            (re, im) = (re + a * cos - b * sin, im + a * sin + b * cos);
                        }
                        let found = (f64::from(cell.re.0[lane]), f64::from(cell.im.0[lane]));
                        let apart = (found.0 - re).hypot(found.1 - im);
                        assert!(
                            apart < 2e-6 * (length as f64).sqrt(),
                            "{length}, {k}, {instructions:?}: {apart}"
                        );
                    }
                }
            }
        }
    }
}
