//! What becomes of the elements along an axis: sums, means, the largest, softmax.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "a lane is one of several vectors at once")]

use super::super::{
    curves::exp,
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use super::parts::column;
use crate::{
    arrays::{Axis, Reduction},
    parallel::for_each_small_part,
};

/// Results that a thread makes at once.
const AT_ONCE: usize = 64;

/// The elements along an axis reduced to one; the result is one column. Sums are made in f64.
///
/// # Panics
/// If the axis is not one of the value.
pub fn reduce(
    x: &Blocked,
    axis: Axis,
    reduction: Reduction,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    check(x.dims, axis);
    let mut y = arena.blocked(column(x.dims.images, axis.outer * axis.inner));
    for (block, y) in y.data.chunks_mut(axis.outer * axis.inner).enumerate() {
        let x = x.block(block);
        for_each_small_part(y, 1, AT_ONCE, |index, y| {
            let elements = along(x, axis, index);
            run(instructions.for_arrays(), Reduce { elements, axis, reduction, y: &mut y[0] });
        });
    }
    y
}

fn check(dims: Dims, axis: Axis) {
    assert_eq!(axis.count(), dims.block_len(), "{axis:?} of {dims:?}");
}

/// From the first element that result `index` is made of.
fn along(x: &[Lane], axis: Axis, index: usize) -> &[Lane] {
    &x[index / axis.inner * axis.len * axis.inner + index % axis.inner..]
}

struct Reduce<'a> {
    elements: &'a [Lane],
    axis: Axis,
    reduction: Reduction,
    y: &'a mut Lane,
}

impl Kernel for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { elements, axis: Axis { len, inner, .. }, reduction, y } = self;
        let x = elements.iter().step_by(inner).take(len);
        match reduction {
            Reduction::Sum => *y = Lane(sum(x).map(|sum| sum as f32)),
            Reduction::Mean => *y = Lane(sum(x).map(|sum| (sum / len as f64) as f32)),
            Reduction::Max | Reduction::FirstMax => *y = largest(x, 1.0),
            Reduction::Min => *y = largest(x, -1.0),
        }
    }
}

#[inline(always)]
fn sum<'a>(x: impl Iterator<Item = &'a Lane>) -> [f64; LANES] {
    let mut sums = [0f64; LANES];
    for x in x {
        for lane in 0..LANES {
            sums[lane] += f64::from(x.0[lane]);
        }
    }
    sums
}

/// The largest, or with the sign −1 the smallest; what is no number stays.
#[inline(always)]
fn largest<'a>(x: impl Iterator<Item = &'a Lane>, sign: f32) -> Lane {
    let mut found = [-sign * f32::INFINITY; LANES];
    for x in x {
        for lane in 0..LANES {
            let (value, before) = (x.0[lane], found[lane]);
            found[lane] = if sign * value > sign * before || value.is_nan() { value } else { before };
        }
    }
    Lane(found)
}

/// The gradient of the argument `x` of [`reduce`] from that of its result; sums do without `x`.
///
/// # Panics
/// If the sizes do not fit each other, or `x` is missing where it is needed.
pub fn reduce_gradient(
    g: &Blocked,
    x: Option<&Blocked>,
    dims: Dims,
    axis: Axis,
    reduction: Reduction,
    arena: &Arena,
) -> Blocked {
    check(dims, axis);
    let mut dx = arena.blocked(dims);
    let Axis { len, inner, .. } = axis;
    for (block, dx) in dx.data.chunks_mut(dims.block_len()).enumerate() {
        let g = g.block(block);
        for_each_small_part(dx, len * inner, 1, |outer, dx| {
            let g = &g[outer * inner..][..inner];
            match reduction {
                Reduction::Sum => dx.chunks_mut(inner).for_each(|dx| dx.copy_from_slice(g)),
                Reduction::Mean => {
                    let share = 1.0 / len as f32;
                    for dx in dx.chunks_mut(inner) {
                        dx.iter_mut().zip(g).for_each(|(dx, g)| *dx = Lane(g.0.map(|g| g * share)));
                    }
                }
                Reduction::Max | Reduction::Min | Reduction::FirstMax => {
                    let x = x.expect("the value whose largest elements are sought");
                    let x = &x.block(block)[outer * len * inner..][..len * inner];
                    let sign = if reduction == Reduction::Min { -1.0 } else { 1.0 };
                    for (at, g) in g.iter().enumerate() {
                        let found = largest(x[at..].iter().step_by(inner), sign);
                        let is_first = reduction == Reduction::FirstMax;
                        share_out(&x[at..], &mut dx[at..], inner, found, *g, is_first);
                    }
                }
            }
        });
    }
    dx
}

