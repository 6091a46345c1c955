//! Products of matrices of which each image has its own two.

use super::super::{
    lane_products::{LaneProduct, Matrix},
    simd::{InstructionSet, Lane, run},
    tensor::{Arena, Blocked, Dims},
};
use crate::{
    arrays::{Runs, View},
    parallel::for_each_part,
};

/// Matrices within a value: the last two axes of a view are rows and columns, those before number the matrices.
#[derive(Debug, Clone, Copy)]
pub struct Factor<'a> {
    /// The value.
    pub values: &'a Blocked,
    /// The matrices; no stride of a row or column is negative.
    pub view: &'a View,
}

impl<'a> Factor<'a> {
    /// Rows and columns.
    fn sizes(self) -> [usize; 2] {
        let shape = &self.view.shape;
        [shape[shape.len() - 2], shape[shape.len() - 1]]
    }

    /// Where each matrix begins.
    fn starts(self) -> Vec<usize> {
        let View { shape, strides, offset } = self.view;
        let count = shape.len() - 2;
        let numbers =
            View { shape: shape[..count].to_vec(), strides: strides[..count].to_vec(), offset: *offset };
        let runs = Runs::new(&numbers.shape, [&numbers], 0, numbers.count());
        runs.flat_map(|run| (0..run.len).map(move |at| (run.from[0] + at as isize * run.steps[0]) as usize))
            .collect()
    }

    fn matrix(self, block: usize, start: usize) -> Matrix<'a> {
        let strides = &self.view.strides;
        let [row, column] = [2, 1].map(|behind| {
            usize::try_from(strides[strides.len() - behind]).expect("strides that are not negative")
        });
        Matrix { data: &self.values.block(block)[start..], row, column }
    }
}

/// The matrix, copied where its rows and columns lie far apart: a cache would hold little of it.
fn together<'a>(matrix: Matrix<'a>, [rows, columns]: [usize; 2], scratch: &'a mut [Lane]) -> Matrix<'a> {
    if (matrix.row == columns && matrix.column == 1) || (matrix.row == 1 && matrix.column == rows) {
        return matrix;
    }
    for (row, to) in scratch.chunks_mut(columns).enumerate() {
        let from = matrix.data[row * matrix.row..].iter().step_by(matrix.column.max(1));
        if matrix.column == 0 {
            to.fill(matrix.data[row * matrix.row]);
        } else {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    Matrix::rows(scratch, columns)
}

/// A B of as many pairs of matrices, (…, m, k) and (…, k, n), one product after the other, row by row, as planes of a size.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn matrix_products(
    a: Factor<'_>,
    b: Factor<'_>,
    dims: Dims,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let ([m, k], [depth, n]) = (a.sizes(), b.sizes());
    let [starts_a, starts_b] = [a, b].map(Factor::starts);
    assert_eq!((k, starts_a.len()), (depth, starts_b.len()), "factors that fit each other");
    assert_eq!(starts_a.len() * m * n, dims.block_len(), "products as {dims:?}");
    for factor in [a, b] {
        assert!(
            factor.view.fits(factor.values.dims.block_len()),
            "{:?} of {:?}",
            factor.view,
            factor.values.dims
        );
    }
    let mut y = arena.blocked(dims);
    // Few products are made by several threads each.
    let rows = if starts_a.len() >= 8 { m } else { m.div_ceil(8).max(4).min(m.max(1)) };
    let per_product = m.div_ceil(rows);
    for (block, y) in y.data.chunks_mut(dims.block_len()).enumerate() {
        let products = y.chunks_mut(m * n);
        let mut parts: Vec<&mut [Lane]> = products.flat_map(|product| product.chunks_mut(rows * n)).collect();
        for_each_part(&mut parts, 1, |index, parts| {
            let (product, first) = (index / per_product, index % per_product * rows);
            let (a, b) = (a.matrix(block, starts_a[product]), b.matrix(block, starts_b[product]));
            let a = Matrix { data: &a.data[first * a.row..], ..a };
            let c = &mut *parts[0];
            let sizes = [c.len() / n, n, k];
            let mut scratch = [arena.take(sizes[0] * k), arena.take(k * n)];
            let [of_a, of_b] = &mut scratch;
            let (a, b) = (together(a, [sizes[0], k], of_a), together(b, [k, n], of_b));
            run(instructions, LaneProduct { a, b, c, row: sizes[1], sizes, scale: 1.0, adds: false });
            scratch.into_iter().for_each(|buffer| arena.give(buffer));
        });
    }
    y
}
