//! Samples of a component for every pixel, where it has fewer.
//!
//! Where a component has half as many columns, a pixel takes three quarters of the sample that it lies in and one of the next one
//! to its side; likewise for rows, and for both. At the edge of the image the last sample stands for the one beyond. In whole
//! numbers with roundings that alternate from pixel to pixel, so that there is no bias; libjpeg calls it fancy. Other ratios, and
//! components of two columns or fewer, repeat samples.

use std::ops::Range;

use crate::{
    frame::{Component, Frame},
    planes::Plane,
};

/// How the samples of a component become those of pixels.
#[derive(Debug)]
pub(crate) struct Upsampling {
    expansion: [usize; 2],
    is_smooth: bool,
    /// Columns and rows of samples.
    size: [usize; 2],
    /// Sums of two rows, with a further one at each end.
    sums: Vec<u16>,
}

impl Upsampling {
    /// Of a component, for so many columns of pixels.
    pub(crate) fn new(frame: &Frame, component: &Component, columns: &Range<usize>) -> Self {
        let expansion = [0, 1].map(|axis| frame.most[axis] / component.factors[axis]);
        let is_smooth = match expansion {
            [2, 1 | 2] => component.size[0] > 2,
            expansion => expansion == [1, 2],
        };
        Self { expansion, is_smooth, size: component.size, sums: vec![0; columns.len() / expansion[0] + 4] }
    }

    /// The samples of a row of pixels, of these columns.
    #[inline(always)]
    pub(crate) fn row(&mut self, plane: &Plane, y: usize, columns: &Range<usize>, out: &mut [u8]) {
        let near = y / self.expansion[1];
        let (line, first) = plane.line(near);
        match (self.is_smooth, self.expansion) {
            (_, [1, 1]) => out.copy_from_slice(&line[columns.start - first..][..out.len()]),
            (true, [1, 2]) => {
                let (other, _) = plane.line(self.beside(near, y));
                let bias = 1 + (y % 2) as u16;
                let both = line[columns.start - first..].iter().zip(&other[columns.start - first..]);
                for (out, (&near, &far)) in out.iter_mut().zip(both) {
                    *out = ((3 * u16::from(near) + u16::from(far) + bias) >> 2) as u8;
                }
            }
            (true, [2, 1]) => {
                self.sum(line, line, first, columns, |near, _| near);
                expand(&self.sums, columns, out, |sum, beside, is_right| {
                    (3 * sum + beside + 1 + is_right) >> 2
                });
            }
            (true, [2, 2]) => {
                let (other, _) = plane.line(self.beside(near, y));
                self.sum(line, other, first, columns, |near, far| 3 * near + far);
                expand(&self.sums, columns, out, |sum, beside, is_right| {
                    (3 * sum + beside + 8 - is_right) >> 4
                });
            }
            (_, [across, _]) => {
                for (out, column) in out.iter_mut().zip(columns.clone()) {
                    *out = line[column / across - first];
                }
            }
        }
    }

    /// The row of samples on that side of one on which a row of pixels lies.
    #[inline(always)]
    fn beside(&self, near: usize, y: usize) -> usize {
        if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.size[1] - 1) }
    }

    /// Sums of two rows for the samples of these columns of pixels, and one on each side.
    #[inline(always)]
    fn sum(
        &mut self,
        line: &[u8],
        other: &[u8],
        first: usize,
        columns: &Range<usize>,
        by: impl Fn(u16, u16) -> u16,
    ) {
        let (low, high) = (columns.start / 2, (columns.end - 1) / 2);
        let within = low - first..=high - first;
        let sums = &mut self.sums[1..];
        for ((sum, &near), &far) in sums.iter_mut().zip(&line[within.clone()]).zip(&other[within]) {
            *sum = by(near.into(), far.into());
        }
        let at = |column: usize| by(line[column - first].into(), other[column - first].into());
        self.sums[0] = at(low.saturating_sub(1));
        self.sums[high - low + 2] = at((high + 1).min(self.size[0] - 1));
    }
}

/// Two pixels of each sum but the outer ones, each mixed with the sum on its side.
#[inline(always)]
fn expand(sums: &[u16], columns: &Range<usize>, out: &mut [u8], by: impl Fn(u16, u16, u16) -> u16) {
    // An odd first column is the right half of its sample.
    let skipped = columns.start % 2;
    if skipped == 1 {
        out[0] = by(sums[1], sums[2], 1) as u8;
    }
    let sums = &sums[skipped..];
    let (pairs, rest) = out[skipped..].as_chunks_mut::<2>();
    let neighbours = sums.iter().zip(&sums[1..]).zip(&sums[2..]);
    for (pair, ((&left, &sum), &right)) in pairs.iter_mut().zip(neighbours) {
        *pair = [by(sum, left, 0) as u8, by(sum, right, 1) as u8];
    }
    if let [last] = rest {
        let place = pairs.len() + 1;
        *last = by(sums[place], sums[place - 1], 0) as u8;
    }
}