/// Gives the gradient to the first of the elements that equal what was found, or a part to each.
fn share_out(x: &[Lane], dx: &mut [Lane], inner: usize, found: Lane, g: Lane, is_first: bool) {
    let mut counts = [0f32; LANES];
    for x in x.iter().step_by(inner) {
        (0..LANES).for_each(|lane| counts[lane] += f32::from(u8::from(x.0[lane] == found.0[lane])));
    }
    let mut is_given = [false; LANES];
    for (x, dx) in x.iter().step_by(inner).zip(dx.iter_mut().step_by(inner)) {
        for lane in 0..LANES {
            let is_one = x.0[lane] == found.0[lane];
            dx.0[lane] = match (is_one, is_first) {
                (true, false) => g.0[lane] / counts[lane],
                (true, true) if !is_given[lane] => g.0[lane],
                _ => 0.0,
            };
            is_given[lane] |= is_one;
        }
    }
}

/// eˣ / Σ eˣ along an axis, or with `log` the logarithm of that.
///
/// # Panics
/// If the axis is not one of the value.
pub fn softmax(x: &Blocked, axis: Axis, log: bool, instructions: InstructionSet, arena: &Arena) -> Blocked {
    check(x.dims, axis);
    let mut y = arena.blocked(x.dims);
    for_each_small_part(&mut y.data, axis.len * axis.inner, 1, |outer, y| {
        y.copy_from_slice(&x.data[outer * axis.len * axis.inner..][..axis.len * axis.inner]);
        run(instructions.for_arrays(), Softmax { y, axis, log });
    });
    y
}

struct Softmax<'a> {
    y: &'a mut [Lane],
    axis: Axis,
    log: bool,
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { y, axis: Axis { inner, .. }, log } = self;
        for first in 0..inner {
            let largest = largest(y[first..].iter().step_by(inner), 1.0);
            let mut sums = [0f32; LANES];
            for y in y[first..].iter_mut().step_by(inner) {
                for lane in 0..LANES {
                    let from = y.0[lane] - largest.0[lane];
                    // Far below the largest it is nothing: `exp` ends at −87.
                    let power = if from < -87.0 { 0.0 } else { exp(from) };
                    sums[lane] += power;
                    y.0[lane] = if log { from } else { power };
                }
            }
            let last = if log { sums.map(f32::ln) } else { sums.map(|sum| 1.0 / sum) };
            for y in y[first..].iter_mut().step_by(inner) {
                for lane in 0..LANES {
                    y.0[lane] = if log { y.0[lane] - last[lane] } else { y.0[lane] * last[lane] };
                }
            }
        }
    }
}

/// The gradient of the argument `x` of [`softmax`] from that of its result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn softmax_gradient(
    g: &Blocked,
    x: &Blocked,
    axis: Axis,
    log: bool,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    assert_eq!(g.dims.block_len(), x.dims.block_len(), "sizes of a gradient and of an argument");
    let mut dx = softmax(x, axis, false, instructions, arena);
    for_each_small_part(&mut dx.data, axis.len * axis.inner, 1, |outer, dx| {
        let g = &g.data[outer * axis.len * axis.inner..][..axis.len * axis.inner];
        run(instructions.for_arrays(), SoftmaxGradient { dx, g, axis, log });
    });
    dx
}

/// From shares w to w · (g − Σ w g), or of the logarithm g − w · Σ g.
struct SoftmaxGradient<'a> {
    dx: &'a mut [Lane],
    g: &'a [Lane],
    axis: Axis,
    log: bool,
}

impl Kernel for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { dx, g, axis: Axis { inner, .. }, log } = self;
        for first in 0..inner {
            let mut sums = [0f32; LANES];
            let both = dx[first..].iter().step_by(inner).zip(g[first..].iter().step_by(inner));
            for (w, g) in both {
                for lane in 0..LANES {
                    sums[lane] += if log { g.0[lane] } else { w.0[lane] * g.0[lane] };
                }
            }
            let both = dx[first..].iter_mut().step_by(inner).zip(g[first..].iter().step_by(inner));
            for (w, g) in both {
                for lane in 0..LANES {
                    w.0[lane] = match log {
                        true => g.0[lane] - w.0[lane] * sums[lane],
                        false => w.0[lane] * (g.0[lane] - sums[lane]),
                    };
                }
            }
        }
    }
}
