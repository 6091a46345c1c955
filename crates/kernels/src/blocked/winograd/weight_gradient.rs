//! The gradient of the weights: tiles of pixels and of gradients, transformed, multiplied and summed over all tiles and
//! images, then folded back to 3×3.
//!
//! | schedule | work is cut by | for |
//! |---|---|---|
//! | [`apart`] | blocks, or tiles of few blocks: each part has sums of its own | few channels, whose sums are small |
//! | [`shared`] | channels, then points | many channels |
#![allow(unsafe_code)]

use std::{marker::PhantomData, ops::Range as Tiles};

use super::{
    super::{
        factors::{FULL, Factors, PAIRS, run_with},
        gemm::{self, Inner, Turned, summands_of_images},
        pages,
        parts::Portion,
        simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
        tensor::{Arena, Blocked, sum_of_parts},
    },
    ahead::Ahead,
    grid::{Grid, Range},
    scheme::{self, PANEL_LINE, PANELS, Scheme, fold_filters},
};
use crate::parallel::{collect, for_each_part};

/// Most vectors of sums that a part has to itself.
const OWN_SUMS: usize = (3 << 20) / size_of::<Lane>();

/// Vectors of transformed tiles that a part treats at once.
const OWN_TILES: usize = (1300 << 10) / size_of::<Lane>();

/// Vectors of transformed tiles that all threads treat at once.
const SHARED_TILES: usize = (20 << 20) / size_of::<Lane>();

/// Most points that a tile has.
const MOST_POINTS: usize = 81;

/// Whether parts have sums of their own.
pub(crate) fn sums_parts_apart(outputs: usize, inputs: usize) -> bool {
    PANELS * outputs * groups(inputs) <= OWN_SUMS
}

/// The sums of each part, or of all.
pub(super) fn sums<K: Scheme>(
    x: &Blocked,
    g: &Blocked,
    piece: Portion<'_>,
    factors: Factors,
    (instructions, arena): (InstructionSet, &Arena),
) -> Vec<Vec<Lane>> {
    match factors {
        FULL => of_factors::<K, FULL>(x, g, piece, instructions, arena),
        _ => of_factors::<K, PAIRS>(x, g, piece, instructions, arena),
    }
}

fn of_factors<K: Scheme, const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    piece: Portion<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<Vec<Lane>> {
    if !sums_parts_apart(piece.outputs, x.dims.channels) {
        return vec![shared::<K, F>(x, g, piece.outputs, instructions, arena)];
    }
    let parts = piece.ranges(x.dims.blocks(), Grid::of(g.dims).tiles());
    let of_part =
        |part: usize| apart::<K, F>(x, g, piece.outputs, parts[part].clone(), (instructions, arena));
    collect(parts.len(), 1, of_part)
}

fn groups(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

/// Vectors of one tile of both operands, for so many channels of gradients.
fn tile_len<K: Scheme, const F: Factors>(x: &Blocked, outputs: usize) -> usize {
    let channels = groups(x.dims.channels) + groups(outputs);
    channels * K::POINTS * summands_of_images(F)
}

/// Vectors from one point to the next: one more than needed, or like places of all points would share a cache set.
#[inline(always)]
fn point_stride<const F: Factors>(count: usize) -> usize {
    1 + count * summands_of_images(F)
}

/// The sums over one part of the tiles, (point, output, input).
fn apart<K: Scheme, const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    all_outputs: usize,
    Tiles { start: first, end }: Tiles<usize>,
    (instructions, arena): (InstructionSet, &Arena),
) -> Vec<Lane> {
    let (inputs, outputs) = (groups(x.dims.channels), groups(g.dims.channels));
    let at_once = (OWN_TILES / tile_len::<K, F>(x, all_outputs)).clamp(2, 16);
    let mut v = arena.take(inputs * K::POINTS * point_stride::<F>(at_once));
    let mut q = arena.take(outputs * K::POINTS * point_stride::<F>(at_once));
    let mut sums = arena.take(PANELS * g.dims.channels * inputs);
    for start in (first..end).step_by(at_once) {
        let range = Range { start, count: at_once.min(end - start) };
        let (v, q, sums) = (&mut v[..], &mut q[..], &mut sums[..]);
        let (is_first, kind) = (start == first, PhantomData);
        run_with::<F, _>(instructions, Part::<K, F> { x, g, range, end, is_first, v, q, sums, kind });
    }
    arena.give(v);
    arena.give(q);
    sums
}

