//! What Winograd's algorithm is made of, and what its two kinds have in common.
#![allow(unsafe_code)]

use super::super::{
    simd::{LANES, Lane, Simd},
    tensor::Dims,
};

/// Rows and columns of results that a tile gives.
pub(super) const TILE: usize = 4;

/// Panels on a line: points that have weights of their own.
pub(super) const PANEL_LINE: usize = 6;

/// Panels of transformed weights.
pub(super) const PANELS: usize = PANEL_LINE * PANEL_LINE;

/// Where the results of a tile begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Place {
    /// Whether all results of the tile lie in the plane.
    #[inline(always)]
    pub(super) fn is_whole(self, dims: Dims) -> bool {
        self.row + TILE <= dims.height && self.column + TILE <= dims.width
    }
}

/// A kind of the algorithm: y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A on tiles, and its adjoints. Points go `stride` vectors apart.
///
/// # Safety
/// Of all methods: the processor has the features of `S`.
pub(super) trait Scheme: Sync {
    /// Pixels from one result to the next.
    const STRIDE: usize;
    /// Pixels on a line of a tile, and points on a line.
    const LINE: usize;
    /// Points of a transformed tile.
    const POINTS: usize = Self::LINE * Self::LINE;
    /// The matrix that transforms weights.
    const G: [[f32; 3]; PANEL_LINE];

    /// The panel of weights that a point takes.
    fn panel(point: usize) -> usize;

    /// Bᵀ d B of the pixels of a tile, zeros beyond the edges.
    unsafe fn spread_input<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize);

    /// Adds B r Bᵀ to the pixels of a tile: the adjoint of [`Scheme::spread_input`]. Tiles of a plane come row by row:
    /// what no earlier tile has reached is overwritten.
    unsafe fn gather_input<S: Simd>(r: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place);

    /// Aᵀ m A into the results of a tile, as far as they lie in the plane.
    unsafe fn gather_output<S: Simd>(m: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place);

    /// A g Aᵀ of the gradients of a tile, zeros beyond the edges: the adjoint of [`Scheme::gather_output`].
    unsafe fn spread_output<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize);
}

/// G g Gᵀ of sixteen filters side by side.
#[inline(always)]
pub(super) fn transform_filters(
    matrix: &[[f32; 3]; PANEL_LINE],
    g: &[[f32; LANES]; 9],
) -> [[f32; LANES]; PANELS] {
    let mut half = [[0.0; LANES]; 3 * PANEL_LINE];
    for (i, w) in matrix.iter().enumerate() {
        for j in 0..3 {
            for lane in 0..LANES {
                half[i * 3 + j][lane] = w[0] * g[j][lane] + w[1] * g[3 + j][lane] + w[2] * g[6 + j][lane];
            }
        }
    }
    let mut out = [[0.0; LANES]; PANELS];
    for i in 0..PANEL_LINE {
        for (j, w) in matrix.iter().enumerate() {
            for lane in 0..LANES {
                let row = |k: usize| half[i * 3 + k][lane];
                out[i * PANEL_LINE + j][lane] = row(0) * w[0] + row(1) * w[1] + row(2) * w[2];
            }
        }
    }
    out
}

/// Gᵀ u G of sixteen filters side by side: the adjoint of [`transform_filters`].
#[inline(always)]
pub(super) fn fold_filters(matrix: &[[f32; 3]; PANEL_LINE], u: &[[f32; LANES]; PANELS]) -> [[f32; LANES]; 9] {
    let mut half = [[0.0; LANES]; 3 * PANEL_LINE];
    for i in 0..3 {
        for j in 0..PANEL_LINE {
            for k in 0..PANEL_LINE {
                for lane in 0..LANES {
                    half[i * PANEL_LINE + j][lane] += matrix[k][i] * u[k * PANEL_LINE + j][lane];
                }
            }
        }
    }
    let mut out = [[0.0; LANES]; 9];
    for i in 0..3 {
        for j in 0..3 {
            for k in 0..PANEL_LINE {
                for lane in 0..LANES {
                    out[i * 3 + j][lane] += half[i * PANEL_LINE + k][lane] * matrix[k][j];
                }
            }
        }
    }
    out
}
