//! The weight gradient's operands on tiles: two tiles of pixels make a step of 32 samples, sixteen pairs.
//!
//! A group of sixteen channels lies as `[point][step][row][16]`. Rows of the gradients are channels, as they come out of the
//! transform; rows of the activations are pairs, so that these are turned.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over tiles of constant size")]
#![allow(clippy::too_many_arguments, reason = "two operands, their place and their size")]

use std::ops::Range as Channels;

use super::{
    super::{
        simd::{LANES, Lane, Simd},
        tensor::Blocked,
    },
    Grid, Range,
    scheme::Scheme,
    weight_gradient::MOST_POINTS,
};

/// Vectors that a group of channels takes at a point for `count` tiles.
#[inline(always)]
pub(super) const fn len(count: usize) -> usize {
    count.div_ceil(2) * LANES
}

/// Transforms the tiles of up to sixteen channels, `stride` vectors from a point to the next.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn spread<S: Simd, K: Scheme>(
    from: &Blocked,
    channels: Channels<usize>,
    grid: Grid,
    range: Range,
    to: &mut [Lane],
    stride: usize,
    is_gradient: bool,
) {
    let mut points = [[Lane::ZERO; MOST_POINTS]; 2];
    for step in 0..range.count.div_ceil(2) {
        let to = &mut to[step * LANES..];
        // SAFETY: the caller vouches for the features.
        unsafe {
            for channel in channels.clone() {
                for (i, points) in points.iter_mut().enumerate() {
                    if 2 * step + i == range.count {
                        points[..K::POINTS].fill(Lane::ZERO);
                        continue;
                    }
                    let (block, at) = grid.place(range.start + 2 * step + i);
                    let plane = from.plane(block, channel);
                    if is_gradient {
                        K::spread_output::<S>(plane, from.dims, at, points, 1);
                    } else {
                        K::spread_input::<S>(plane, from.dims, at, points, 1);
                    }
                }
                for point in 0..K::POINTS {
                    let pair = S::pair(S::load(&points[0][point]), S::load(&points[1][point]));
                    S::store(&mut to[point * stride + channel % LANES], pair);
                }
            }
            if !is_gradient {
                for point in 0..K::POINTS {
                    turn::<S>(&mut to[point * stride..][..LANES]);
                }
            }
        }
    }
}

/// Transposes sixteen vectors in place.
#[inline(always)]
unsafe fn turn<S: Simd>(rows: &mut [Lane]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let mut values = [S::splat(0.0); LANES];
        for i in 0..LANES {
            values[i] = S::load(&rows[i]);
        }
        let turned = S::transpose(values);
        for i in 0..LANES {
            S::store(&mut rows[i], turned[i]);
        }
    }
}

/// out[r][c] += Σ a[r][sample] · b[c][sample] at a point, or = if it `is_first`. Operands are `groups` of sixteen channels,
/// `stride` vectors apart; `out` has sixteen rows for each group of `a`.
///
/// # Safety
/// Tiles are configured.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn product(
    a: &[Lane],
    b: &[Lane],
    groups: [usize; 2],
    stride: usize,
    count: usize,
    is_first: bool,
    out: &mut [Lane],
) {
    use super::super::simd::tiles::{Operand, ROW, Sums, multiply};
    let steps = count.div_ceil(2);
    let end = |groups: usize| (groups - 1) * stride + len(count);
    assert!(
        steps > 0
            && a.len() >= end(groups[0])
            && b.len() >= end(groups[1])
            && out.len() >= groups[0] * LANES * groups[1]
    );
    let operand = |from: &[Lane], group: usize, groups: usize| {
        let start =
            [group, (group + 1).min(groups - 1)].map(|group| from[group * stride..].as_ptr().cast::<u8>());
        Operand { start, row: ROW, step: LANES * ROW }
    };
    let out = out.as_mut_ptr();
    for row in (0..groups[0]).step_by(2) {
        let a = operand(a, row, groups[0]);
        for column in (0..groups[1]).step_by(2) {
            let b = operand(b, column, groups[1]);
            let (below, beside) = ((row + 1).min(groups[0] - 1), (column + 1).min(groups[1] - 1));
            // SAFETY: the places are inside the slices, whose ends are asserted above; the caller vouches for the tiles.
            unsafe {
                let start = [row, below]
                    .map(|row| [column, beside].map(|column| out.add(row * LANES * groups[1] + column)));
                let sums = Sums { start, row: groups[1] * size_of::<Lane>() };
                multiply(a, b, steps, sums, is_first);
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn product(
    _: &[Lane],
    _: &[Lane],
    _: [usize; 2],
    _: usize,
    _: usize,
    _: bool,
    _: &mut [Lane],
) {
    unreachable!("no path has tiles")
}
