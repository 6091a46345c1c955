//! Asking for memory ahead: tiles are short pieces far apart, which the processor does not foresee.
#![allow(unsafe_code)]

use std::ops::Range as Channels;

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Dims,
    },
    grid::{Grid, Range},
    scheme::TILE,
};

/// Tiles of some planes that will be read or written soon.
pub(super) struct Ahead {
    starts: [usize; Ahead::MOST],
    count: usize,
    dims: Dims,
    stride: usize,
}

/// Points between two requests for a row of a channel.
const TURNS: usize = 6;

impl Ahead {
    /// Most tiles.
    pub(super) const MOST: usize = 16;

    /// `range` counts from the first block of the planes; `stride` is that from one result to the next in the planes.
    #[inline(always)]
    pub(super) fn new(dims: Dims, grid: Grid, stride: usize, range: Range) -> Self {
        let mut starts = [0; Self::MOST];
        for (t, start) in starts.iter_mut().enumerate().take(range.count) {
            let (block, at) = grid.place(range.start + t);
            *start = block * dims.block_len() + (at.row * dims.width + at.column) * stride;
        }
        Self { starts, count: range.count, dims, stride }
    }

    /// Asks for one row of every sixth channel, another one for each point: after the last of all points, for all.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(super) unsafe fn fetch<S: Simd>(&self, planes: &[Lane], channels: &Channels<usize>, point: usize) {
        let (row, turn) = (point / TURNS, point % TURNS);
        let length = TILE * self.stride;
        if row >= length + 2 {
            return;
        }
        for channel in (channels.start + turn..channels.end).step_by(TURNS) {
            for start in &self.starts[..self.count] {
                let start = start + channel * self.dims.pixels() + row * self.dims.width;
                if start + length <= planes.len() {
                    for soon in &planes[start..start + length] {
                        // SAFETY: the caller vouches for the features.
                        unsafe { S::fetch(soon) };
                    }
                }
            }
        }
    }
}
