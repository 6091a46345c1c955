//! The two small matrix products under every convolution, on rows of vectors of sixteen images.
//!
//! * [`outer`]: out[r][p] = Σ_k a[k][r] · b[k][p], weights times activations; a weight is spread over the lanes.
//! * [`inner`]: out[r][c] += Σ_s a[r][s] · b[c][s], gradients times activations, summed over pixels and images. Its
//!   operands are turned first, so that a vector holds sixteen rows of one sample and no sum runs across lanes.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]
#![allow(clippy::too_many_arguments, reason = "a tile's place and size, passed on in registers")]

use rayon::prelude::*;

use crate::simd::{LANES, Lane, Simd};

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
    /// A panel to be filled.
    pub(crate) fn new(rows: usize, depth: usize) -> Self {
        Self { data: Vec::new(), rows, depth }
    }

    /// Packs a matrix, given by its elements (row, depth), for a path whose tiles have `group` rows.
    pub(crate) fn fill(&mut self, group: usize, element: impl Fn(usize, usize) -> f32 + Sync) {
        let (rows, depth) = (self.rows, self.depth);
        self.data.resize(rows.div_ceil(group) * depth * group, 0.0);
        let panels = self.data.par_chunks_mut((depth * group).max(1)).enumerate();
        panels.with_min_len(FILLED_AT_ONCE.div_ceil(depth * group)).for_each(|(panel, values)| {
            let here = group.min(rows - panel * group);
            for (k, values) in values.chunks_exact_mut(group).enumerate() {
                for (row, value) in values[..here].iter_mut().enumerate() {
                    *value = element(panel * group + row, k);
                }
            }
        });
    }
}

/// Values that are worth a thread's attention.
const FILLED_AT_ONCE: usize = 1 << 14;

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

/// Operands of [`product`] that are summed over: channels in groups of as many as a tile has rows, as
/// `[group][point][channel][tile]`, so that each group of channels can be written by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depths {
    /// Channels.
    pub(crate) depth: usize,
    /// Tiles.
    pub(crate) count: usize,
    /// Vectors from one point to the next: one more than needed, or like places of all points would share a cache set.
    pub(crate) point_stride: usize,
    /// Vectors from one group to the next.
    pub(crate) group_stride: usize,
    rows: usize,
}

impl Depths {
    #[inline(always)]
    pub(crate) fn new(rows: usize, depth: usize, points: usize, count: usize) -> Self {
        let point_stride = rows * count + 1;
        Self { depth, count, point_stride, group_stride: points * point_stride, rows }
    }

    /// Where the group of a channel begins.
    #[inline(always)]
    pub(crate) fn group(&self, channel: usize) -> usize {
        channel / self.rows * self.group_stride
    }
}

/// Vectors that [`Depths`] take.
pub(crate) fn depths_len(rows: usize, depth: usize, points: usize, count: usize) -> usize {
    depth.div_ceil(rows) * Depths::new(rows, depth, points, count).group_stride
}

/// Weights of [`product`]: squares of as many rows as a tile has, `stride` values apart.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) stride: usize,
    /// Whether a square is `[row][depth]` rather than `[depth][row]`.
    pub(crate) is_turned: bool,
}

/// out[r][t] = Σ_k weights[r][k] · v[k][t] at one point, for the rows of one register tile.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd>(
    weights: Panels<'_>,
    v: &[Lane],
    depths: Depths,
    point: usize,
    out: &mut [Lane],
) {
    let v = &v[point * depths.point_stride..];
    let mut at = 0;
    while at < depths.count {
        // SAFETY: the caller vouches for the features.
        unsafe {
            at += match (S::ROWS, depths.count - at, weights.is_turned) {
                (8, 1, false) => squares::<S, 8, 1, false>(weights, v, depths, at, out),
                (8, 1, true) => squares::<S, 8, 1, true>(weights, v, depths, at, out),
                (8, 2 | 4, false) => squares::<S, 8, 2, false>(weights, v, depths, at, out),
                (8, 2 | 4, true) => squares::<S, 8, 2, true>(weights, v, depths, at, out),
                (8, _, false) => squares::<S, 8, 3, false>(weights, v, depths, at, out),
                (8, _, true) => squares::<S, 8, 3, true>(weights, v, depths, at, out),
                (_, _, false) => squares::<S, 4, 1, false>(weights, v, depths, at, out),
                (_, _, true) => squares::<S, 4, 1, true>(weights, v, depths, at, out),
            };
        }
    }
}

