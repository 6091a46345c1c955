//! Pixels as tiles: sixteen rows of pairs of channels for sixteen images. Channels are what a convolution sums over.
//!
//! A few rows of pixels are packed at a time, in the places of those that no window reaches any more.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Blocked,
    },
    parts::{GROUP, TILE, groups, pairs},
};

/// Rows of packed pixels: `[row modulo their number][column][group of 32 channels][part][pair]`, a pair being channel k with
/// 16 + k. Before the first stands a pixel of zeros.
pub(super) struct Ring<'a, const PARTS: usize> {
    pub(super) from: &'a Blocked,
    /// How many rows there are.
    pub(super) rows: usize,
    pub(super) data: &'a mut [Lane],
    /// The first row that has not been packed, counted through the blocks.
    next: usize,
}

impl<'a, const PARTS: usize> Ring<'a, PARTS> {
    /// Vectors that so many rows take.
    pub(super) fn len(from: &Blocked, rows: usize) -> usize {
        (1 + rows * from.dims.width) * Self::pixel(from)
    }

    /// Vectors from a pixel to the next: one more than needed, or like places of all pixels would share a cache set.
    #[inline(always)]
    pub(super) fn pixel(from: &Blocked) -> usize {
        groups(from.dims.channels, GROUP) * PARTS * TILE + 1
    }

    #[inline(always)]
    pub(super) fn new(from: &'a Blocked, rows: usize, data: &'a mut [Lane]) -> Self {
        data[..Self::pixel(from)].fill(Lane::ZERO);
        Self { from, rows, data, next: 0 }
    }

    /// Where a pixel is, in vectors; one that is not there is zero.
    #[inline(always)]
    pub(super) fn place(&self, row: usize, column: usize) -> usize {
        (1 + row % self.rows * self.from.dims.width + column) * Self::pixel(self.from)
    }

    /// Packs those of some rows that have not been packed yet; no more of them are kept than there is room for.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(super) unsafe fn pack<S: Simd>(&mut self, rows: Range<usize>) {
        for row in rows.start.max(self.next)..rows.end {
            let start = self.place(row, 0);
            let to = &mut self.data[start..][..self.from.dims.width * Self::pixel(self.from)];
            // SAFETY: the caller vouches for the features.
            unsafe { pack_row::<S, PARTS>(self.from, row, to) };
        }
        self.next = self.next.max(rows.end);
    }
}

#[inline(always)]
unsafe fn pack_row<S: Simd, const PARTS: usize>(from: &Blocked, row: usize, to: &mut [Lane]) {
    let (dims, pixel) = (from.dims, Ring::<PARTS>::pixel(from));
    let (block, row) = (row / dims.height, row % dims.height);
    let line = |channel: usize| {
        let is_there = channel < dims.channels;
        is_there.then(|| &from.plane(block, channel)[row * dims.width..][..dims.width])
    };
    for group in 0..groups(dims.channels, GROUP) {
        for pair in 0..TILE {
            let first = group * GROUP + pair;
            let (first, second) = (line(first), line(first + TILE));
            let to = &mut to[group * PARTS * TILE + pair..];
            // SAFETY: the caller vouches for the features.
            unsafe {
                for column in 0..dims.width {
                    let first = first.map_or(&Lane::ZERO, |line| &line[column]);
                    let second = second.map_or(&Lane::ZERO, |line| &line[column]);
                    let parts = pairs::<S, PARTS>(S::load(first), S::load(second));
                    for (part, value) in parts.into_iter().enumerate() {
                        S::store(&mut to[column * pixel + part * TILE], value);
                    }
                }
            }
        }
    }
}
