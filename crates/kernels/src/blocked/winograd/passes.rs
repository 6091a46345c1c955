//! The forward pass and its adjoint, the input gradient: transform tiles, multiply point by point, transform back.
//!
//! | schedule | work is cut by | for |
//! |---|---|---|
//! | [`fused`] | groups of blocks, a few tiles at a time: everything but the weights stays in a core's own cache | few channels, blocks for all threads |
//! | [`wide`] | channels, then points, then channels again, many tiles at a time: weights are streamed once for all tiles | many channels, few blocks |
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::{
    super::{
        epilogue::{self, Epilogue},
        factors::{FULL, Factors, PAIRS, run_with, values_a_summand},
        simd::{InstructionSet, Kernel, Lane, Simd, run},
        tensor::{Arena, Blocked, Dims, Mask},
    },
    ahead::Ahead,
    grid::{Grid, Range},
    pass::Pass,
    product::{Depths, Panels, Product},
    scheme::{PANELS, Place, Scheme, TILE},
    weights::Transformed,
};
use crate::parallel::{for_each_part, for_each_part_and};

/// The tiles of a pass: they are tiles of results, whether these go in or come out.
#[inline(always)]
fn grid<P: Pass>(from: Dims, to: Dims) -> Grid {
    Grid::of(if P::TURNED { from } else { to })
}

/// Vectors of transformed tiles that a core's own cache holds beside a stream of weights, with ease and at most.
const OWN_CACHE: usize = (640 << 10) / size_of::<Lane>();
const MOST_OF_OWN_CACHE: usize = (900 << 10) / size_of::<Lane>();

/// Vectors of transformed tiles that the cores' common cache holds.
const COMMON_CACHE: usize = (16 << 20) / size_of::<Lane>();

/// From what goes in to planes of size `to`.
pub(super) fn convolve<P: Pass>(
    x: &Blocked,
    weights: &Transformed,
    to: Dims,
    epilogue: Option<Epilogue<'_>>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Mask>) {
    let channels = if P::TURNED { (weights.rows, weights.depth) } else { (weights.depth, weights.rows) };
    assert_eq!(channels, (x.dims.channels, to.channels), "channels of weights and planes");
    let mut y = arena.blocked(to);
    let mut mask = epilogue.filter(|epilogue| epilogue.relu).map(|_| arena.take_mask(to.len()));
    let out = (&mut y, &mut mask);
    match weights.factors {
        FULL => either::<P, FULL>(x, weights, epilogue, out, instructions, arena),
        _ => either::<P, PAIRS>(x, weights, epilogue, out, instructions, arena),
    }
    (y, mask)
}

/// By the schedule that suits.
fn either<P: Pass, const F: Factors>(
    x: &Blocked,
    weights: &Transformed,
    epilogue: Option<Epilogue<'_>>,
    out: (&mut Blocked, &mut Option<Mask>),
    instructions: InstructionSet,
    arena: &Arena,
) {
    let padded = x.dims.channels.next_multiple_of(instructions.rows());
    let tile = P::POINTS * padded / values_a_summand(F);
    let few = few_tiles::<P>(tile).filter(|&tiles| has_work_for_all::<P>(x.dims, out.0.dims, tiles));
    match few {
        Some(tiles) => fused::<P, F>(x, weights, epilogue, out, tiles, instructions, arena),
        None => wide::<P, F>(x, weights, epilogue, out, instructions, arena),
    }
}

/// Whether there are groups of blocks for all threads. Both schedules add the same numbers in the same order, so that the bits do not
/// depend on it.
fn has_work_for_all<P: Pass>(from: Dims, to: Dims, at_once: usize) -> bool {
    to.blocks().div_ceil(together::<P>(from, to, at_once)) >= rayon::current_num_threads()
}

/// Small images: several blocks go together, so that tiles fill the registers.
fn together<P: Pass>(from: Dims, to: Dims, at_once: usize) -> usize {
    at_once.div_ceil(grid::<P>(from, to).tiles()).min(to.blocks().div_ceil(2)).max(1)
}

/// How many tiles of so many vectors a core's own cache holds, if that is worth it.
fn few_tiles<P: Pass>(tile: usize) -> Option<usize> {
    let fits = |tiles: &usize| tiles * tile <= MOST_OF_OWN_CACHE;
    // Three fill the registers; two do nearly as well. One does where a stream of weights serves several points.
    let least = if P::POINTS > PANELS { 1 } else { 2 };
    [(OWN_CACHE / tile / 3 * 3).clamp(3, 12), 2, 1].into_iter().filter(|&tiles| tiles >= least).find(fits)
}

