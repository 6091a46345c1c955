//! The two small matrix products under every convolution, on rows of vectors of sixteen images.
//!
//! * [`Outer`]: out[r][p] = Σ_k a[k][r] · b[k][p], weights times activations; a weight is spread over the lanes.
//! * [`Inner`]: out[r][c] += Σ_s a[r][s] · b[c][s], gradients times activations, summed over pixels and images. Its
//!   operands are turned first, so that a vector holds sixteen rows of one sample and no sum runs across lanes.
//!
//! What is multiplied are f32 or pairs of bf16 in 32 bits: two neighbours among those that are summed over. A *summand* is one
//! f32 or one pair; depths and samples are counted in summands here.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]
#![allow(clippy::too_many_arguments, reason = "a tile's place and size, passed on in registers")]

use super::factors::{FULL, Factors, PAIRS, values_a_summand};
use crate::{
    parallel::for_each_small_part,
    simd::{Kernel, LANES, Lane, Simd, pair_bits},
    strips::Strip,
};

/// a · b + sum of summands.
#[inline(always)]
pub(super) unsafe fn add_product<S: Simd, const F: Factors>(a: S::V, b: S::V, sum: S::V) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { if F == PAIRS { S::fma_pairs(a, b, sum) } else { S::fma(a, b, sum) } }
}

/// One factor in all lanes.
#[inline(always)]
pub(super) unsafe fn spread_bits<S: Simd>(factor: u32) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { S::splat(f32::from_bits(factor)) }
}

/// Activations as the product reads them: rows of vectors, one for each summand.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// So many vectors apart.
    Apart { data: &'a [Lane], stride: usize },
    /// In panels of as many columns as a register tile takes, see [`panel_width`]: what is read next is what comes next.
    Panels { data: &'a [Lane] },
}

/// Pixels that a register tile takes beside each other, if so many are left: patches are packed in panels of as many.
#[inline(always)]
pub(super) const fn panel_width<S: Simd>(left: usize) -> usize {
    match left {
        _ if S::ROWS != 8 => 1,
        1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// Where a product goes: some columns of its rows, and where ReLU notes what it lets through of them.
pub(crate) struct Out<'a> {
    pub(crate) values: Strip<'a, Lane>,
    pub(crate) mask: Option<Strip<'a, u16>>,
}

impl Out<'_> {
    /// Some neighbouring columns.
    pub(crate) fn part(&mut self, start: usize, count: usize) -> Out<'_> {
        let mask = self.mask.as_mut().map(|mask| mask.part(start, count));
        Out { values: self.values.part(start, count), mask }
    }
}

/// What happens to the numbers of a product while they are in registers, in this order.
#[derive(Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// A summand per row.
    pub(crate) shift: Option<&'a [f32]>,
    /// A summand per value, of the whole matrix that the product is a strip of.
    pub(crate) added: Option<&'a [Lane]>,
    /// The lanes that are let through, of the whole matrix.
    pub(crate) gate: Option<&'a [u16]>,
}

/// Weights in groups of [`Simd::ROWS`] rows: [row / ROWS][summand][ROWS], zero-padded.
#[derive(Debug, Default, Clone)]
pub(crate) struct Panel {
    data: Vec<u32>,
    pub(crate) rows: usize,
    /// Values that are summed over.
    pub(crate) depth: usize,
    pub(crate) factors: Factors,
}

impl Panel {
    /// A panel to be filled.
    pub(crate) fn new(rows: usize, depth: usize, factors: Factors) -> Self {
        Self { data: Vec::new(), rows, depth, factors }
    }

    pub(crate) fn summands(&self) -> usize {
        self.depth.div_ceil(values_a_summand(self.factors))
    }

