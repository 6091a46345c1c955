//! Asking for memory ahead: tiles are short pieces far apart, which the processor does not foresee.
#![allow(unsafe_code)]

use std::ops::Range as Channels;

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Dims,
    },
    Grid, Range,
    transform::{LINE, TILE},
};

/// Tiles of some planes that will be read or written soon.
pub(super) struct Ahead {
    starts: [usize; Ahead::MOST],
    count: usize,
    dims: Dims,
}

impl Ahead {
    /// Most tiles.
    pub(super) const MOST: usize = 16;

    /// `range` counts from the first block of the planes.
    #[inline(always)]
    pub(super) fn new(dims: Dims, range: Range) -> Self {
        let (grid, mut starts) = (Grid::of(dims), [0; Self::MOST]);
        for (t, start) in starts.iter_mut().enumerate().take(range.count) {
            let (block, at) = grid.place(range.start + t);
            *start = block * dims.block_len() + at.row * dims.width + at.column;
        }
        Self { starts, count: range.count, dims }
    }

    /// Asks for one of six rows of every sixth channel: after the last of 36 points all have been asked for.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(super) unsafe fn fetch<S: Simd>(&self, planes: &[Lane], channels: &Channels<usize>, point: usize) {
        let row = point % LINE * self.dims.width;
        for channel in (channels.start + point / LINE..channels.end).step_by(LINE) {
            for start in &self.starts[..self.count] {
                let start = start + channel * self.dims.pixels() + row;
                if start + TILE <= planes.len() {
                    for soon in &planes[start..start + TILE] {
                        // SAFETY: the caller vouches for the features.
                        unsafe { S::fetch(soon) };
                    }
                }
            }
        }
    }
}
