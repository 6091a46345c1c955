//! Weights transformed and packed once, for the forward pass and the input gradient alike.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over taps and lanes")]

use rayon::prelude::*;

use super::{
    super::simd::{Kernel, LANES, Path, Simd, run},
    scheme::{PANEL_LINE, PANELS, Scheme, transform_filters},
    strided::Strided,
    unit::Unit,
};

/// Filters G g Gᵀ as `[row group][panel][depth][row]`: rows are output channels in groups of [`Simd::ROWS`], depth is
/// the input channels, both filled up with zeros.
#[derive(Debug)]
pub(crate) struct Transformed {
    /// Pixels from one result to the next.
    pub(super) stride: usize,
    pub(super) data: Vec<f32>,
    /// Output channels.
    pub(super) rows: usize,
    /// Input channels.
    pub(super) depth: usize,
    /// Input channels, filled up to whole groups.
    pub(super) padded_depth: usize,
}

impl Transformed {
    /// Weights to be filled.
    pub(crate) fn new(rows: usize, depth: usize, stride: usize) -> Self {
        Self { stride, data: Vec::new(), rows, depth, padded_depth: depth }
    }

    /// Transforms the filters, (rows, depth, 3, 3).
    pub(crate) fn fill(&mut self, path: Path, filters: &[f32]) {
        let (group, rows, depth) = (path.rows(), self.rows, self.depth);
        self.padded_depth = depth.next_multiple_of(group);
        let panel = PANELS * self.padded_depth * group;
        self.data.resize(rows.div_ceil(group) * panel, 0.0);
        let path = path.for_arrays();
        let matrix = if self.stride == 1 { &Unit::G } else { &Strided::G };
        self.data.par_chunks_mut(panel).enumerate().for_each(|(index, panel)| {
            let first = index * group;
            let filters = &filters[first * depth * 9..rows.min(first + group) * depth * 9];
            let padded_depth = self.padded_depth;
            match group {
                8 => run(path, Pack::<8> { matrix, panel, filters, depth, padded_depth }),
                _ => run(path, Pack::<4> { matrix, panel, filters, depth, padded_depth }),
            }
        });
    }
}

/// Filters of a row that are packed together.
const AT_ONCE: usize = 16;

/// Most rows that a group has.
const MOST_ROWS: usize = 8;

/// Transforms the filters of one group of rows.
struct Pack<'a, const R: usize> {
    matrix: &'a [[f32; 3]; PANEL_LINE],
    panel: &'a mut [f32],
    filters: &'a [f32],
    depth: usize,
    padded_depth: usize,
}

impl<const R: usize> Kernel for Pack<'_, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { matrix, panel, filters, depth, padded_depth } = self;
        // Points lie far apart and at like distances: written one by one they would evict each other from the cache.
        let mut together = [[0.0; AT_ONCE * MOST_ROWS]; PANELS];
        for start in (0..depth).step_by(AT_ONCE) {
            let count = AT_ONCE.min(depth - start);
            for k in (0..count).step_by(LANES / R) {
                let points = transform_filters(matrix, &lanes::<R>(filters, depth, start + k));
                for (together, values) in together.iter_mut().zip(&points) {
                    together[k * R..][..LANES].copy_from_slice(values);
                }
            }
            for (point, values) in together.iter().enumerate() {
                let to = (point * padded_depth + start) * R;
                panel[to..to + count * R].copy_from_slice(&values[..count * R]);
            }
        }
    }
}

/// As many filters of each row as fill the lanes, from `first` on, tap by tap: rows side by side as in the panel.
#[inline(always)]
fn lanes<const R: usize>(filters: &[f32], depth: usize, first: usize) -> [[f32; LANES]; 9] {
    let mut taps = [[0.0; LANES]; 9];
    for (row, filters) in filters.chunks_exact(depth * 9).enumerate() {
        let filters = filters[first * 9..].chunks_exact(9).take(LANES / R);
        for (k, filter) in filters.enumerate() {
            for tap in 0..9 {
                taps[tap][k * R + row] = filter[tap];
            }
        }
    }
    taps
}
