//! Columns of a matrix for several threads: each has some columns of all rows, which lie apart in memory.
#![allow(unsafe_code)]

use std::marker::PhantomData;

/// Some neighbouring columns of a matrix, exclusively borrowed.
#[derive(Debug)]
pub(crate) struct Strip<'a, T> {
    first: *mut T,
    rows: usize,
    /// From one row to the next.
    stride: usize,
    width: usize,
    /// The column of the matrix that the strip begins with.
    column: usize,
    matrix: PhantomData<&'a mut [T]>,
}

// SAFETY: a strip is an exclusive borrow of its columns, as `&mut [T]` is of its values.
unsafe impl<T: Send> Send for Strip<'_, T> {}

impl<'a, T> Strip<'a, T> {
    /// All columns of a matrix whose rows have `width` values.
    ///
    /// # Panics
    /// If the matrix has no whole number of rows.
    pub(crate) fn whole(matrix: &'a mut [T], width: usize) -> Self {
        assert!(width > 0 && matrix.len().is_multiple_of(width), "rows of {width} values");
        let rows = matrix.len() / width;
        Self { first: matrix.as_mut_ptr(), rows, stride: width, width, column: 0, matrix: PhantomData }
    }

    /// A matrix cut into strips of `most` columns; the last one may have fewer.
    pub(crate) fn cut(self, most: usize) -> Vec<Self> {
        let strip = |column: usize| Self {
            // SAFETY: the column is one of the strip's own, so that its first value is in the matrix.
            first: unsafe { self.first.add(column) },
            width: most.min(self.width - column),
            column: self.column + column,
            ..self
        };
        (0..self.width).step_by(most.max(1)).map(strip).collect()
    }

    /// Some neighbouring columns.
    ///
    /// # Panics
    /// If the strip has not so many.
    pub(crate) fn part(&mut self, start: usize, width: usize) -> Strip<'_, T> {
        assert!(start <= self.width && width <= self.width - start, "some of {} columns", self.width);
        // There may be none left: no place to point to.
        let first = self.first.wrapping_add(start);
        Strip { first, width, column: self.column + start, matrix: PhantomData, ..*self }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Values of the matrix before the strip's part of a row.
    pub(crate) fn place(&self, row: usize) -> usize {
        row * self.stride + self.column
    }

    /// The strip's part of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub(crate) fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "one of {} rows", self.rows);
        // SAFETY: the row is in the matrix, and no other strip has these columns of it.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride), self.width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_the_columns_of_a_matrix() {
        let mut matrix: Vec<usize> = (0..15).collect();
        let mut strips = Strip::whole(&mut matrix, 5).cut(2);
        let widths: Vec<usize> = strips.iter().map(Strip::width).collect();
        assert_eq!(widths, [2, 2, 1]);
        assert_eq!((strips[1].rows(), strips[1].row(2).to_vec()), (3, vec![12, 13]));
        assert_eq!(strips[1].part(1, 1).row(0), [3]);
        assert_eq!(strips[1].place(2), 12);
        strips[2].row(0)[0] = 40;
        assert_eq!(matrix[4], 40);
    }
}
