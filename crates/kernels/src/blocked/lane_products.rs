//! Products of matrices whose numbers are vectors of images: each image has its own two factors.
#![allow(unsafe_code)]

use super::simd::{Kernel, Lane, Simd};

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

/// C ← scale · A B, lane by lane, with A (m, k), B (k, n) and C (m, n).
pub(super) struct LaneProduct<'a> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    /// (m, n), row by row.
    pub(super) c: &'a mut [Lane],
    /// m, n and k.
    pub(super) sizes: [usize; 3],
    pub(super) scale: f32,
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
        assert_eq!(self.c.len(), m * n, "the product's size");
        // SAFETY: the caller vouches for the features; sizes were checked.
        unsafe { if S::ROWS >= 8 { self.tiles::<S, 4, 4>() } else { self.tiles::<S, 2, 2>() } }
    }
}

impl LaneProduct<'_> {
    #[inline(always)]
    unsafe fn tiles<S: Simd, const M: usize, const N: usize>(self) {
        let [m, n, _] = self.sizes;
        let (whole_m, whole_n) = (m / M * M, n / N * N);
        let mut this = self;
        // SAFETY: the caller vouches for features and sizes; tiles lie within the product.
        unsafe {
            for i in (0..whole_m).step_by(M) {
                (0..whole_n).step_by(N).for_each(|j| this.tile::<S, M, N>(i, j));
                (whole_n..n).for_each(|j| this.tile::<S, M, 1>(i, j));
            }
            for i in whole_m..m {
                (0..whole_n).step_by(N).for_each(|j| this.tile::<S, 1, N>(i, j));
                (whole_n..n).for_each(|j| this.tile::<S, 1, 1>(i, j));
            }
        }
    }

    /// M × N numbers of the product, in registers.
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(&mut self, i: usize, j: usize) {
        let [_, n, k] = self.sizes;
        // SAFETY: the caller vouches for the features, and that the tile lies within the product.
        unsafe {
            let a = self.a.data.as_ptr().add(i * self.a.row);
            let b = self.b.data.as_ptr().add(j * self.b.column);
            let mut sums = [[S::splat(0.0); N]; M];
            for step in 0..k {
                let (a, b) = (a.add(step * self.a.column), b.add(step * self.b.row));
                let factors: [S::V; N] = std::array::from_fn(|y| S::load(&*b.add(y * self.b.column)));
                for (x, sums) in sums.iter_mut().enumerate() {
                    let factor = S::load(&*a.add(x * self.a.row));
                    for (sum, other) in sums.iter_mut().zip(factors) {
                        *sum = S::fma(factor, other, *sum);
                    }
                }
            }
            let scale = S::splat(self.scale);
            for (x, sums) in sums.into_iter().enumerate() {
                for (y, sum) in sums.into_iter().enumerate() {
                    S::store(self.c.get_unchecked_mut((i + x) * n + j + y), S::mul(sum, scale));
                }
            }
        }
    }
}