/// A few tiles: transformed, then multiplied, while the next ones come from memory.
struct Part<'a, K, const F: Factors> {
    x: &'a Blocked,
    g: &'a Blocked,
    range: Range,
    end: usize,
    is_first: bool,
    v: &'a mut [Lane],
    q: &'a mut [Lane],
    sums: &'a mut [Lane],
    kind: PhantomData<K>,
}

impl<K: Scheme, const F: Factors> Kernel for Part<'_, K, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, g, range, end, is_first, v, q, sums, .. } = self;
        let grid = Grid::of(g.dims);
        let group = K::POINTS * point_stride::<F>(range.count);
        let start = range.start + range.count;
        let next = Range { start, count: range.count.min(end - start) };
        let next_x = Ahead::new(x.dims, grid, K::STRIDE, next);
        let next_g = Ahead::new(g.dims, grid, 1, next);
        // SAFETY: the caller vouches for the features.
        unsafe {
            for (group, to) in v.chunks_exact_mut(group).enumerate().take(groups(x.dims.channels)) {
                let is_gradient = false;
                S::call(Spread::<K, F> { from: x, group, grid, range, to, is_gradient, kind: PhantomData });
            }
            for (group, to) in q.chunks_exact_mut(group).enumerate().take(groups(g.dims.channels)) {
                let is_gradient = true;
                S::call(Spread::<K, F> { from: g, group, grid, range, to, is_gradient, kind: PhantomData });
            }
            let each = g.dims.channels * groups(x.dims.channels);
            for (panel, out) in sums.chunks_exact_mut(each).enumerate() {
                let count = range.count;
                S::call(Product::<K, F> { x, g, v, q, panel, count, is_first, out, kind: PhantomData });
                for point in panel * K::POINTS / PANELS..(panel + 1) * K::POINTS / PANELS {
                    next_x.fetch::<S>(&x.data, &(0..x.dims.channels), point);
                    next_g.fetch::<S>(&g.data, &(0..g.dims.channels), point);
                }
            }
        }
    }
}

/// The sums over all blocks, (point, output, input).
fn shared<K: Scheme, const F: Factors>(
    x: &Blocked,
    g: &Blocked,
    all_outputs: usize,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<Lane> {
    let (inputs, outputs) = (groups(x.dims.channels), groups(g.dims.channels));
    let grid = Grid::of(g.dims);
    let tiles = grid.tiles() * x.dims.blocks();
    let most = (SHARED_TILES / tile_len::<K, F>(x, all_outputs)).clamp(4, 64);
    // Equal steps: each one reads and writes all sums, which are larger than any cache.
    let at_once = tiles.div_ceil(tiles.div_ceil(most));
    let mut v = arena.take(inputs * K::POINTS * point_stride::<F>(at_once));
    let mut q = arena.take(outputs * K::POINTS * point_stride::<F>(at_once));
    let mut sums = arena.take(PANELS * g.dims.channels * inputs);
    for start in (0..tiles).step_by(at_once) {
        let range = Range { start, count: at_once.min(tiles - start) };
        let spread = |from: &Blocked, to: &mut [Lane], is_gradient: bool| {
            // Sixteen channels at a time, so that each thread writes a group of its own: [group][point][sample].
            let group = K::POINTS * point_stride::<F>(range.count);
            for_each_part(&mut to[..groups(from.dims.channels) * group], group, |group, to| {
                let kind = PhantomData;
                run_with::<F, _>(
                    instructions,
                    Spread::<K, F> { from, group, grid, range, to, is_gradient, kind },
                );
            });
        };
        spread(x, &mut v, false);
        spread(g, &mut q, true);
        let (v, q, count, is_first) = (&v, &q, range.count, start == 0);
        for_each_part(&mut sums, g.dims.channels * inputs, |panel, out| {
            let kind = PhantomData;
            run_with::<F, _>(instructions, Product::<K, F> { x, g, v, q, panel, count, is_first, out, kind });
        });
    }
    arena.give(v);
    arena.give(q);
    sums
}

/// The sums of the points of one panel over some tiles.
struct Product<'a, K, const F: Factors> {
    x: &'a Blocked,
    g: &'a Blocked,
    v: &'a [Lane],
    q: &'a [Lane],
    panel: usize,
    count: usize,
    is_first: bool,
    out: &'a mut [Lane],
    kind: PhantomData<K>,
}