    /// Packs a matrix, given by its elements (row, depth), for an instruction set whose tiles have `group` rows.
    pub(crate) fn fill(&mut self, group: usize, element: impl Fn(usize, usize) -> f32 + Sync) {
        let (rows, depth, summands, factors) = (self.rows, self.depth, self.summands(), self.factors);
        let factor = |row: usize, k: usize| {
            if factors == FULL {
                return element(row, k).to_bits();
            }
            let second = if 2 * k + 1 < depth { element(row, 2 * k + 1) } else { 0.0 };
            pair_bits(element(row, 2 * k), second)
        };
        self.data.resize(rows.div_ceil(group) * summands * group, 0);
        let size = (summands * group).max(1);
        for_each_small_part(&mut self.data, size, FILLED_AT_ONCE.div_ceil(size), |panel, factors| {
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

/// out[r][p] = Σ_k panel[first + r][k] · b[k][p] for each row and column of what it goes to, then what follows.
pub(crate) struct Outer<'a, const F: Factors> {
    pub(crate) panel: &'a Panel,
    /// The first row of the panel that is wanted, a multiple of [`Simd::ROWS`].
    pub(crate) first: usize,
    pub(crate) b: Rows<'a>,
    pub(crate) out: Out<'a>,
    pub(crate) finish: Finish<'a>,
}

impl<const F: Factors> Kernel for Outer<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { panel, first: skipped, b, mut out, finish } = self;
        let out = &mut out;
        assert_eq!(panel.factors, F, "a panel of the product's kind");
        assert!(skipped.is_multiple_of(S::ROWS), "a group of rows");
        let (group, rows, depth, pixels) = (S::ROWS, out.values.rows(), panel.summands(), out.values.width());
        for first in (0..rows).step_by(group) {
            let weights = &panel.data[(skipped + first) * depth..(skipped + first + group) * depth];
            let valid = group.min(rows - first);
            let mut pixel = 0;
            while pixel < pixels {
                // SAFETY: the caller vouches for the features.
                unsafe {
                    pixel += if const { S::ROWS != 8 } {
                        tile::<S, 4, 1, F>(weights, valid, depth, b, out, finish, first, pixel)
                    } else {
                        match panel_width::<S>(pixels - pixel) {
                            1 => tile::<S, 8, 1, F>(weights, valid, depth, b, out, finish, first, pixel),
                            2 => tile::<S, 8, 2, F>(weights, valid, depth, b, out, finish, first, pixel),
                            _ => tile::<S, 8, 3, F>(weights, valid, depth, b, out, finish, first, pixel),
                        }
                    };
                }
            }
        }
    }
}

/// A register tile of [`Outer`]: R rows by P pixels. Returns P.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const P: usize, const F: Factors>(
    weights: &[u32],
    valid: usize,
    depth: usize,
    b: Rows<'_>,
    out: &mut Out<'_>,
    finish: Finish<'_>,
    row: usize,
    pixel: usize,
) -> usize {
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted here.
    unsafe {
        let (data, start, stride) = match b {
            Rows::Apart { data, stride } => (data, pixel, stride),
            Rows::Panels { data } => (data, pixel * depth, P),
        };
        assert!(weights.len() >= depth * R && (depth == 0 || data.len() >= (depth - 1) * stride + start + P));
        let mut sums = [[S::splat(0.0); P]; R];
        let (mut a, mut from) = (weights.as_ptr(), data.as_ptr().add(start));
        for _ in 0..depth {
            let mut x = [S::splat(0.0); P];
            for p in 0..P {
                x[p] = S::load(&*from.add(p));
            }
            for r in 0..R {
                let w = spread_bits::<S>(*a.add(r));
                for p in 0..P {
                    sums[r][p] = add_product::<S, F>(w, x[p], sums[r][p]);
                }
            }
            a = a.add(R);
            from = from.wrapping_add(stride);
        }
        for (r, sums) in sums.into_iter().enumerate().take(valid) {
            finish_row::<S, P>(sums, out, finish, row + r, pixel);
        }
    }
    P
}

/// Some numbers of a row, from registers to where they go.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn finish_row<S: Simd, const P: usize>(
    sums: [S::V; P],
    out: &mut Out<'_>,
    finish: Finish<'_>,
    row: usize,
    pixel: usize,
) {
    let place = out.values.place(row) + pixel;
    let to = &mut out.values.row(row)[pixel..pixel + P];
    let added = finish.added.map(|added| &added[place..place + P]);
    let gate = finish.gate.map(|gate| &gate[place..place + P]);
    let mut mask = out.mask.as_mut().map(|mask| &mut mask.row(row)[pixel..pixel + P]);
    for p in 0..P {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut value = sums[p];
            if let Some(shift) = finish.shift {
                value = S::add(value, S::splat(shift[row]));
            }
            if let Some(added) = added {
                value = S::add(value, S::load(&added[p]));
            }
            if let Some(mask) = &mut mask {
                mask[p] = S::positive(value);
                value = S::select(value, mask[p]);
            }
            if let Some(gate) = gate {
                value = S::select(value, gate[p]);
            }
            S::store(&mut to[p], value);
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
pub(crate) const fn summands_of_images(factors: Factors) -> usize {
    LANES / values_a_summand(factors)
}

/// Writes sixteen vectors, one a row, as the summands of sixteen images for all rows.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn turn<S: Simd, const F: Factors>(rows: [S::V; LANES], to: &mut [Lane]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let samples = S::transpose(rows);
        for (i, to) in to.iter_mut().enumerate().take(summands_of_images(F)) {
            let value = if F == PAIRS { S::pair(samples[2 * i], samples[2 * i + 1]) } else { samples[i] };
            S::store(to, value);
        }
    }
}

/// out[r][c] += Σ_s a[r][s] · b[c][s] over `samples` summands, or = if it `is_first`; `out` has `rows` rows of whole vectors of columns.
pub(crate) struct Inner<'a, const F: Factors> {
    pub(crate) a: Turned<'a>,
    pub(crate) rows: usize,
    pub(crate) b: Turned<'a>,
    pub(crate) columns: usize,
    pub(crate) samples: usize,
    pub(crate) is_first: bool,
    pub(crate) out: &'a mut [Lane],
}

impl<const F: Factors> Kernel for Inner<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { a, rows, b, columns, samples, is_first, out } = self;
        let vectors = columns.div_ceil(LANES);
        for vector in (0..vectors).step_by(2) {
            for row in (0..rows).step_by(S::ROWS) {
                // SAFETY: the caller vouches for the features.
                unsafe {
                    if const { S::ROWS != 8 } {
                        // A loop, not a closure: that would be compiled without the instruction set's features.
                        for vector in vector..vectors.min(vector + 2) {
                            dot::<S, 4, 1, F>(a, row, rows, b, vector, vectors, samples, is_first, out);
                        }
                    } else if vectors - vector == 1 {
                        dot::<S, 8, 1, F>(a, row, rows, b, vector, vectors, samples, is_first, out);
                    } else {
                        dot::<S, 8, 2, F>(a, row, rows, b, vector, vectors, samples, is_first, out);
                    }
                }
            }
        }
    }
}

/// A register tile of [`Inner`]: R rows by C vectors of columns.
#[inline(always)]
unsafe fn dot<S: Simd, const R: usize, const C: usize, const F: Factors>(
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
                    sums[r][c] = add_product::<S, F>(g, x[c], sums[r][c]);
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
