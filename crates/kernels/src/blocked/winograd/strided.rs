//! 3×3 with stride 2 and padding 1, in 81 products where the definition has 144.
//!
//! On a line, a result is w₁ times an even pixel plus a filter of two taps, w₀ and w₂, over the odd pixels. Even pixels are
//! multiplied as they are (four points that share their weights), the filter of two taps is Winograd's F(4, 2) with the points
//! ±√½, ±√2, ∞.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over tiles of constant size")]

use std::f32::consts::{FRAC_1_SQRT_2 as NEAR, SQRT_2 as FAR};

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Dims,
    },
    scheme::{PANEL_LINE, Place, Scheme, TILE},
};

const LINE: usize = 9;

/// Stride 2, padding 1.
pub(super) struct Strided;

/// Π(t − s) at the point √½; at √2 it is minus twice that.
const AT_NEAR: f32 = -3.0 * NEAR;

impl Scheme for Strided {
    const STRIDE: usize = 2;
    const LINE: usize = LINE;
    /// The middle tap; then [1, t] / Π(t − s) of the outer taps at each point t.
    const G: [[f32; 3]; PANEL_LINE] = [
        [0.0, 1.0, 0.0],
        [1.0 / AT_NEAR, 0.0, NEAR / AT_NEAR],
        [-1.0 / AT_NEAR, 0.0, NEAR / AT_NEAR],
        [-0.5 / AT_NEAR, 0.0, -0.5 * FAR / AT_NEAR],
        [0.5 / AT_NEAR, 0.0, -0.5 * FAR / AT_NEAR],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn panel(point: usize) -> usize {
        let class = |place: usize| place.saturating_sub(TILE - 1);
        class(point / LINE) * PANEL_LINE + class(point % LINE)
    }

    #[inline(always)]
    unsafe fn spread_input<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut d = [[S::splat(0.0); LINE]; LINE];
            let (top, left) = (2 * at.row, 2 * at.column);
            if is_inside(at, dims) {
                let from = &plane[(top - 1) * dims.width + left - 1..][..(LINE - 1) * dims.width + LINE];
                for i in 0..LINE {
                    let line: &[Lane; LINE] = from[i * dims.width..][..LINE].try_into().expect("nine pixels");
                    for j in 0..LINE {
                        d[i][j] = S::load(&line[j]);
                    }
                }
            } else {
                for i in 0..LINE {
                    let y = (top + i).wrapping_sub(1);
                    for j in 0..LINE {
                        let x = (left + j).wrapping_sub(1);
                        if y < dims.height && x < dims.width {
                            d[i][j] = S::load(&plane[y * dims.width + x]);
                        }
                    }
                }
            }
            for i in 0..LINE {
                d[i] = input_line::<S>(d[i]);
            }
            assert!(to.len() > (Self::POINTS - 1) * stride, "a place for each point");
            for j in 0..LINE {
                let points = input_line::<S>(std::array::from_fn(|i| d[i][j]));
                for i in 0..LINE {
                    S::store(&mut to[(i * LINE + j) * stride], points[i]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn gather_input<S: Simd>(r: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            assert!(r.len() > (Self::POINTS - 1) * stride, "all points");
            let mut e = [[S::splat(0.0); LINE]; LINE];
            for j in 0..LINE {
                let mut points = [S::splat(0.0); LINE];
                for i in 0..LINE {
                    points[i] = S::load(&r[(i * LINE + j) * stride]);
                }
                let values = input_line_adjoint::<S>(points);
                for i in 0..LINE {
                    e[i][j] = values[i];
                }
            }
            let (top, left) = (2 * at.row, 2 * at.column);
            if is_inside(at, dims) {
                let to = &mut plane[(top - 1) * dims.width + left - 1..][..(LINE - 1) * dims.width + LINE];
                for i in 0..LINE {
                    let values = input_line_adjoint::<S>(e[i]);
                    let line: &mut [Lane; LINE] =
                        (&mut to[i * dims.width..][..LINE]).try_into().expect("nine pixels");
                    for j in 0..LINE {
                        // The first row and column were reached by the tiles above and to the left.
                        let value =
                            if i < 1 || j < 1 { S::add(S::load(&line[j]), values[j]) } else { values[j] };
                        S::store(&mut line[j], value);
                    }
                }
                return;
            }
            for i in 0..LINE {
                let values = input_line_adjoint::<S>(e[i]);
                let y = (top + i).wrapping_sub(1);
                for j in 0..LINE {
                    let x = (left + j).wrapping_sub(1);
                    if y < dims.height && x < dims.width {
                        let pixel = &mut plane[y * dims.width + x];
                        let is_reached = (i < 1 && top > 0) || (j < 1 && left > 0);
                        let value = if is_reached { S::add(S::load(pixel), values[j]) } else { values[j] };
                        S::store(pixel, value);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn gather_output<S: Simd>(m: &[Lane], stride: usize, plane: &mut [Lane], dims: Dims, at: Place) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            assert!(m.len() > (Self::POINTS - 1) * stride, "all points");
            let mut e = [[S::splat(0.0); LINE]; TILE];
            for j in 0..LINE {
                let mut points = [S::splat(0.0); LINE];
                for i in 0..LINE {
                    points[i] = S::load(&m[(i * LINE + j) * stride]);
                }
                let values = output_line::<S>(points);
                for i in 0..TILE {
                    e[i][j] = values[i];
                }
            }
            let (start, is_whole) = (at.row * dims.width + at.column, at.is_whole(dims));
            for i in 0..TILE {
                let values = output_line::<S>(e[i]);
                for j in 0..TILE {
                    if is_whole || at.row + i < dims.height && at.column + j < dims.width {
                        S::store(&mut plane[start + i * dims.width + j], values[j]);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn spread_output<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let (start, is_whole) = (at.row * dims.width + at.column, at.is_whole(dims));
            let mut e = [[S::splat(0.0); LINE]; TILE];
            for i in 0..TILE {
                let mut g = [S::splat(0.0); TILE];
                for j in 0..TILE {
                    if is_whole || at.row + i < dims.height && at.column + j < dims.width {
                        g[j] = S::load(&plane[start + i * dims.width + j]);
                    }
                }
                e[i] = output_line_adjoint::<S>(g);
            }
            assert!(to.len() > (Self::POINTS - 1) * stride, "a place for each point");
            for j in 0..LINE {
                let points = output_line_adjoint::<S>([e[0][j], e[1][j], e[2][j], e[3][j]]);
                for i in 0..LINE {
                    S::store(&mut to[(i * LINE + j) * stride], points[i]);
                }
            }
        }
    }
}

/// Whether the 9×9 pixels of a tile all lie in the plane.
#[inline(always)]
fn is_inside(at: Place, dims: Dims) -> bool {
    at.row >= 1
        && at.column >= 1
        && 2 * (at.row + TILE) <= dims.height
        && 2 * (at.column + TILE) <= dims.width
}

/// Bᵀ d of a line of pixels: four even ones as they are, then five points of the odd ones.
#[inline(always)]
unsafe fn input_line<S: Simd>(d: [S::V; LINE]) -> [S::V; LINE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let near_even = S::fma(S::splat(-2.0), d[2], d[6]);
        let near_odd = S::mul(S::splat(NEAR), S::fma(S::splat(-2.0), d[0], d[4]));
        let far_even = S::fma(S::splat(-0.5), d[2], d[6]);
        let far_odd = S::mul(S::splat(FAR), S::fma(S::splat(-0.5), d[0], d[4]));
        [
            d[1],
            d[3],
            d[5],
            d[7],
            S::add(near_even, near_odd),
            S::sub(near_even, near_odd),
            S::add(far_even, far_odd),
            S::sub(far_even, far_odd),
            S::fma(S::splat(-2.5), d[4], S::add(d[0], d[8])),
        ]
    }
}

/// B r of a line of points: the adjoint of [`input_line`].
#[inline(always)]
unsafe fn input_line_adjoint<S: Simd>(r: [S::V; LINE]) -> [S::V; LINE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let (near_even, far_even) = (S::add(r[4], r[5]), S::add(r[6], r[7]));
        let near_odd = S::mul(S::splat(NEAR), S::sub(r[4], r[5]));
        let far_odd = S::mul(S::splat(FAR), S::sub(r[6], r[7]));
        let (two, half) = (S::splat(-2.0), S::splat(-0.5));
        [
            S::fma(two, near_odd, S::fma(half, far_odd, r[8])),
            r[0],
            S::fma(two, near_even, S::mul(half, far_even)),
            r[1],
            S::fma(S::splat(-2.5), r[8], S::add(near_odd, far_odd)),
            r[2],
            S::add(near_even, far_even),
            r[3],
            r[8],
        ]
    }
}

/// Aᵀ m of a line of points.
#[inline(always)]
unsafe fn output_line<S: Simd>(m: [S::V; LINE]) -> [S::V; TILE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let (near_even, far_even) = (S::add(m[4], m[5]), S::add(m[6], m[7]));
        let near_odd = S::mul(S::splat(NEAR), S::sub(m[4], m[5]));
        let far_odd = S::mul(S::splat(FAR), S::sub(m[6], m[7]));
        let (half, two) = (S::splat(0.5), S::splat(2.0));
        [
            S::add(m[0], S::add(near_even, far_even)),
            S::add(m[1], S::add(near_odd, far_odd)),
            S::add(m[2], S::fma(half, near_even, S::mul(two, far_even))),
            S::add(m[3], S::fma(half, near_odd, S::fma(two, far_odd, m[8]))),
        ]
    }
}

/// A g of a line of gradients: the adjoint of [`output_line`].
#[inline(always)]
unsafe fn output_line_adjoint<S: Simd>(g: [S::V; TILE]) -> [S::V; LINE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let (half, two) = (S::splat(0.5), S::splat(2.0));
        let near_even = S::fma(half, g[2], g[0]);
        let near_odd = S::mul(S::splat(NEAR), S::fma(half, g[3], g[1]));
        let far_even = S::fma(two, g[2], g[0]);
        let far_odd = S::mul(S::splat(FAR), S::fma(two, g[3], g[1]));
        [
            g[0],
            g[1],
            g[2],
            g[3],
            S::add(near_even, near_odd),
            S::sub(near_even, near_odd),
            S::add(far_even, far_odd),
            S::sub(far_even, far_odd),
            g[3],
        ]
    }
}
