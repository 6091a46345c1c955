//! Weights transformed and packed for products on tiles: blocks of 32 outputs and 32 inputs, as pairs of bf16.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over blocks of constant size")]

use super::{
    super::{
        factors::{TILED_ROWS, TILES, run_with},
        simd::{Kernel, LANES, Lane, Path, Simd, run},
    },
    scheme::{PANEL_LINE, PANELS, transform_filters},
};

/// Halves of a block's rows and columns.
const HALVES: usize = TILED_ROWS / LANES;

/// Transformed filters of a block at one point, (output, input).
type Point = [[Lane; HALVES]; TILED_ROWS];

/// Packs the filters of one group of outputs, (output, depth, 3, 3), as `[panel][group of inputs][row][pair]`: rows are
/// outputs and pairs inputs in `panels`; the other way round in `turned`, which is empty if it is not wanted.
pub(super) fn pack(
    path: Path,
    matrix: &[[f32; 3]; PANEL_LINE],
    filters: &[f32],
    depth: usize,
    panels: &mut [u32],
    turned: &mut [u32],
) {
    let mut points = vec![[[Lane::ZERO; HALVES]; TILED_ROWS]; PANELS];
    let across = depth.div_ceil(TILED_ROWS);
    for group in 0..across {
        run(path.for_arrays(), Transform { matrix, filters, depth, group, points: &mut points });
        run_with::<TILES, _>(
            path,
            Pack { points: &points, across, group, panels: &mut *panels, turned: &mut *turned },
        );
    }
}

/// G g Gᵀ of the filters of a block; zeros where there are none.
struct Transform<'a> {
    matrix: &'a [[f32; 3]; PANEL_LINE],
    filters: &'a [f32],
    depth: usize,
    group: usize,
    points: &'a mut [Point],
}

impl Kernel for Transform<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { matrix, filters, depth, group, points } = self;
        for (row, filters) in filters.chunks_exact(depth * 9).enumerate() {
            for half in 0..HALVES {
                let first = (group * HALVES + half) * LANES;
                let mut taps = [[0.0; LANES]; 9];
                let filters = filters.get(first * 9..).unwrap_or_default().chunks_exact(9).take(LANES);
                for (lane, filter) in filters.enumerate() {
                    for tap in 0..9 {
                        taps[tap][lane] = filter[tap];
                    }
                }
                let transformed = transform_filters(matrix, &taps);
                for (point, values) in points.iter_mut().zip(transformed) {
                    point[row][half] = Lane(values);
                }
            }
        }
    }
}

/// Writes a block both ways.
struct Pack<'a> {
    points: &'a [Point],
    /// Groups of inputs, and which of them it is.
    across: usize,
    group: usize,
    panels: &'a mut [u32],
    turned: &'a mut [u32],
}

/// Pairs of a block.
const BLOCK: usize = TILED_ROWS * TILED_ROWS / 2;

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { points, across, group, panels, turned } = self;
        for (panel, point) in points.iter().enumerate() {
            let start = (panel * across + group) * BLOCK;
            let panels = &mut panels[start..][..BLOCK];
            // SAFETY: the caller vouches for the features.
            unsafe {
                for (row, to) in panels.chunks_exact_mut(LANES).enumerate() {
                    write::<S>(S::pair(S::load(&point[row][0]), S::load(&point[row][1])), to);
                }
                if !turned.is_empty() {
                    turn::<S>(point, &mut turned[start..][..BLOCK]);
                }
            }
        }
    }
}

/// Inputs as rows, pairs of outputs.
#[inline(always)]
unsafe fn turn<S: Simd>(point: &Point, turned: &mut [u32]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        for half in 0..HALVES {
            let mut outputs = [S::splat(0.0); LANES];
            for i in 0..LANES {
                outputs[i] = S::pair(S::load(&point[i][half]), S::load(&point[LANES + i][half]));
            }
            let inputs = S::transpose(outputs);
            for i in 0..LANES {
                write::<S>(inputs[i], &mut turned[(half * LANES + i) * LANES..]);
            }
        }
    }
}

/// Sixteen factors.
#[inline(always)]
unsafe fn write<S: Simd>(pairs: S::V, to: &mut [u32]) {
    let mut lane = Lane::ZERO;
    // SAFETY: the caller vouches for the features.
    unsafe { S::store(&mut lane, pairs) };
    to[..LANES].iter_mut().zip(lane.0).for_each(|(to, bits)| *to = bits.to_bits());
}
