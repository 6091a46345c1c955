//! Planes of [`Cell`]s: sixteen complex planes, transformed together.
#![allow(unsafe_code)]

use super::{
    line::{FORWARD, INVERSE, LinePlan, Place},
    radix::Cell,
};
use crate::simd::Simd;

/// A plane of H×W values in one of N×M cells, N ≥ H + reach and M ≥ W + reach, zero elsewhere, so that circular convolution with kernels
/// that reach so far is what it is on an infinite plane. Columns are contiguous: cell (u, v) is at v·N + u.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) vertical: LinePlan,
    pub(crate) horizontal: LinePlan,
}

impl Grid {
    pub(crate) fn new(height: usize, width: usize, reach: usize) -> Self {
        let plan = |side: usize| LinePlan::new(LinePlan::length_for(side + reach));
        Self { height, width, vertical: plan(height), horizontal: plan(width) }
    }

    /// Cells of a column.
    pub(crate) fn rows(&self) -> usize {
        self.vertical.length()
    }

    /// Cells of a row.
    pub(crate) fn columns(&self) -> usize {
        self.horizontal.length()
    }

    /// Cells of a plane.
    pub(crate) fn len(&self) -> usize {
        self.rows() * self.columns()
    }

    /// Columns that need storing where the opposite frequencies hold the conjugates.
    pub(crate) fn half(&self) -> usize {
        self.columns() / 2 + 1
    }

    /// Cells to work in, for lines of both directions and one line more.
    pub(crate) fn work_len(&self) -> usize {
        3 * self.rows().max(self.columns())
    }

    /// The column of the opposite frequencies of a column of the half plane, if that is another.
    pub(crate) fn mirror(&self, column: usize) -> Option<usize> {
        let mirror = (self.columns() - column) % self.columns();
        (mirror != column).then_some(mirror)
    }

    /// The row of the opposite frequency.
    pub(crate) fn opposite(&self, row: usize) -> usize {
        (self.rows() - row) % self.rows()
    }

    /// Space → frequency, in place.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(crate) unsafe fn forward<S: Simd>(&self, plane: &mut [Cell], work: &mut [Cell]) {
        assert_eq!(plane.len(), self.len(), "a plane");
        let first = plane.as_mut_ptr();
        // SAFETY: rows and columns lie in the plane; the caller vouches for the features.
        unsafe {
            for row in 0..self.height {
                let place = Place { first: first.add(row), step: self.rows() };
                self.horizontal.transform::<S>(place, place, work, FORWARD);
            }
            for column in 0..self.columns() {
                let place = Place { first: first.add(column * self.rows()), step: 1 };
                self.vertical.transform::<S>(place, place, work, FORWARD);
            }
        }
    }

    /// Frequency → space, in place and not scaled; only the H×W values are good.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(crate) unsafe fn inverse<S: Simd>(&self, plane: &mut [Cell], work: &mut [Cell]) {
        assert_eq!(plane.len(), self.len(), "a plane");
        let first = plane.as_mut_ptr();
        // SAFETY: as above.
        unsafe {
            for column in 0..self.columns() {
                let place = Place { first: first.add(column * self.rows()), step: 1 };
                self.vertical.transform::<S>(place, place, work, INVERSE);
            }
            for row in 0..self.height {
                let place = Place { first: first.add(row), step: self.rows() };
                self.horizontal.transform::<S>(place, place, work, INVERSE);
            }
        }
    }
}
