//! Which pixels meet under a kernel: those that a result sums over, forward and backward.

use std::ops::Range;

use super::super::{ConvolutionShape, tensor::Dims};

/// The windows of a pass. Forward, result r gets tap t's product from pixel r · stride + t − padding; backward, from the
/// gradient whose window has pixel r at tap t.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    pub(super) padding: [usize; 2],
    /// Rows and columns of what is summed over.
    pub(super) from: [usize; 2],
    is_backward: bool,
}

impl Windows {
    pub(super) fn new(shape: ConvolutionShape, from: Dims, is_backward: bool) -> Self {
        let ConvolutionShape { kernel, stride, padding, .. } = shape;
        Self { kernel, stride, padding, from: [from.height, from.width], is_backward }
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The row (axis 0) or column (1) that a result gets a tap's product from, if there is one.
    pub(super) fn source(&self, axis: usize, result: usize, tap: usize) -> Option<usize> {
        let place = if self.is_backward {
            let reach = (result + self.padding[axis]).checked_sub(tap)?;
            reach.is_multiple_of(self.stride).then_some(reach / self.stride)
        } else {
            (result * self.stride + tap).checked_sub(self.padding[axis])
        };
        place.filter(|&place| place < self.from[axis])
    }

    /// The rows that some rows of results need, all counted through the blocks; `height` is that of the results.
    pub(super) fn sources(&self, rows: Range<usize>, height: usize) -> Range<usize> {
        let of_row = |row: usize| {
            let sources = (0..self.kernel[0]).filter_map(move |tap| self.source(0, row % height, tap));
            sources.map(move |source| row / height * self.from[0] + source)
        };
        let start = rows.clone().flat_map(of_row).min().unwrap_or(0);
        let end = rows.flat_map(of_row).max().map_or(start, |last| last + 1);
        start..end
    }

    /// About how many rows of results so many rows give.
    pub(super) fn results(&self, sources: usize) -> usize {
        if self.is_backward { sources * self.stride } else { sources / self.stride }
    }

    /// Columns of results in an order in which neighbours mostly need neighbours.
    pub(super) fn columns(&self, width: usize) -> impl Iterator<Item = usize> {
        let classes = if self.is_backward { self.stride } else { 1 };
        (0..classes).flat_map(move |class| (class..width).step_by(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIDED: Windows =
        Windows { kernel: [3, 3], stride: 2, padding: [1, 1], from: [5, 4], is_backward: false };

    #[test]
    fn windows_at_the_edges_are_cut() {
        let sources = |result| (0..3).map(|tap| STRIDED.source(0, result, tap)).collect::<Vec<_>>();
        assert_eq!(sources(0), [None, Some(0), Some(1)]);
        assert_eq!(sources(2), [Some(3), Some(4), None]);
        assert_eq!(STRIDED.sources(0..2, 3), 0..4);
        // Results 2 of block 0 and 0 of block 1.
        assert_eq!(STRIDED.sources(2..4, 3), 3..7);
    }

    #[test]
    fn backward_windows_are_those_that_contain_the_pixel() {
        let forward = STRIDED;
        let backward = Windows { from: [3, 2], is_backward: true, ..forward };
        for pixel in 0..5 {
            for tap in 0..3 {
                let expected = (0..3).find(|&result| forward.source(0, result, tap) == Some(pixel));
                assert_eq!(backward.source(0, pixel, tap), expected, "pixel {pixel}, tap {tap}");
            }
        }
        assert_eq!(backward.columns(5).collect::<Vec<_>>(), [0, 2, 4, 1, 3]);
    }

    #[test]
    fn rows_that_no_window_reaches_need_nothing() {
        let backward = Windows { kernel: [1, 1], padding: [0, 0], is_backward: true, ..STRIDED };
        assert!(backward.sources(1..2, 9).is_empty());
    }
}
