//! The gradient of the weights: tiles of pixels and of gradients, transformed, multiplied and summed over all tiles and
//! images, then folded back to 3×3.
//!
//! | schedule | work is cut by | for |
//! |---|---|---|
//! | [`apart`] | blocks: each part has sums of its own | few channels, whose sums are small |
//! | [`shared`] | channels, then points | many channels |
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{
    super::{
        gemm::{self, Turned},
        simd::{Kernel, LANES, Lane, Path, Simd, run},
        tensor::{Arena, Blocked},
    },
    Ahead, Grid, Range,
    transform::{POINTS, fold_filters, spread_input, spread_output},
};

/// Most vectors of sums that a part has to itself.
const OWN_SUMS: usize = (3 << 20) / size_of::<Lane>();

/// Vectors of transformed tiles that a part treats at once.
const OWN_TILES: usize = (1300 << 10) / size_of::<Lane>();

/// Vectors of transformed tiles that all threads treat at once.
const SHARED_TILES: usize = (16 << 20) / size_of::<Lane>();

/// Parts that are summed apart, however many threads there are: the bits must not depend on them.
const PARTS: usize = 4;

/// The gradient of the weights, (channels of g, channels of x, 3, 3).
pub(crate) fn weight_gradient(x: &Blocked, g: &Blocked, path: Path, arena: &Arena) -> Vec<f32> {
    let (inputs, outputs) = (x.dims.channels, g.dims.channels);
    let sums = POINTS * outputs * inputs.div_ceil(LANES);
    let sums = if sums <= OWN_SUMS {
        let parts = PARTS.min(x.dims.blocks());
        (0..parts).into_par_iter().map(|part| apart(x, g, (part, parts), path, arena)).collect()
    } else {
        vec![shared(x, g, path, arena)]
    };
    let gradient = fold(&sums, outputs, inputs);
    sums.into_iter().for_each(|sums| arena.give(sums));
    gradient
}

fn groups(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

/// Vectors of one point and tile of both operands.
fn tile_len(x: &Blocked, g: &Blocked) -> usize {
    (groups(x.dims.channels) + groups(g.dims.channels)) * LANES * POINTS
}

/// Vectors from one point to the next: one more than needed, or like places of all points would share a cache set.
fn point_stride(count: usize) -> usize {
    count * LANES + 1
}

/// The sums over one part of the blocks, (point, output, input).
fn apart(x: &Blocked, g: &Blocked, part: (usize, usize), path: Path, arena: &Arena) -> Vec<Lane> {
    let (grid, blocks) = (Grid::of(x.dims), x.dims.blocks());
    let (inputs, outputs) = (groups(x.dims.channels), groups(g.dims.channels));
    let at_once = (OWN_TILES / tile_len(x, g)).clamp(2, 16);
    let first = part.0 * blocks / part.1 * grid.tiles();
    let end = (part.0 + 1) * blocks / part.1 * grid.tiles();
    let mut v = arena.take(inputs * POINTS * point_stride(at_once));
    let mut q = arena.take(outputs * POINTS * point_stride(at_once));
    let mut sums = arena.take(POINTS * g.dims.channels * inputs);
    for start in (first..end).step_by(at_once) {
        let range = Range { start, count: at_once.min(end - start) };
        let (v, q, sums) = (&mut v[..], &mut q[..], &mut sums[..]);
        run(path, Part { x, g, range, end, is_first: start == first, v, q, sums });
    }
    arena.give(v);
    arena.give(q);
    sums
}

/// A few tiles: transformed, then multiplied, while the next ones come from memory.
struct Part<'a> {
    x: &'a Blocked,
    g: &'a Blocked,
    range: Range,
    end: usize,
    is_first: bool,
    v: &'a mut [Lane],
    q: &'a mut [Lane],
    sums: &'a mut [Lane],
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, g, range, end, is_first, v, q, sums } = self;
        let group = POINTS * point_stride(range.count);
        let start = range.start + range.count;
        let next = Range { start, count: range.count.min(end - start) };
        let (next_x, next_g) = (Ahead::new(x.dims, next), Ahead::new(g.dims, next));
        // SAFETY: the caller vouches for the features.
        unsafe {
            for (group, to) in v.chunks_exact_mut(group).enumerate().take(groups(x.dims.channels)) {
                Spread { from: x, group, range, to, is_gradient: false }.run::<S>();
            }
            for (group, to) in q.chunks_exact_mut(group).enumerate().take(groups(g.dims.channels)) {
                Spread { from: g, group, range, to, is_gradient: true }.run::<S>();
            }
            let each = g.dims.channels * groups(x.dims.channels);
            for (point, out) in sums.chunks_exact_mut(each).enumerate() {
                Product { x, g, v, q, point, count: range.count, is_first, out }.run::<S>();
                next_x.fetch::<S>(&x.data, &(0..x.dims.channels), point);
                next_g.fetch::<S>(&g.data, &(0..g.dims.channels), point);
            }
        }
    }
}