impl<K: Scheme, const F: Factors> Kernel for Product<'_, K, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, g, v, q, panel, count, mut is_first, out, .. } = self;
        let stride = K::POINTS * point_stride::<F>(count);
        let (rows, columns, samples) = (g.dims.channels, x.dims.channels, count * summands_of_images(F));
        for point in (0..K::POINTS).filter(|&point| K::panel(point) == panel) {
            let start = point * point_stride::<F>(count);
            let (a, b) = (Turned { data: &q[start..], stride }, Turned { data: &v[start..], stride });
            // SAFETY: the caller vouches for the features.
            unsafe { S::call(Inner::<F> { a, rows, b, columns, samples, is_first, out: &mut *out }) };
            is_first = false;
        }
    }
}

/// Transforms the tiles of sixteen channels and turns them.
struct Spread<'a, K, const F: Factors> {
    from: &'a Blocked,
    group: usize,
    grid: Grid,
    range: Range,
    to: &'a mut [Lane],
    is_gradient: bool,
    kind: PhantomData<K>,
}

impl<K: Scheme, const F: Factors> Kernel for Spread<'_, K, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { from, group, grid, range, to, is_gradient, .. } = self;
        let stride = point_stride::<F>(range.count);
        let channels = group * LANES..from.dims.channels.min((group + 1) * LANES);
        let mut points = [[Lane::ZERO; LANES]; MOST_POINTS];
        for t in 0..range.count {
            let (block, at) = grid.place(range.start + t);
            // SAFETY: the caller vouches for the features.
            unsafe {
                for channel in channels.clone() {
                    let plane = from.plane(block, channel);
                    let to = &mut points.as_flattened_mut()[channel % LANES..];
                    let (dims, stride, kind) = (from.dims, LANES, PhantomData::<K>);
                    if is_gradient {
                        S::call(scheme::Spread::<K, true> { plane, dims, at, to, stride, kind });
                    } else {
                        S::call(scheme::Spread::<K, false> { plane, dims, at, to, stride, kind });
                    }
                }
                for (point, rows) in points.iter().enumerate().take(K::POINTS) {
                    let mut values = [S::splat(0.0); LANES];
                    for i in 0..LANES {
                        values[i] = S::load(&rows[i]);
                    }
                    let each = summands_of_images(F);
                    gemm::turn::<S, F>(values, &mut to[point * stride + t * each..][..each]);
                }
            }
        }
    }
}

/// Folds the parts' sums, (point, output, input), to filters, (output, input, 3, 3).
pub(super) fn fold(
    matrix: &[[f32; 3]; PANEL_LINE],
    parts: &[&[Lane]],
    outputs: usize,
    inputs: usize,
    instructions: InstructionSet,
) -> Vec<f32> {
    let mut gradient = pages::zeros(outputs * inputs * 9);
    for_each_part(&mut gradient, 9 * inputs, |output, out| {
        run(instructions.for_arrays(), Fold { matrix, parts, outputs, output, columns: groups(inputs), out });
    });
    gradient
}

/// The filters of one output channel.
struct Fold<'a> {
    matrix: &'a [[f32; 3]; PANEL_LINE],
    parts: &'a [&'a [Lane]],
    outputs: usize,
    output: usize,
    columns: usize,
    out: &'a mut [f32],
}

impl Kernel for Fold<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { matrix, parts, outputs, output, columns, out } = self;
        // Sixteen filters at once: the points lie far apart, and each line of memory is to be fetched once.
        for (column, out) in out.chunks_mut(9 * LANES).enumerate() {
            let mut points = [[0.0; LANES]; PANELS];
            for (point, total) in points.iter_mut().enumerate() {
                *total = sum_of_parts(parts, (point * outputs + output) * columns + column);
            }
            let taps = fold_filters(matrix, &points);
            for (lane, filter) in out.chunks_exact_mut(9).enumerate() {
                filter.iter_mut().zip(&taps).for_each(|(to, tap)| *to = tap[lane]);
            }
        }
    }
}
