//! What a direct convolution multiplies with its weights: the input under each output pixel as rows of vectors, in f32 or as pairs
//! of bf16.
#![allow(unsafe_code)]

use super::{
    ConvolutionShape,
    gemm::panel_width,
    simd::{Kernel, Lane, Simd},
    tensor::Dims,
};

/// Most pixels that are treated together.
const MOST_AT_ONCE: usize = 96;

/// How many pixels, if so many bytes hold that many rows of each.
pub(super) fn pixels_at_once(rows: usize, pixels: usize, scratch: usize) -> usize {
    let fit = scratch / (rows.max(1) * size_of::<Lane>());
    (fit / 3 * 3).clamp(3, MOST_AT_ONCE).min(pixels.max(1))
}

/// `count` output pixels from `start` on, and the patches of the input under them.
#[derive(Clone, Copy)]
pub(super) struct Patch {
    pub(super) from: Dims,
    pub(super) shape: ConvolutionShape,
    pub(super) to: Dims,
    pub(super) start: usize,
    pub(super) count: usize,
}

/// Puts a row of `values` into panels of `depth` rows.
#[inline(always)]
unsafe fn into_panels<S: Simd>(values: &[Lane], row: usize, depth: usize, panels: &mut [Lane]) {
    let mut pixel = 0;
    while pixel < values.len() {
        let width = panel_width::<S>(values.len() - pixel);
        let to = &mut panels[pixel * depth + row * width..][..width];
        for (to, value) in to.iter_mut().zip(&values[pixel..]) {
            // SAFETY: the caller vouches for the features.
            unsafe { S::store(to, S::load(value)) };
        }
        pixel += width;
    }
}

/// The patches in panels of rows (input · tap).
pub(super) struct Pack<'a> {
    pub(super) x: &'a [Lane],
    pub(super) patch: Patch,
    pub(super) panels: &'a mut [Lane],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, patch, panels } = self;
        let (depth, count) = (patch.shape.depth(), patch.count);
        let mut values = [Lane::ZERO; MOST_AT_ONCE];
        for row in 0..depth {
            // SAFETY: the caller vouches for the features.
            unsafe {
                if let Some(line) = patch.as_it_is(x, row) {
                    into_panels::<S>(line, row, depth, panels);
                } else {
                    patch.pack_row(x, row, &mut values[..count]);
                    into_panels::<S>(&values[..count], row, depth, panels);
                }
            }
        }
    }
}

impl Patch {
    /// A row that is in the input as it is: of 1×1 kernels.
    #[inline(always)]
    fn as_it_is(self, x: &[Lane], row: usize) -> Option<&[Lane]> {
        let Self { from, shape, to, start, count } = self;
        let is_there = shape.taps() == 1 && from.pixels() == to.pixels() && shape.padding == [0; 2];
        is_there.then(|| &x[row * from.pixels() + start..][..count])
    }

    /// One row of the patches: an input's pixels under a tap. Output row by output row, as these are rows of the input too.
    #[inline(always)]
    fn pack_row(self, x: &[Lane], row: usize, patch: &mut [Lane]) {
        let Self { from, shape, to, start, .. } = self;
        let (taps, columns, [above, before]) = (shape.taps(), shape.kernel[1], shape.padding);
        let plane = &x[row / taps * from.pixels()..][..from.pixels()];
        let (down, across) = (row % taps / columns, row % columns);
        let (mut line, mut column, mut patch) = (start / to.width, start % to.width, patch);
        while !patch.is_empty() {
            let (here, rest) = patch.split_at_mut(patch.len().min(to.width - column));
            let y = (line * shape.stride + down).wrapping_sub(above);
            if y < from.height {
                let line = &plane[y * from.width..][..from.width];
                for (index, value) in here.iter_mut().enumerate() {
                    let x = ((column + index) * shape.stride + across).wrapping_sub(before);
                    *value = line.get(x).copied().unwrap_or(Lane::ZERO);
                }
            } else {
                here.fill(Lane::ZERO);
            }
            (line, column, patch) = (line + 1, 0, rest);
        }
    }
}

/// The patches in panels of rows of pairs.
pub(super) struct PackPairs<'a> {
    pub(super) x: &'a [Lane],
    pub(super) patch: Patch,
    pub(super) panels: &'a mut [Lane],
}

impl Kernel for PackPairs<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, patch, panels } = self;
        let (depth, count) = (patch.shape.depth(), patch.count);
        let (mut first, mut second) = ([Lane::ZERO; MOST_AT_ONCE], [Lane::ZERO; MOST_AT_ONCE]);
        let (first, second) = (&mut first[..count], &mut second[..count]);
        for row in (0..depth).step_by(2) {
            patch.pack_row(x, row, first);
            if row + 1 < depth {
                patch.pack_row(x, row + 1, second);
            } else {
                second.fill(Lane::ZERO);
            }
            // SAFETY: the caller vouches for the features.
            unsafe {
                for (first, second) in first.iter_mut().zip(&*second) {
                    S::store(first, S::pair(S::load(first), S::load(second)));
                }
                into_panels::<S>(first, row / 2, depth.div_ceil(2), panels);
            }
        }
    }
}

/// Rows of pairs, `count` vectors each, of `depth` rows that are `stride` vectors apart.
pub(super) struct PairRows<'a> {
    pub(super) data: &'a [Lane],
    pub(super) stride: usize,
    pub(super) depth: usize,
    pub(super) count: usize,
    pub(super) pairs: &'a mut [Lane],
}

impl Kernel for PairRows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { data, stride, depth, count, pairs } = self;
        for (row, to) in (0..depth).step_by(2).zip(pairs.chunks_exact_mut(count)) {
            let first = &data[row * stride..][..count];
            let second = if row + 1 < depth { &data[(row + 1) * stride..][..count] } else { &[] };
            for (i, to) in to.iter_mut().enumerate() {
                let second = second.get(i).unwrap_or(&Lane::ZERO);
                // SAFETY: the caller vouches for the features.
                unsafe { S::store(to, S::pair(S::load(&first[i]), S::load(second))) };
            }
        }
    }
}
