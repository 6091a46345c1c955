//! Matrix products, each on one thread: the `gemm` crate behind bounds that are checked.
//!
//! The operations split their work into blocks themselves, so that the blocks, and with them every rounding,
//! are the same for any number of threads.
#![allow(unsafe_code)]

use gemm::{Parallelism, gemm};

/// A matrix that lies in a slice with any steps.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Elements from a row to the next.
    pub(crate) row_step: usize,
    /// Elements from a column to the next.
    pub(crate) column_step: usize,
}

/// A matrix to write, its columns apart from each other.
pub(crate) struct MatrixMut<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Elements from a column to the next; down a column they are neighbours.
    pub(crate) column_step: usize,
}

/// What happens to the numbers that are already there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// They are replaced.
    Replace,
    /// They are added to.
    Add,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows follow each other.
    pub(crate) fn by_rows(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row_step: columns, column_step: 1 }
    }

    /// A matrix whose columns follow each other, `column_step` apart.
    pub(crate) fn by_columns(values: &'a [f32], rows: usize, columns: usize, column_step: usize) -> Self {
        Self { values, rows, columns, row_step: 1, column_step }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        let Self { values, rows, columns, row_step, column_step } = self;
        Self { values, rows: columns, columns: rows, row_step: column_step, column_step: row_step }
    }

    fn is_inside(&self) -> bool {
        let last = (self.rows - 1) * self.row_step + (self.columns - 1) * self.column_step;
        last < self.values.len()
    }
}

/// out = a · b, or out += a · b.
///
/// # Panics
/// If the sizes do not match or a matrix reaches beyond its slice: a mistake of this crate.
pub(crate) fn multiply(out: &mut MatrixMut<'_>, store: Store, a: Matrix<'_>, b: Matrix<'_>) {
    assert!(a.rows == out.rows && b.columns == out.columns && a.columns == b.rows, "sizes of a product");
    assert!(a.rows > 0 && a.columns > 0 && b.columns > 0, "an empty product");
    assert!(a.is_inside() && b.is_inside(), "a factor beyond its slice");
    assert!(out.column_step >= out.rows, "columns that overlap");
    assert!((out.columns - 1) * out.column_step + out.rows <= out.values.len(), "a product beyond its slice");
    let steps = |matrix: &Matrix<'_>| (matrix.column_step as isize, matrix.row_step as isize);
    let ((a_column, a_row), (b_column, b_row)) = (steps(&a), steps(&b));
    // SAFETY: the assertions above hold every element that the steps reach inside its slice, the written
    // elements apart from each other; `out` is borrowed mutably, so it overlaps neither factor.
    unsafe {
        gemm(
            out.rows,
            out.columns,
            a.columns,
            out.values.as_mut_ptr(),
            out.column_step as isize,
            1,
            store == Store::Add,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            1f32,
            1f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
