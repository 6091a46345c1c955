//! The two small matrix products under every convolution, on rows of vectors of sixteen images.
//!
//! * [`outer`]: out[r][p] = Σ_k a[k][r] · b[k][p], weights times activations; a weight is spread over the lanes.
//! * [`inner`]: out[r][s] = Σ_p a[r][p] · b[s][p], gradients times activations, summed over pixels and images.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]
#![allow(clippy::too_many_arguments, reason = "a tile's place and size, passed on in registers")]

use super::simd::{LANES, Lane, Simd};

/// Activations as the product reads them: `depth` rows of vectors, `stride` vectors apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) data: &'a [Lane],
    pub(crate) stride: usize,
}

/// Where the product goes: rows of vectors, `stride` apart, starting at `offset`.
pub(crate) struct RowsMut<'a> {
    pub(crate) data: &'a mut [Lane],
    pub(crate) offset: usize,
    pub(crate) stride: usize,
}

/// Weights in groups of [`Simd::ROWS`] rows: [row / ROWS][depth][ROWS], zero-padded.
#[derive(Debug, Default, Clone)]
pub(crate) struct Panel {
    pub(crate) data: Vec<f32>,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
}

impl Panel {
    /// Packs a matrix, given by its elements (row, depth), for a path whose tiles have `group` rows.
    pub(crate) fn pack(
        rows: usize,
        depth: usize,
        group: usize,
        element: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let mut data = vec![0.0; rows.div_ceil(group) * depth * group];
        for row in 0..rows {
            let base = (row / group) * depth * group + row % group;
            for k in 0..depth {
                data[base + k * group] = element(row, k);
            }
        }
        Self { data, rows, depth }
    }
}

/// out[r][p] = Σ_k panel[r][k] · b[k][p] for p in 0..pixels.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn outer<S: Simd>(
    panel: &[f32],
    rows: usize,
    depth: usize,
    b: Rows<'_>,
    out: &mut RowsMut<'_>,
    pixels: usize,
) {
    let group = S::ROWS;
    for first in (0..rows).step_by(group) {
        let weights = &panel[first * depth..(first + group) * depth];
        let valid = group.min(rows - first);
        let mut pixel = 0;
        while pixel < pixels {
            // SAFETY: the caller vouches for the features.
            unsafe {
                pixel += match (group, pixels - pixel) {
                    (8, 1) => tile::<S, 8, 1>(weights, valid, depth, b, out, first, pixel),
                    (8, 2 | 4) => tile::<S, 8, 2>(weights, valid, depth, b, out, first, pixel),
                    (8, _) => tile::<S, 8, 3>(weights, valid, depth, b, out, first, pixel),
                    _ => tile::<S, 4, 1>(weights, valid, depth, b, out, first, pixel),
                };
            }
        }
    }
}

/// A register tile of [`outer`]: R rows by P pixels. Returns P.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const P: usize>(
    weights: &[f32],
    valid: usize,
    depth: usize,
    b: Rows<'_>,
    out: &mut RowsMut<'_>,
    row: usize,
    pixel: usize,
) -> usize {
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted here.
    unsafe {
        assert!(
            weights.len() >= depth * R && (depth == 0 || b.data.len() >= (depth - 1) * b.stride + pixel + P)
        );
        let mut sums = [[S::splat(0.0); P]; R];
        let (mut a, mut from) = (weights.as_ptr(), b.data.as_ptr().add(pixel));
        for _ in 0..depth {
            let mut x = [S::splat(0.0); P];
            for p in 0..P {
                x[p] = S::load(&*from.add(p));
            }
            for r in 0..R {
                let w = S::splat(*a.add(r));
                for p in 0..P {
                    sums[r][p] = S::fma(w, x[p], sums[r][p]);
                }
            }
            a = a.add(R);
            from = from.wrapping_add(b.stride);
        }
        for (r, sums) in sums.iter().enumerate().take(valid) {
            let at = out.offset + (row + r) * out.stride + pixel;
            let to = &mut out.data[at..at + P];
            for p in 0..P {
                S::store(&mut to[p], sums[p]);
            }
        }
    }
    P
}

/// Rows of [`inner`]'s register tile: of `a`, and of `b`.
const INNER: (usize, usize) = (4, 6);

/// out[r · columns + s] += Σ_p a[r][p] · b[s][p], over `len` vectors and their lanes.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn inner<S: Simd>(
    a: Rows<'_>,
    rows: usize,
    b: Rows<'_>,
    columns: usize,
    len: usize,
    out: &mut [f32],
) {
    for row in (0..rows).step_by(INNER.0) {
        for column in (0..columns).step_by(INNER.1) {
            // SAFETY: the caller vouches for the features.
            unsafe {
                if row + 4 <= rows && column + 6 <= columns {
                    dot::<S, 4, 6>(a, row, b, column, len, columns, out);
                } else {
                    for r in row..rows.min(row + 4) {
                        for s in column..columns.min(column + 6) {
                            dot::<S, 1, 1>(a, r, b, s, len, columns, out);
                        }
                    }
                }
            }
        }
    }
}

/// A register tile of [`inner`].
#[inline(always)]
unsafe fn dot<S: Simd, const R: usize, const C: usize>(
    a: Rows<'_>,
    row: usize,
    b: Rows<'_>,
    column: usize,
    len: usize,
    columns: usize,
    out: &mut [f32],
) {
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted here.
    unsafe {
        assert!(
            a.data.len() >= (row + R - 1) * a.stride + len
                && b.data.len() >= (column + C - 1) * b.stride + len
        );
        let (from_a, from_b) = (a.data.as_ptr().add(row * a.stride), b.data.as_ptr().add(column * b.stride));
        let mut sums = [[S::splat(0.0); C]; R];
        for p in 0..len {
            let mut x = [S::splat(0.0); C];
            for c in 0..C {
                x[c] = S::load(&*from_b.add(c * b.stride + p));
            }
            for r in 0..R {
                let g = S::load(&*from_a.add(r * a.stride + p));
                for c in 0..C {
                    sums[r][c] = S::fma(g, x[c], sums[r][c]);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (c, &sum) in sums.iter().enumerate() {
                out[(row + r) * columns + column + c] += lane_sum::<S>(sum);
            }
        }
    }
}

/// The sum of the sixteen lanes, in one fixed order.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn lane_sum<S: Simd>(value: S::V) -> f32 {
    let mut lane = Lane::ZERO;
    // SAFETY: the caller vouches for the features.
    unsafe { S::store(&mut lane, value) };
    let mut values = lane.0;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            values[i] += values[i + width];
        }
        width /= 2;
    }
    values[0]
}