/// A few tiles at a time, groups of blocks in parallel.
#[allow(clippy::too_many_arguments, reason = "what goes in, what comes out, and how")]
fn fused<P: Pass, const F: Factors>(
    x: &Blocked,
    weights: &Transformed,
    epilogue: Option<Epilogue<'_>>,
    (y, mask): (&mut Blocked, &mut Option<Mask>),
    at_once: usize,
    instructions: InstructionSet,
    arena: &Arena,
) {
    let (dims, grid, group) = (y.dims, grid::<P>(x.dims, y.dims), instructions.rows());
    let together = together::<P>(x.dims, dims, at_once);
    let chunk = together * dims.block_len();
    let masks = Mask::chunks(mask, chunk, dims.blocks().div_ceil(together));
    for_each_part_and(&mut y.data, chunk, masks, 1, |index, out, mut mask| {
        let first_block = index * together;
        let end = (first_block + out.len() / dims.block_len()) * grid.tiles();
        let depths = Depths::new::<F>(instructions.rows(), x.dims.channels, P::POINTS, at_once);
        let mut v = arena.take(depths.len());
        let mut m = arena.take(P::POINTS * (group * at_once + 1));
        for start in (first_block * grid.tiles()..end).step_by(at_once) {
            let range = Range { start, count: at_once.min(end - start) };
            let (v, m, out, mask) = (&mut v[..], &mut m[..], &mut *out, mask.as_deref_mut());
            let places = Places { first_block, dims, range, end };
            let job = FusedJob::<P, F> { x, weights, epilogue, out, mask, places, v, m, pass: PhantomData };
            run_with::<F, _>(instructions, job);
        }
        arena.give(v);
        arena.give(m);
    });
}

/// Which tiles a job treats.
#[derive(Clone, Copy)]
struct Places {
    /// The block that `out` begins with.
    first_block: usize,
    dims: Dims,
    range: Range,
    /// The last tile of the thread's share.
    end: usize,
}

struct FusedJob<'a, P, const F: Factors> {
    x: &'a Blocked,
    weights: &'a Transformed,
    epilogue: Option<Epilogue<'a>>,
    out: &'a mut [Lane],
    mask: Option<&'a mut [u16]>,
    places: Places,
    v: &'a mut [Lane],
    m: &'a mut [Lane],
    pass: PhantomData<P>,
}

impl<P: Pass, const F: Factors> Kernel for FusedJob<'_, P, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, weights, epilogue, out, mut mask, places, v, m, .. } = self;
        let Places { first_block, dims, range, end } = places;
        let (grid, count) = (grid::<P>(x.dims, dims), range.count);
        let depths = Depths::new::<F>(S::ROWS, x.dims.channels, P::POINTS, count);
        let group = S::ROWS;
        let stride = group * count + 1;
        let stride_in_planes = P::Kind::STRIDE;
        let strides = if P::TURNED { (1, stride_in_planes) } else { (stride_in_planes, 1) };
        let start = range.start + count;
        let next = Ahead::new(x.dims, grid, strides.0, Range { start, count: count.min(end - start) });
        let here = Ahead::new(
            dims,
            grid,
            strides.1,
            Range { start: range.start - first_block * grid.tiles(), count },
        );
        let ahead = x.dims.channels.div_ceil(dims.channels.div_ceil(group));
        // SAFETY: the caller vouches for the features.
        unsafe {
            for (index, v) in v.chunks_exact_mut(depths.group_stride).enumerate().take(depths.groups()) {
                spread_group::<S, P, F>(x, index, grid, range, v, depths);
            }
            for first in (0..dims.channels).step_by(group) {
                let rows = first..dims.channels.min(first + group);
                let channels = first / group * ahead..x.dims.channels.min((first / group + 1) * ahead);
                for point in 0..P::POINTS {
                    let to = &mut m[point * stride..][..group * count];
                    let weights = panels::<S, P, F>(weights, first, point);
                    S::call(Product::<F> { weights, v, depths, point, out: to });
                    next.fetch::<S>(&x.data, &channels, point);
                    here.fetch::<S>(out, &rows, point);
                }
                for row in 0..group.min(dims.channels - first) {
                    for t in 0..count {
                        let (block, at) = grid.place(range.start + t);
                        let start = ((block - first_block) * dims.channels + first + row) * dims.pixels();
                        let plane = &mut out[start..][..dims.pixels()];
                        P::gather::<S>(&m[row * count + t..], stride, plane, dims, at);
                        if let Some(epilogue) = epilogue {
                            let mask = mask.as_deref_mut().map(|mask| &mut mask[start..][..dims.pixels()]);
                            finish_tile::<S>(epilogue, (block, first + row), plane, mask, dims, at);
                        }
                    }
                }
            }
        }
    }
}

