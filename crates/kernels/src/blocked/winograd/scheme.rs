//! What Winograd's algorithm is made of, and what its two kinds have in common.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::super::{
    simd::{Kernel, LANES, Lane, Simd},
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

/// [`Scheme::spread_input`], or [`Scheme::spread_output`] if the plane is one of `RESULTS`.
pub(super) struct Spread<'a, K, const RESULTS: bool> {
    pub(super) plane: &'a [Lane],
    pub(super) dims: Dims,
    pub(super) at: Place,
    pub(super) to: &'a mut [Lane],
    pub(super) stride: usize,
    pub(super) kind: PhantomData<K>,
}

impl<K: Scheme, const RESULTS: bool> Kernel for Spread<'_, K, RESULTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { plane, dims, at, to, stride, .. } = self;
        // SAFETY: the caller vouches for the features.
        unsafe {
            if const { RESULTS } {
                K::spread_output::<S>(plane, dims, at, to, stride);
            } else {
                K::spread_input::<S>(plane, dims, at, to, stride);
            }
        }
    }
}

/// [`Scheme::gather_input`], or [`Scheme::gather_output`] if the plane is one of `RESULTS`.
pub(super) struct Gather<'a, K, const RESULTS: bool> {
    pub(super) points: &'a [Lane],
    pub(super) stride: usize,
    pub(super) plane: &'a mut [Lane],
    pub(super) dims: Dims,
    pub(super) at: Place,
    pub(super) kind: PhantomData<K>,
}

impl<K: Scheme, const RESULTS: bool> Kernel for Gather<'_, K, RESULTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { points, stride, plane, dims, at, .. } = self;
        // SAFETY: the caller vouches for the features.
        unsafe {
            if const { RESULTS } {
                K::gather_output::<S>(points, stride, plane, dims, at);
            } else {
                K::gather_input::<S>(points, stride, plane, dims, at);
            }
        }
    }
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
