//! Weights transformed and packed for products on tiles: blocks of 32 outputs and 32 inputs, as pairs of bf16.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over blocks of constant size")]

use super::{
    super::{
        factors::{Factors, TILED_ROWS, parts, run_with},
        simd::{Kernel, LANES, Lane, Path, Simd, run},
    },
    product::split,
    scheme::{PANEL_LINE, PANELS, transform_filters},
};

/// Halves of a block's rows and columns.
const HALVES: usize = TILED_ROWS / LANES;

/// Transformed filters of a block at one point, (output, input).
type Point = [[Lane; HALVES]; TILED_ROWS];

/// Packs the filters of one group of outputs, (output, depth, 3, 3), as `[panel][group of inputs][part][row][pair]`: rows are
/// outputs and pairs inputs in `panels`; the other way round in `turned`, which is empty if it is not wanted.
pub(super) fn pack<const F: Factors>(
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
        run_with::<F, _>(path, Pack::<F> { points: &points, across, group, panels: &mut *panels, turned: &mut *turned });
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

/// Splits a block and writes it both ways.
struct Pack<'a, const F: Factors> {
    points: &'a [Point],
    /// Groups of inputs, and which of them it is.
    across: usize,
    group: usize,
    panels: &'a mut [u32],
    turned: &'a mut [u32],
}

/// Factors of one part of a block.
const PART: usize = TILED_ROWS * TILED_ROWS / 2;

impl<const F: Factors> Kernel for Pack<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { points, across, group, panels, turned } = self;
        for (panel, point) in points.iter().enumerate() {
            let start = (panel * across + group) * parts(F) * PART;
            let panels = &mut panels[start..][..parts(F) * PART];
            // SAFETY: the caller vouches for the features.
            unsafe {
                for row in 0..TILED_ROWS {
                    let pairs = split::<S, F>([S::load(&point[row][0]), S::load(&point[row][1])]);
                    for part in 0..parts(F) {
                        write::<S>(pairs[part], &mut panels[part * PART + row * LANES..]);
                    }
                }
                if !turned.is_empty() {
                    turn::<S, F>(point, &mut turned[start..][..parts(F) * PART]);
                }
            }
        }
    }
}

/// Inputs as rows, pairs of outputs.
#[inline(always)]
unsafe fn turn<S: Simd, const F: Factors>(point: &Point, turned: &mut [u32]) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        for half in 0..HALVES {
            let mut rows = [[S::splat(0.0); LANES]; 3];
            for output in 0..LANES {
                let pairs = split::<S, F>([S::load(&point[output][half]), S::load(&point[LANES + output][half])]);
                for part in 0..parts(F) {
                    rows[part][output] = pairs[part];
                }
            }
            for part in 0..parts(F) {
                let inputs = S::transpose(rows[part]);
                for input in 0..LANES {
                    write::<S>(inputs[input], &mut turned[part * PART + (half * LANES + input) * LANES..]);
                }
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