/// Finishes the results of a tile of a plane, while they are in the nearest cache.
#[inline(always)]
unsafe fn finish_tile<S: Simd>(
    epilogue: Epilogue<'_>,
    (block, channel): (usize, usize),
    plane: &mut [Lane],
    mut mask: Option<&mut [u16]>,
    dims: Dims,
    at: Place,
) {
    let residual = epilogue.residual.map(|residual| residual.plane(block, channel));
    let width = TILE.min(dims.width - at.column);
    for row in at.row..dims.height.min(at.row + TILE) {
        let line = row * dims.width + at.column..row * dims.width + at.column + width;
        let residual = residual.map(|residual| &residual[line.clone()]);
        let mask = mask.as_deref_mut().map(|mask| &mut mask[line.clone()]);
        // SAFETY: the caller vouches for the features.
        unsafe { epilogue::epilogue_values::<S>(&mut plane[line], residual, epilogue.shift[channel], mask) };
    }
}

/// Most points that a tile has.
const MOST_POINTS: usize = 81;

/// The tiles of a group of channels, to points.
#[inline(always)]
unsafe fn spread_group<S: Simd, P: Pass, const F: Factors>(
    x: &Blocked,
    group: usize,
    grid: Grid,
    range: Range,
    to: &mut [Lane],
    depths: Depths,
) {
    let mut points = [[Lane::ZERO; MOST_POINTS]; 2];
    for summand in 0..depths.summands_of_group() {
        let channels = depths.channels_of(group, summand);
        if channels[0] < x.dims.channels {
            let to = &mut to[summand * depths.count..];
            // SAFETY: the caller vouches for the features.
            unsafe { spread_summand::<S, P, F>(x, channels, grid, range, to, depths, &mut points) };
        }
    }
}

/// The tiles of one channel, or those of a pair, to points; zeros for channels that are not there. `points` are for use meanwhile.
#[allow(clippy::too_many_arguments, reason = "what goes in, what comes out, and how")]
#[inline(always)]
unsafe fn spread_summand<S: Simd, P: Pass, const F: Factors>(
    x: &Blocked,
    channels: [usize; 2],
    grid: Grid,
    range: Range,
    to: &mut [Lane],
    depths: Depths,
    points: &mut [[Lane; MOST_POINTS]; 2],
) {
    for t in 0..range.count {
        let (block, at) = grid.place(range.start + t);
        let to = &mut to[t..];
        // SAFETY: the caller vouches for the features.
        unsafe {
            if F == FULL {
                P::spread::<S>(x.plane(block, channels[0]), x.dims, at, to, depths.point_stride);
                continue;
            }
            for (channel, points) in channels.into_iter().zip(&mut *points) {
                if channel < x.dims.channels {
                    P::spread::<S>(x.plane(block, channel), x.dims, at, points, 1);
                } else {
                    points[..P::POINTS].fill(Lane::ZERO);
                }
            }
            for point in 0..P::POINTS {
                let pair = S::pair(S::load(&points[0][point]), S::load(&points[1][point]));
                S::store(&mut to[point * depths.point_stride], pair);
            }
        }
    }
}

/// The weights that give the channels from `first` on at a point.
#[inline(always)]
fn panels<S: Simd, P: Pass, const F: Factors>(
    weights: &Transformed,
    first: usize,
    point: usize,
) -> Panels<'_> {
    let panel = P::Kind::panel(point);
    let together = values_a_summand(F);
    let group = PANELS * weights.padded_depth * S::ROWS / together;
    if P::TURNED {
        let data = if F == PAIRS { &weights.turned } else { &weights.data };
        let start = (panel * weights.padded_depth + first) * S::ROWS / together;
        Panels { data: &data[start..], stride: group, is_turned: true }
    } else {
        let start = first / S::ROWS * group + panel * weights.padded_depth * S::ROWS / together;
        Panels { data: &weights.data[start..], stride: S::ROWS * S::ROWS / together, is_turned: false }
    }
}

