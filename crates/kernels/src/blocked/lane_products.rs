//! Products of matrices whose numbers are vectors of images: each image has its own two factors.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]

use super::simd::{Kernel, Lane, Simd};

/// Vectors of the second factor that stay in a core's own cache.
const OWN_CACHE: usize = (320 << 10) / size_of::<Lane>();

/// A matrix within a buffer: how far its rows and its columns are apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [Lane],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of so many neighbours.
    pub(super) fn rows(data: &'a [Lane], length: usize) -> Self {
        Self { data, row: length, column: 1 }
    }

    /// The same, transposed.
    pub(super) fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }
}

/// C ← scale · A B, or C ← C + scale · A B, lane by lane, with A (m, k), B (k, n) and C (m, n).
pub(super) struct LaneProduct<'a> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    /// (m, n), in rows that are so many vectors apart.
    pub(super) c: &'a mut [Lane],
    pub(super) row: usize,
    /// m, n and k.
    pub(super) sizes: [usize; 3],
    pub(super) scale: f32,
    /// Whether what is there stays.
    pub(super) adds: bool,
}

impl Kernel for LaneProduct<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let [m, n, k] = self.sizes;
        let last = |matrix: Matrix<'_>, rows: usize, columns: usize| {
            (rows.max(1) - 1) * matrix.row + (columns.max(1) - 1) * matrix.column
        };
        assert!(last(self.a, m, k) < self.a.data.len(), "the first factor's size");
        assert!(last(self.b, k, n) < self.b.data.len(), "the second factor's size");
        assert!((m.max(1) - 1) * self.row + n <= self.c.len() && n <= self.row, "the product's size");
        // SAFETY: the caller vouches for the features; sizes were checked.
        unsafe { if S::ROWS >= 8 { self.tiles::<S, 6, 4>() } else { self.tiles::<S, 2, 2>() } }
    }
}

impl LaneProduct<'_> {
    /// So many columns of the second factor at a time that they stay in a core's own cache while the first passes by.
    #[inline(always)]
    unsafe fn tiles<S: Simd, const M: usize, const N: usize>(mut self) {
        let [_, n, k] = self.sizes;
        let columns = (OWN_CACHE / k.max(1) / N * N).max(N);
        for first in (0..n).step_by(columns) {
            // SAFETY: the caller vouches for features and sizes.
            unsafe { self.columns::<S, M, N>(first, n.min(first + columns)) };
        }
    }

    /// Some columns of the product.
    #[inline(always)]
    unsafe fn columns<S: Simd, const M: usize, const N: usize>(&mut self, first: usize, end: usize) {
        let m = self.sizes[0];
        // SAFETY: the caller vouches for features and sizes; tiles lie within the product.
        unsafe {
            for i in (0..m / M * M).step_by(M) {
                self.row::<S, M, N>(i, first, end);
            }
            for i in m / M * M..m {
                self.row::<S, 1, N>(i, first, end);
            }
        }
    }

    /// M rows of some columns.
    #[inline(always)]
    unsafe fn row<S: Simd, const M: usize, const N: usize>(&mut self, i: usize, first: usize, end: usize) {
        let whole = first + (end - first) / N * N;
        // SAFETY: as above.
        unsafe {
            for j in (first..whole).step_by(N) {
                self.tile::<S, M, N>(i, j);
            }
            for j in whole..end {
                self.tile::<S, M, 1>(i, j);
            }
        }
    }

    /// M × N numbers of the product, in registers.
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(&mut self, i: usize, j: usize) {
        let k = self.sizes[2];
        // SAFETY: the caller vouches for the features, and that the tile lies within the product.
        unsafe {
            let a = self.a.data.as_ptr().add(i * self.a.row);
            let b = self.b.data.as_ptr().add(j * self.b.column);
            let mut sums = [[S::splat(0.0); N]; M];
            for step in 0..k {
                let (a, b) = (a.add(step * self.a.column), b.add(step * self.b.row));
                let mut factors = [S::splat(0.0); N];
                for y in 0..N {
                    factors[y] = S::load(&*b.add(y * self.b.column));
                }
                for x in 0..M {
                    let factor = S::load(&*a.add(x * self.a.row));
                    for y in 0..N {
                        sums[x][y] = S::fma(factor, factors[y], sums[x][y]);
                    }
                }
            }
            let scale = S::splat(self.scale);
            for x in 0..M {
                for y in 0..N {
                    let to = self.c.get_unchecked_mut((i + x) * self.row + j + y);
                    let product = S::mul(sums[x][y], scale);
                    S::store(to, if self.adds { S::add(S::load(to), product) } else { product });
                }
            }
        }
    }
}