/// A register tile of [`product`]: R rows by P tiles. Returns P.
#[inline(always)]
unsafe fn squares<S: Simd, const R: usize, const P: usize, const TURNED: bool>(
    weights: Panels<'_>,
    v: &[Lane],
    depths: Depths,
    at: usize,
    out: &mut [Lane],
) -> usize {
    let Depths { depth, count, group_stride, .. } = depths;
    let last = depth.div_ceil(R) - 1;
    assert!(
        weights.data.len() >= last * weights.stride + R * R
            && v.len() >= last * group_stride + (depth - last * R - 1) * count + at + P
            && out.len() >= (R - 1) * count + at + P
    );
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted above.
    unsafe {
        let mut sums = [[S::splat(0.0); P]; R];
        let (mut a, mut b) = (weights.data.as_ptr(), v.as_ptr().add(at));
        for _ in 0..depth / R {
            for k in 0..R {
                step::<S, R, P, TURNED>(a, b.add(k * count), k, &mut sums);
            }
            a = a.wrapping_add(weights.stride);
            b = b.wrapping_add(group_stride);
        }
        for k in 0..depth % R {
            step::<S, R, P, TURNED>(a, b.add(k * count), k, &mut sums);
        }
        for r in 0..R {
            let to = &mut out[r * count + at..][..P];
            for p in 0..P {
                S::store(&mut to[p], sums[r][p]);
            }
        }
    }
    P
}

/// One summand of a register tile.
#[inline(always)]
unsafe fn step<S: Simd, const R: usize, const P: usize, const TURNED: bool>(
    a: *const f32,
    b: *const Lane,
    k: usize,
    sums: &mut [[S::V; P]; R],
) {
    // SAFETY: [`squares`] has asserted that the places are inside, and its caller vouches for the features.
    unsafe {
        let mut x = [S::splat(0.0); P];
        for p in 0..P {
            x[p] = S::load(&*b.add(p));
        }
        for r in 0..R {
            let w = S::splat(*a.add(if TURNED { r * R + k } else { k * R + r }));
            for p in 0..P {
                sums[r][p] = S::fma(w, x[p], sums[r][p]);
            }
        }
    }
}

/// Samples side by side: rows of a matrix in groups of sixteen, each group as `[sample][row mod 16]`.
///
/// [`turn`] makes one out of vectors of images; a sample is an image's value at a pixel or a tile.
#[derive(Clone, Copy)]
pub(crate) struct Turned<'a> {
    pub(crate) data: &'a [Lane],
    /// Vectors from one group of rows to the next.
    pub(crate) stride: usize,
}

/// Writes sixteen vectors, one a row, as sixteen samples of all rows.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn turn<S: Simd>(rows: [S::V; LANES], to: &mut [Lane]) {
    // SAFETY: the caller vouches for the features.
    unsafe { S::transpose(rows).into_iter().zip(to).for_each(|(value, to)| S::store(to, value)) };
}

/// out[r][c] += Σ_s a[r][s] · b[c][s] over `samples`, or = if it `is_first`; `out` has `rows` rows of whole vectors of columns.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn inner<S: Simd>(
    a: Turned<'_>,
    rows: usize,
    b: Turned<'_>,
    columns: usize,
    samples: usize,
    is_first: bool,
    out: &mut [Lane],
) {
    let vectors = columns.div_ceil(LANES);
    for vector in (0..vectors).step_by(2) {
        for row in (0..rows).step_by(S::ROWS) {
            // SAFETY: the caller vouches for the features.
            unsafe {
                match (S::ROWS, vectors - vector) {
                    (8, 1) => dot::<S, 8, 1>(a, row, rows, b, vector, vectors, samples, is_first, out),
                    (8, _) => dot::<S, 8, 2>(a, row, rows, b, vector, vectors, samples, is_first, out),
                    // A loop, not a closure: that would be compiled without the path's features.
                    _ => {
                        for vector in vector..vectors.min(vector + 2) {
                            dot::<S, 4, 1>(a, row, rows, b, vector, vectors, samples, is_first, out);
                        }
                    }
                }
            }
        }
    }
}

/// A register tile of [`inner`]: R rows by C vectors of columns.
#[inline(always)]
unsafe fn dot<S: Simd, const R: usize, const C: usize>(
    a: Turned<'_>,
    row: usize,
    rows: usize,
    b: Turned<'_>,
    vector: usize,
    vectors: usize,
    samples: usize,
    is_first: bool,
    out: &mut [Lane],
) {
    let (from_a, from_b) = (row / LANES * a.stride, vector * b.stride);
    assert!(a.data.len() >= from_a + samples && b.data.len() >= from_b + (C - 1) * b.stride + samples);
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted above.
    unsafe {
        let from_a = a.data.as_ptr().add(from_a).cast::<f32>().add(row % LANES);
        let from_b = b.data.as_ptr().add(from_b);
        let mut sums = [[S::splat(0.0); C]; R];
        for sample in 0..samples {
            let mut x = [S::splat(0.0); C];
            for c in 0..C {
                x[c] = S::load(&*from_b.add(c * b.stride + sample));
            }
            for r in 0..R {
                let g = S::splat(*from_a.add(sample * LANES + r));
                for c in 0..C {
                    sums[r][c] = S::fma(g, x[c], sums[r][c]);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate().take(rows - row) {
            let to = &mut out[(row + r) * vectors + vector..][..C];
            for c in 0..C {
                let total = if is_first { sums[c] } else { S::add(S::load(&to[c]), sums[c]) };
                S::store(&mut to[c], total);
            }
        }
    }
}