/// Many tiles at a time: all cores share them.
fn wide<P: Pass, const F: Factors>(
    x: &Blocked,
    weights: &Transformed,
    epilogue: Option<Epilogue<'_>>,
    (y, mask): (&mut Blocked, &mut Option<Mask>),
    instructions: InstructionSet,
    arena: &Arena,
) {
    let (dims, grid, group) = (y.dims, grid::<P>(x.dims, y.dims), instructions.rows());
    let channels = x.dims.channels.max(dims.channels).next_multiple_of(group);
    let tiles = grid.tiles() * dims.blocks();
    let at_once = (COMMON_CACHE / (P::POINTS * channels) / 4 * 4).clamp(4, 24).min(tiles);
    let padded = dims.channels.next_multiple_of(group);
    let all = |count: usize| Depths::new::<F>(instructions.rows(), x.dims.channels, P::POINTS, count);
    let mut v = arena.take(all(at_once).len());
    let mut m = arena.take(P::POINTS * (padded * at_once + 1));
    for start in (0..tiles).step_by(at_once) {
        let range = Range { start, count: at_once.min(tiles - start) };
        let depths = all(range.count);
        for_each_part(&mut v[..depths.len()], depths.group_stride, |group, to| {
            let job = SpreadJob::<P, F> { x, group, grid, range, depths, to, pass: PhantomData };
            run_with::<F, _>(instructions, job);
        });
        let stride = padded * range.count + 1;
        for_each_part(&mut m[..P::POINTS * stride], stride, |point, m| {
            let job = ProductJob::<P, F> { weights, v: &v, depths, point, m, pass: PhantomData };
            run_with::<F, _>(instructions, job);
        });
        let first = grid.place(start).0 * dims.channels;
        let end = (grid.place(start + range.count - 1).0 + 1) * dims.channels;
        let planes = &mut y.data[first * dims.pixels()..end * dims.pixels()];
        let masks = Mask::chunks(mask, dims.pixels(), dims.blocks() * dims.channels);
        let masks = masks.into_iter().skip(first).take(end - first).collect();
        for_each_part_and(planes, dims.pixels(), masks, 1, |index, plane, mask| {
            let (index, pass) = (first + index, PhantomData);
            let m = &m;
            run(
                instructions,
                GatherJob::<P> { m, stride, epilogue, dims, grid, range, index, plane, mask, pass },
            );
        });
    }
    arena.give(v);
    arena.give(m);
}

/// Tiles of a group of channels, to points.
struct SpreadJob<'a, P, const F: Factors> {
    x: &'a Blocked,
    group: usize,
    grid: Grid,
    range: Range,
    depths: Depths,
    to: &'a mut [Lane],
    pass: PhantomData<P>,
}

impl<P: Pass, const F: Factors> Kernel for SpreadJob<'_, P, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, group, grid, range, depths, to, .. } = self;
        let (first, end) = (range.start, range.start + range.count);
        let mut start = first;
        // Block by block: the planes of a block lie side by side in memory.
        while start < end {
            let count = (start / grid.tiles() + 1) * grid.tiles() - start;
            let here = Range { start, count: count.min(end - start) };
            // SAFETY: the caller vouches for the features.
            unsafe { spread_group::<S, P, F>(x, group, grid, here, &mut to[start - first..], depths) };
            start += here.count;
        }
    }
}

/// All channels of a point.
struct ProductJob<'a, P, const F: Factors> {
    weights: &'a Transformed,
    v: &'a [Lane],
    depths: Depths,
    point: usize,
    m: &'a mut [Lane],
    pass: PhantomData<P>,
}

impl<P: Pass, const F: Factors> Kernel for ProductJob<'_, P, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { weights, v, depths, point, m, .. } = self;
        let rows = S::ROWS;
        for (group, to) in m.chunks_exact_mut(rows * depths.count).enumerate() {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let weights = panels::<S, P, F>(weights, group * rows, point);
                S::call(Product::<F> { weights, v, depths, point, out: to });
            }
        }
    }
}

/// The tiles of one plane, back from points.
struct GatherJob<'a, P> {
    m: &'a [Lane],
    stride: usize,
    epilogue: Option<Epilogue<'a>>,
    dims: Dims,
    grid: Grid,
    range: Range,
    index: usize,
    plane: &'a mut [Lane],
    mask: Option<&'a mut [u16]>,
    pass: PhantomData<P>,
}

impl<P: Pass> Kernel for GatherJob<'_, P> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { m, stride, epilogue, dims, grid, range, index, plane, mut mask, .. } = self;
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let first = range.start.max(block * grid.tiles());
        for tile in first..(range.start + range.count).min((block + 1) * grid.tiles()) {
            let m = &m[channel * range.count + tile - range.start..];
            let at = grid.place(tile).1;
            // SAFETY: the caller vouches for the features.
            unsafe {
                P::gather::<S>(m, stride, plane, dims, at);
                if let Some(epilogue) = epilogue {
                    finish_tile::<S>(epilogue, (block, channel), plane, mask.as_deref_mut(), dims, at);
                }
            }
        }
    }
}
