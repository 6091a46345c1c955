//! The samples of a component, of that part of the image that is wanted.

use std::ops::Range;

use crate::{
    frame::{BLOCK, Component, Frame},
    idct::{self, Extent, Transform},
    part::Part,
};

/// Samples in whole blocks.
#[derive(Debug)]
pub(crate) struct Plane {
    /// Which blocks, across and down.
    columns: Range<usize>,
    rows: Range<usize>,
    samples: Vec<u8>,
}

impl Plane {
    /// Of the blocks of a component that a part of the image takes, those included whose samples are mixed into its edge.
    pub(crate) fn new(frame: &Frame, component: &Component, part: Part) -> Self {
        let blocks = |axis: usize, first: usize, count: usize| {
            let expansion = frame.most[axis] / component.factors[axis];
            let low = (first / expansion).saturating_sub(1);
            let high = ((first + count).div_ceil(expansion) + 1).min(component.size[axis]);
            if count == 0 { 0..0 } else { low / BLOCK..high.div_ceil(BLOCK) }
        };
        let (columns, rows) = (blocks(0, part.left, part.width), blocks(1, part.top, part.height));
        let samples = vec![0; columns.len() * rows.len() * BLOCK * BLOCK];
        Self { columns, rows, samples }
    }

    /// Whether a block is wanted.
    #[inline(always)]
    pub(crate) fn takes(&self, column: usize, row: usize) -> bool {
        self.columns.contains(&column) && self.rows.contains(&row)
    }

    /// The blocks that are wanted, row by row.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.columns.clone();
        self.rows.clone().flat_map(move |row| columns.clone().map(move |column| (column, row)))
    }

    /// Puts a block in its place, its coefficients, none of which is beyond `extent`, multiplied by a table.
    #[inline(always)]
    pub(crate) fn put(
        &mut self,
        [column, row]: [usize; 2],
        block: &[i16; 64],
        scale: &[i16; 64],
        extent: Extent,
        by: impl Transform,
    ) {
        let width = BLOCK * self.columns.len();
        let start = (row - self.rows.start) * BLOCK * width + (column - self.columns.start) * BLOCK;
        let lines = self.samples[start..].chunks_mut(width).take(BLOCK);
        if extent == Extent::First {
            let sample = idct::flat(block[0].wrapping_mul(scale[0]));
            lines.for_each(|line| line[..BLOCK].fill(sample));
            return;
        }
        let mut scaled = [0; 64];
        for ((out, &coefficient), &scale) in scaled.iter_mut().zip(block).zip(scale) {
            *out = coefficient.wrapping_mul(scale);
        }
        for (line, row) in lines.zip(by.samples(&scaled, extent).as_chunks::<BLOCK>().0) {
            line[..BLOCK].copy_from_slice(row);
        }
    }

    /// A row of samples, counted in the component, and its first column.
    #[inline(always)]
    pub(crate) fn line(&self, row: usize) -> (&[u8], usize) {
        let width = BLOCK * self.columns.len();
        let start = (row - BLOCK * self.rows.start) * width;
        (&self.samples[start..start + width], BLOCK * self.columns.start)
    }
}
