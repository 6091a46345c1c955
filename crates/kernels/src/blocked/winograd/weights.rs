//! Weights transformed and packed once, for the forward pass and the input gradient alike.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over taps and lanes")]

use super::{
    super::factors::{FULL, Factors, PAIRS, values_a_summand},
    super::simd::{InstructionSet, Kernel, LANES, Simd, pair_bits, run},
    scheme::{PANEL_LINE, PANELS, Scheme, transform_filters},
    strided::Strided,
    unit::Unit,
};
use crate::parallel::for_each_part_and;

/// Filters G g Gᵀ as `[row group][panel][depth][row]`: rows are output channels in groups of [`Simd::ROWS`], depth is
/// the input channels, both filled up with zeros.
///
/// In bf16 two values that are summed over stand side by side: input channels for the forward pass, output channels for the
/// input gradient, so that each needs its own.
#[derive(Debug)]
pub(crate) struct Transformed {
    /// Pixels from one result to the next.
    pub(super) stride: usize,
    /// Bits of f32; or of pairs, `[row group][panel][pair of depths][row]`.
    pub(super) data: Vec<u32>,
    /// In bf16: bits of pairs, `[row group][panel][depth][pair of rows]`, empty where no input gradient is wanted.
    pub(super) turned: Vec<u32>,
    /// Output channels.
    pub(super) rows: usize,
    /// Input channels.
    pub(super) depth: usize,
    /// Input channels, filled up to whole groups.
    pub(super) padded_depth: usize,
    /// What is multiplied.
    pub(super) factors: Factors,
    has_turned: bool,
}

impl Transformed {
    /// Weights to be filled.
    pub(crate) fn new(
        [rows, depth]: [usize; 2],
        stride: usize,
        factors: Factors,
        with_input_gradient: bool,
    ) -> Self {
        let has_turned = factors != FULL && with_input_gradient;
        let (data, turned) = (Vec::new(), Vec::new());
        Self { stride, data, turned, rows, depth, padded_depth: depth, factors, has_turned }
    }

    /// Transforms the filters, (rows, depth, 3, 3).
    pub(crate) fn fill(&mut self, instructions: InstructionSet, filters: &[f32]) {
        let (group, rows, depth) = (instructions.rows(), self.rows, self.depth);
        let padded_depth = depth.next_multiple_of(group);
        self.padded_depth = padded_depth;
        let panel = PANELS * padded_depth * group / values_a_summand(self.factors);
        let groups = rows.div_ceil(group);
        self.data.resize(groups * panel, 0);
        self.turned.resize(if self.has_turned { groups * panel } else { 0 }, 0);
        let matrix = if self.stride == 1 { &Unit::G } else { &Strided::G };
        let (arrays, is_paired) = (instructions.for_arrays(), self.factors == PAIRS);
        let mut turned: Vec<&mut [u32]> = self.turned.chunks_mut(panel).collect();
        turned.resize_with(groups, Default::default);
        for_each_part_and(&mut self.data, panel, turned, 1, |index, panel, turned| {
            let first = index * group;
            let filters = &filters[first * depth * 9..rows.min(first + group) * depth * 9];
            match group {
                8 => {
                    run(arrays, Pack::<8> { matrix, panel, turned, is_paired, filters, depth, padded_depth });
                }
                _ => {
                    run(arrays, Pack::<4> { matrix, panel, turned, is_paired, filters, depth, padded_depth });
                }
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
    panel: &'a mut [u32],
    /// Empty if it is not wanted.
    turned: &'a mut [u32],
    is_paired: bool,
    filters: &'a [f32],
    depth: usize,
    padded_depth: usize,
}

impl<const R: usize> Kernel for Pack<'_, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { matrix, panel, turned, is_paired, filters, depth, padded_depth } = self;
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
            for (point, values) in together.iter_mut().enumerate() {
                let to = (point * padded_depth + start) * R;
                let values = &mut values[..count.next_multiple_of(2) * R];
                values[count * R..].fill(0.0);
                if is_paired {
                    write_depth_pairs::<R>(values, &mut panel[to / 2..]);
                    if !turned.is_empty() {
                        write_row_pairs(&values[..count * R], &mut turned[to / 2..]);
                    }
                } else {
                    panel[to..]
                        .iter_mut()
                        .zip(&values[..count * R])
                        .for_each(|(to, value)| *to = value.to_bits());
                }
            }
        }
    }
}

/// [depth][row] to [pair of depths][row].
#[inline(always)]
fn write_depth_pairs<const R: usize>(values: &[f32], to: &mut [u32]) {
    for (values, to) in values.chunks_exact(2 * R).zip(to.chunks_exact_mut(R)) {
        let (first, second) = values.split_at(R);
        for row in 0..R {
            to[row] = pair_bits(first[row], second[row]);
        }
    }
}

/// [depth][row] to [depth][pair of rows].
#[inline(always)]
fn write_row_pairs(values: &[f32], to: &mut [u32]) {
    for (values, to) in values.chunks_exact(2).zip(to) {
        *to = pair_bits(values[0], values[1]);
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
