//! The two small matrix products under every convolution, on rows of vectors of sixteen images.
//!
//! * [`outer`]: out[r][p] = Σ_k a[k][r] · b[k][p], weights times activations; a weight is spread over the lanes.
//! * [`inner`]: out[r][c] += Σ_s a[r][s] · b[c][s], gradients times activations, summed over pixels and images. Its
//!   operands are turned first, so that a vector holds sixteen rows of one sample and no sum runs across lanes.
//!
//! What is multiplied are f32 or, where `PAIRS` is set, pairs of bf16 in 32 bits: two neighbours among those that are summed
//! over. A *summand* is one f32 or one pair; depths and samples are counted in summands here.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]
#![allow(clippy::too_many_arguments, reason = "a tile's place and size, passed on in registers")]

use rayon::prelude::*;

use crate::simd::{LANES, Lane, Simd, pair_bits};

/// Values that make a summand.
#[inline(always)]
pub(crate) const fn values_a_summand(is_paired: bool) -> usize {
    if is_paired { 2 } else { 1 }
}

/// a · b + sum of summands.
#[inline(always)]
unsafe fn add_product<S: Simd, const PAIRS: bool>(a: S::V, b: S::V, sum: S::V) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { if PAIRS { S::fma_pairs(a, b, sum) } else { S::fma(a, b, sum) } }
}

/// One factor in all lanes.
#[inline(always)]
unsafe fn spread_bits<S: Simd>(factor: u32) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { S::splat(f32::from_bits(factor)) }
}

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

/// Weights in groups of [`Simd::ROWS`] rows: [row / ROWS][summand][ROWS], zero-padded.
#[derive(Debug, Default, Clone)]
pub(crate) struct Panel {
    data: Vec<u32>,
    pub(crate) rows: usize,
    /// Values that are summed over.
    pub(crate) depth: usize,
    pub(crate) is_paired: bool,
}

impl Panel {
    /// A panel to be filled.
    pub(crate) fn new(rows: usize, depth: usize, is_paired: bool) -> Self {
        Self { data: Vec::new(), rows, depth, is_paired }
    }

    pub(crate) fn summands(&self) -> usize {
        self.depth.div_ceil(values_a_summand(self.is_paired))
    }