/// The sums over all blocks, (point, output, input).
fn shared(x: &Blocked, g: &Blocked, path: Path, arena: &Arena) -> Vec<Lane> {
    let (inputs, outputs) = (groups(x.dims.channels), groups(g.dims.channels));
    let tiles = Grid::of(x.dims).tiles() * x.dims.blocks();
    let at_once = (SHARED_TILES / tile_len(x, g)).clamp(4, 64).min(tiles);
    let mut v = arena.take(inputs * POINTS * point_stride(at_once));
    let mut q = arena.take(outputs * POINTS * point_stride(at_once));
    let mut sums = arena.take(POINTS * g.dims.channels * inputs);
    for start in (0..tiles).step_by(at_once) {
        let range = Range { start, count: at_once.min(tiles - start) };
        let spread = |from: &Blocked, to: &mut [Lane], is_gradient: bool| {
            // Sixteen channels at a time, so that each thread writes a group of its own: [group][point][sample].
            let group = POINTS * point_stride(range.count);
            to[..groups(from.dims.channels) * group]
                .par_chunks_mut(group)
                .enumerate()
                .for_each(|(group, to)| run(path, Spread { from, group, range, to, is_gradient }));
        };
        spread(x, &mut v, false);
        spread(g, &mut q, true);
        let (v, q, count, is_first) = (&v, &q, range.count, start == 0);
        sums.par_chunks_mut(g.dims.channels * inputs)
            .enumerate()
            .for_each(|(point, out)| run(path, Product { x, g, v, q, point, count, is_first, out }));
    }
    arena.give(v);
    arena.give(q);
    sums
}

/// The sums of one point over some tiles.
struct Product<'a> {
    x: &'a Blocked,
    g: &'a Blocked,
    v: &'a [Lane],
    q: &'a [Lane],
    point: usize,
    count: usize,
    is_first: bool,
    out: &'a mut [Lane],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, g, v, q, point, count, is_first, out } = self;
        let (start, stride) = (point * point_stride(count), POINTS * point_stride(count));
        let (a, b) = (Turned { data: &q[start..], stride }, Turned { data: &v[start..], stride });
        let (rows, columns, samples) = (g.dims.channels, x.dims.channels, count * LANES);
        // SAFETY: the caller vouches for the features.
        unsafe { gemm::inner::<S>(a, rows, b, columns, samples, is_first, out) }
    }
}

/// Transforms the tiles of sixteen channels and turns them.
struct Spread<'a> {
    from: &'a Blocked,
    group: usize,
    range: Range,
    to: &'a mut [Lane],
    is_gradient: bool,
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { from, group, range, to, is_gradient } = self;
        let (grid, stride) = (Grid::of(from.dims), point_stride(range.count));
        let mut points = [[Lane::ZERO; LANES]; POINTS];
        let channels = group * LANES..from.dims.channels.min((group + 1) * LANES);
        for t in 0..range.count {
            let (block, at) = grid.place(range.start + t);
            // SAFETY: the caller vouches for the features.
            unsafe {
                for channel in channels.clone() {
                    let plane = from.plane(block, channel);
                    let to = &mut points.as_flattened_mut()[channel % LANES..];
                    if is_gradient {
                        spread_output::<S>(plane, from.dims, at, to, LANES);
                    } else {
                        spread_input::<S>(plane, from.dims, at, to, LANES);
                    }
                }
                for (point, rows) in points.iter().enumerate() {
                    let mut values = [S::splat(0.0); LANES];
                    for i in 0..LANES {
                        values[i] = S::load(&rows[i]);
                    }
                    gemm::turn::<S>(values, &mut to[point * stride + t * LANES..][..LANES]);
                }
            }
        }
    }
}

/// Folds the parts' sums, (point, output, input), to filters, (output, input, 3, 3).
fn fold(parts: &[Vec<Lane>], outputs: usize, inputs: usize) -> Vec<f32> {
    let columns = groups(inputs);
    let mut out = vec![0.0; outputs * inputs * 9];
    out.par_chunks_mut(9 * inputs).enumerate().for_each(|(output, out)| {
        // Sixteen filters at once: the points lie far apart, and each line of memory is to be fetched once.
        for (column, out) in out.chunks_mut(9 * LANES).enumerate() {
            let points = std::array::from_fn(|point| sum(parts, (point * outputs + output) * columns + column));
            let taps = fold_filters(&points);
            for (lane, filter) in out.chunks_exact_mut(9).enumerate() {
                filter.iter_mut().zip(&taps).for_each(|(to, tap)| *to = tap[lane]);
            }
        }
    });
    out
}

fn sum(parts: &[Vec<Lane>], at: usize) -> [f32; LANES] {
    let mut total = parts[0][at].0;
    for part in &parts[1..] {
        total.iter_mut().zip(part[at].0).for_each(|(total, value)| *total += value);
    }
    total
}
