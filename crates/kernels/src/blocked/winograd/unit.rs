//! F(4×4, 3×3) with interpolation points 0, ±√½, ±√2, ∞, for stride 1: 36 products where the definition has 144.
//!
//! With these points the entries of all three matrices stay small (the customary 0, ±1, ±2, ∞ have 5 and 8 in them),
//! and so do the rounding errors.
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

const LINE: usize = 6;

/// Stride 1, padding 1.
pub(super) struct Unit;

impl Scheme for Unit {
    const STRIDE: usize = 1;
    const LINE: usize = LINE;
    /// [1, t, t²] / Π(t − s) at each point t.
    const G: [[f32; 3]; PANEL_LINE] = [
        [1.0, 0.0, 0.0],
        [-1.0 / 1.5, -NEAR / 1.5, -0.5 / 1.5],
        [-1.0 / 1.5, NEAR / 1.5, -0.5 / 1.5],
        [1.0 / 6.0, FAR / 6.0, 2.0 / 6.0],
        [1.0 / 6.0, -FAR / 6.0, 2.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn panel(point: usize) -> usize {
        point
    }

    #[inline(always)]
    unsafe fn spread_input<S: Simd>(plane: &[Lane], dims: Dims, at: Place, to: &mut [Lane], stride: usize) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut d = [[S::splat(0.0); LINE]; LINE];
            if is_inside(at, dims) {
                let from = &plane[(at.row - 1) * dims.width + at.column - 1..][..5 * dims.width + LINE];
                for i in 0..LINE {
                    let line: &[Lane; LINE] = from[i * dims.width..][..LINE].try_into().expect("six pixels");
                    for j in 0..LINE {
                        d[i][j] = S::load(&line[j]);
                    }
                }
            } else {
                for i in 0..LINE {
                    let y = (at.row + i).wrapping_sub(1);
                    for j in 0..LINE {
                        let x = (at.column + j).wrapping_sub(1);
                        if y < dims.height && x < dims.width {
                            d[i][j] = S::load(&plane[y * dims.width + x]);
                        }
                    }
                }
            }
            let mut e = [[S::splat(0.0); LINE]; LINE];
            for i in 0..LINE {
                e[i] = input_line::<S>(d[i]);
            }
            assert!(to.len() > (Self::POINTS - 1) * stride, "a place for each point");
            for j in 0..LINE {
                let points = input_line::<S>([e[0][j], e[1][j], e[2][j], e[3][j], e[4][j], e[5][j]]);
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
            if is_inside(at, dims) {
                let to = &mut plane[(at.row - 1) * dims.width + at.column - 1..][..5 * dims.width + LINE];
                for i in 0..LINE {
                    let values = input_line_adjoint::<S>(e[i]);
                    let line: &mut [Lane; LINE] =
                        (&mut to[i * dims.width..][..LINE]).try_into().expect("six pixels");
                    for j in 0..LINE {
                        // Two rows and two columns were reached by the tiles above and to the left.
                        let value =
                            if i < 2 || j < 2 { S::add(S::load(&line[j]), values[j]) } else { values[j] };
                        S::store(&mut line[j], value);
                    }
                }
                return;
            }
            for i in 0..LINE {
                let values = input_line_adjoint::<S>(e[i]);
                let y = (at.row + i).wrapping_sub(1);
                for j in 0..LINE {
                    let x = (at.column + j).wrapping_sub(1);
                    if y < dims.height && x < dims.width {
                        let pixel = &mut plane[y * dims.width + x];
                        let is_reached = (i < 2 && at.row > 0) || (j < 2 && at.column > 0);
                        S::store(
                            pixel,
                            if is_reached { S::add(S::load(pixel), values[j]) } else { values[j] },
                        );
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
            let start = at.row * dims.width + at.column;
            if at.is_whole(dims) {
                let to = &mut plane[start..][..3 * dims.width + TILE];
                for i in 0..TILE {
                    let values = output_line::<S>(e[i]);
                    let line: &mut [Lane; TILE] =
                        (&mut to[i * dims.width..][..TILE]).try_into().expect("four pixels");
                    for j in 0..TILE {
                        S::store(&mut line[j], values[j]);
                    }
                }
                return;
            }
            for i in 0..TILE {
                let values = output_line::<S>(e[i]);
                for j in 0..TILE {
                    if at.row + i < dims.height && at.column + j < dims.width {
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
            let mut g = [[S::splat(0.0); TILE]; TILE];
            let start = at.row * dims.width + at.column;
            if at.is_whole(dims) {
                let from = &plane[start..][..3 * dims.width + TILE];
                for i in 0..TILE {
                    let line: &[Lane; TILE] = from[i * dims.width..][..TILE].try_into().expect("four pixels");
                    for j in 0..TILE {
                        g[i][j] = S::load(&line[j]);
                    }
                }
            } else {
                for i in 0..TILE {
                    for j in 0..TILE {
                        if at.row + i < dims.height && at.column + j < dims.width {
                            g[i][j] = S::load(&plane[start + i * dims.width + j]);
                        }
                    }
                }
            }
            let mut e = [[S::splat(0.0); LINE]; TILE];
            for i in 0..TILE {
                e[i] = output_line_adjoint::<S>(g[i]);
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

/// Whether the 6×6 pixels around a tile all lie in the plane.
#[inline(always)]
fn is_inside(at: Place, dims: Dims) -> bool {
    at.row >= 1 && at.column >= 1 && at.row + TILE < dims.height && at.column + TILE < dims.width
}

/// Bᵀ d of a line of pixels.
#[inline(always)]
unsafe fn input_line<S: Simd>(d: [S::V; LINE]) -> [S::V; LINE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let middle = S::splat(-2.5);
        let near_even = S::fma(S::splat(-2.0), d[2], d[4]);
        let near_odd = S::mul(S::splat(NEAR), S::fma(S::splat(-2.0), d[1], d[3]));
        let far_even = S::fma(S::splat(-0.5), d[2], d[4]);
        let far_odd = S::mul(S::splat(FAR), S::fma(S::splat(-0.5), d[1], d[3]));
        [
            S::fma(middle, d[2], S::add(d[0], d[4])),
            S::add(near_even, near_odd),
            S::sub(near_even, near_odd),
            S::add(far_even, far_odd),
            S::sub(far_even, far_odd),
            S::fma(middle, d[3], S::add(d[1], d[5])),
        ]
    }
}

/// B r of a line of points: the adjoint of [`input_line`].
#[inline(always)]
unsafe fn input_line_adjoint<S: Simd>(r: [S::V; LINE]) -> [S::V; LINE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let middle = S::splat(-2.5);
        let (near_even, far_even) = (S::add(r[1], r[2]), S::add(r[3], r[4]));
        let near_odd = S::mul(S::splat(NEAR), S::sub(r[1], r[2]));
        let far_odd = S::mul(S::splat(FAR), S::sub(r[3], r[4]));
        let even = S::fma(S::splat(-2.0), near_even, S::mul(S::splat(-0.5), far_even));
        let odd = S::fma(S::splat(-2.0), near_odd, S::mul(S::splat(-0.5), far_odd));
        [
            r[0],
            S::add(odd, r[5]),
            S::fma(middle, r[0], even),
            S::fma(middle, r[5], S::add(near_odd, far_odd)),
            S::add(r[0], S::add(near_even, far_even)),
            r[5],
        ]
    }
}

/// Aᵀ m of a line of points.
#[inline(always)]
unsafe fn output_line<S: Simd>(m: [S::V; LINE]) -> [S::V; TILE] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let (near_even, far_even) = (S::add(m[1], m[2]), S::add(m[3], m[4]));
        let near_odd = S::mul(S::splat(NEAR), S::sub(m[1], m[2]));
        let far_odd = S::mul(S::splat(FAR), S::sub(m[3], m[4]));
        let (half, two) = (S::splat(0.5), S::splat(2.0));
        [
            S::add(m[0], S::add(near_even, far_even)),
            S::add(near_odd, far_odd),
            S::fma(half, near_even, S::mul(two, far_even)),
            S::fma(half, near_odd, S::fma(two, far_odd, m[5])),
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
            S::add(near_even, near_odd),
            S::sub(near_even, near_odd),
            S::add(far_even, far_odd),
            S::sub(far_even, far_odd),
            g[3],
        ]
    }
}