    /// Packs a matrix, given by its elements (row, depth), for a path whose tiles have `group` rows.
    pub(crate) fn fill(&mut self, group: usize, element: impl Fn(usize, usize) -> f32 + Sync) {
        let (rows, depth, summands, is_paired) = (self.rows, self.depth, self.summands(), self.is_paired);
        let factor = |row: usize, k: usize| {
            if !is_paired {
                return element(row, k).to_bits();
            }
            let second = if 2 * k + 1 < depth { element(row, 2 * k + 1) } else { 0.0 };
            pair_bits(element(row, 2 * k), second)
        };
        self.data.resize(rows.div_ceil(group) * summands * group, 0);
        let panels = self.data.par_chunks_mut((summands * group).max(1)).enumerate();
        panels.with_min_len(FILLED_AT_ONCE.div_ceil(summands * group)).for_each(|(panel, factors)| {
            let here = group.min(rows - panel * group);
            for (k, factors) in factors.chunks_exact_mut(group).enumerate() {
                for (row, to) in factors[..here].iter_mut().enumerate() {
                    *to = factor(panel * group + row, k);
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
pub(crate) unsafe fn outer<S: Simd, const PAIRS: bool>(
    panel: &Panel,
    b: Rows<'_>,
    out: &mut RowsMut<'_>,
    pixels: usize,
) {
    assert_eq!(panel.is_paired, PAIRS, "a panel of the product's kind");
    let (group, rows, depth) = (S::ROWS, panel.rows, panel.summands());
    for first in (0..rows).step_by(group) {
        let weights = &panel.data[first * depth..(first + group) * depth];
        let valid = group.min(rows - first);
        let mut pixel = 0;
        while pixel < pixels {
            // SAFETY: the caller vouches for the features.
            unsafe {
                pixel += match (group, pixels - pixel) {
                    (8, 1) => tile::<S, 8, 1, PAIRS>(weights, valid, depth, b, out, first, pixel),
                    (8, 2 | 4) => tile::<S, 8, 2, PAIRS>(weights, valid, depth, b, out, first, pixel),
                    (8, _) => tile::<S, 8, 3, PAIRS>(weights, valid, depth, b, out, first, pixel),
                    _ => tile::<S, 4, 1, PAIRS>(weights, valid, depth, b, out, first, pixel),
                };
            }
        }
    }
}

/// A register tile of [`outer`]: R rows by P pixels. Returns P.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const P: usize, const PAIRS: bool>(
    weights: &[u32],
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
                let w = spread_bits::<S>(*a.add(r));
                for p in 0..P {
                    sums[r][p] = add_product::<S, PAIRS>(w, x[p], sums[r][p]);
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
/// `[group][point][summand][tile]`, so that each group of channels can be written by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depths {
    /// Summands.
    pub(crate) depth: usize,
    /// Tiles.
    pub(crate) count: usize,
    /// Vectors from one point to the next: one more than needed, or like places of all points would share a cache set.
    pub(crate) point_stride: usize,
    /// Vectors from one group to the next.
    pub(crate) group_stride: usize,
    /// Channels in a group, and in a summand.
    channels: usize,
    together: usize,
}

impl Depths {
    /// Of so many channels; `group` is the number of a tile's rows.
    #[inline(always)]
    pub(crate) fn new(group: usize, channels: usize, is_paired: bool, points: usize, count: usize) -> Self {
        let together = values_a_summand(is_paired);
        let point_stride = group / together * count + 1;
        let (depth, group_stride) = (channels.div_ceil(together), points * point_stride);
        Self { depth, count, point_stride, group_stride, channels: group, together }
    }

    /// Where the first point of a channel begins, from the start of its group on.
    #[inline(always)]
    pub(crate) fn within_group(&self, channel: usize) -> usize {
        channel % self.channels / self.together * self.count
    }

    /// Where the group of a channel begins.
    #[inline(always)]
    pub(crate) fn group(&self, channel: usize) -> usize {
        channel / self.channels * self.group_stride
    }

    /// Vectors that so many channels take.
    pub(crate) fn len(&self, channels: usize) -> usize {
        channels.div_ceil(self.channels) * self.group_stride
    }
}

/// Weights of [`product`]: blocks of as many rows as a tile has and as many summands as a group has, `stride` factors apart.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub(crate) data: &'a [u32],
    pub(crate) stride: usize,
    /// Whether a block is `[row][summand]` rather than `[summand][row]`.
    pub(crate) is_turned: bool,
}

/// out[r][t] = Σ_k weights[r][k] · v[k][t] at one point, for the rows of one register tile.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn product<S: Simd, const PAIRS: bool>(
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
                (8, 1, false) => block::<S, 8, 1, false, PAIRS>(weights, v, depths, at, out),
                (8, 1, true) => block::<S, 8, 1, true, PAIRS>(weights, v, depths, at, out),
                (8, 2 | 4, false) => block::<S, 8, 2, false, PAIRS>(weights, v, depths, at, out),
                (8, 2 | 4, true) => block::<S, 8, 2, true, PAIRS>(weights, v, depths, at, out),
                (8, _, false) => block::<S, 8, 3, false, PAIRS>(weights, v, depths, at, out),
                (8, _, true) => block::<S, 8, 3, true, PAIRS>(weights, v, depths, at, out),
                (_, _, false) => block::<S, 4, 1, false, PAIRS>(weights, v, depths, at, out),
                (_, _, true) => block::<S, 4, 1, true, PAIRS>(weights, v, depths, at, out),
            };
        }
    }
}

/// A register tile of [`product`]: R rows by P tiles. Returns P.
#[inline(always)]
unsafe fn block<S: Simd, const R: usize, const P: usize, const TURNED: bool, const PAIRS: bool>(
    weights: Panels<'_>,
    v: &[Lane],
    depths: Depths,
    at: usize,
    out: &mut [Lane],
) -> usize {
    let Depths { depth, count, group_stride, .. } = depths;
    let wide = R / values_a_summand(PAIRS);
    let last = depth.div_ceil(wide) - 1;
    assert!(
        weights.data.len() >= last * weights.stride + R * wide
            && v.len() >= last * group_stride + (depth - last * wide - 1) * count + at + P
            && out.len() >= (R - 1) * count + at + P
    );
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted above.
    unsafe {
        let mut sums = [[S::splat(0.0); P]; R];
        let (mut a, mut b) = (weights.data.as_ptr(), v.as_ptr().add(at));
        for _ in 0..depth / wide {
            for k in 0..wide {
                step::<S, R, P, TURNED, PAIRS>(a, b.add(k * count), k, &mut sums);
            }
            a = a.wrapping_add(weights.stride);
            b = b.wrapping_add(group_stride);
        }
        for k in 0..depth % wide {
            step::<S, R, P, TURNED, PAIRS>(a, b.add(k * count), k, &mut sums);
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
unsafe fn step<S: Simd, const R: usize, const P: usize, const TURNED: bool, const PAIRS: bool>(
    a: *const u32,
    b: *const Lane,
    k: usize,
    sums: &mut [[S::V; P]; R],
) {
    // SAFETY: [`block`] has asserted that the places are inside, and its caller vouches for the features.
    unsafe {
        let mut x = [S::splat(0.0); P];
        for p in 0..P {
            x[p] = S::load(&*b.add(p));
        }
        for r in 0..R {
            let wide = R / values_a_summand(PAIRS);
            let w = spread_bits::<S>(*a.add(if TURNED { r * wide + k } else { k * R + r }));
            for p in 0..P {
                sums[r][p] = add_product::<S, PAIRS>(w, x[p], sums[r][p]);
            }
        }
    }
}

/// Samples side by side: rows of a matrix in groups of sixteen, each group as `[summand][row mod 16]`.
///
/// [`turn`] makes one out of vectors of images; a sample is an image's value at a pixel or a tile, a pair two images'.
#[derive(Clone, Copy)]
pub(crate) struct Turned<'a> {
    pub(crate) data: &'a [Lane],
    /// Vectors from one group of rows to the next.
    pub(crate) stride: usize,
}

/// Summands that the samples of sixteen images make.
#[inline(always)]
pub(crate) const fn summands_of_images(is_paired: bool) -> usize {
    LANES / values_a_summand(is_paired)
}

/// Writes sixteen vectors, one a row, as the summands of sixteen images for all rows.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn turn<S: Simd, const PAIRS: bool>(rows: [S::V; LANES], to: &mut [Lane]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let samples = S::transpose(rows);
        for (i, to) in to.iter_mut().enumerate().take(summands_of_images(PAIRS)) {
            let value = if PAIRS { S::pair(samples[2 * i], samples[2 * i + 1]) } else { samples[i] };
            S::store(to, value);
        }
    }
}

/// out[r][c] += Σ_s a[r][s] · b[c][s] over `samples` summands, or = if it `is_first`; `out` has `rows` rows of whole vectors of columns.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn inner<S: Simd, const PAIRS: bool>(
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
                    (8, 1) => dot::<S, 8, 1, PAIRS>(a, row, rows, b, vector, vectors, samples, is_first, out),
                    (8, _) => dot::<S, 8, 2, PAIRS>(a, row, rows, b, vector, vectors, samples, is_first, out),
                    // A loop, not a closure: that would be compiled without the path's features.
                    _ => {
                        for vector in vector..vectors.min(vector + 2) {
                            dot::<S, 4, 1, PAIRS>(a, row, rows, b, vector, vectors, samples, is_first, out);
                        }
                    }
                }
            }
        }
    }
}

/// A register tile of [`inner`]: R rows by C vectors of columns.
#[inline(always)]
unsafe fn dot<S: Simd, const R: usize, const C: usize, const PAIRS: bool>(
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
        let from_a = a.data.as_ptr().add(from_a).cast::<u32>().add(row % LANES);
        let from_b = b.data.as_ptr().add(from_b);
        let mut sums = [[S::splat(0.0); C]; R];
        for sample in 0..samples {
            let mut x = [S::splat(0.0); C];
            for c in 0..C {
                x[c] = S::load(&*from_b.add(c * b.stride + sample));
            }
            for r in 0..R {
                let g = spread_bits::<S>(*from_a.add(sample * LANES + r));
                for c in 0..C {
                    sums[r][c] = add_product::<S, PAIRS>(g, x[c], sums[r][c]);
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
