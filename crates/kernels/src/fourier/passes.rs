//! The passes of two convolutions over a group of images.
//!
//! ```text
//! z ─ ×K₁ ─ inverse columns ─ inverse rows, bias, cut to H×W, forward rows ─ forward columns ─ t ─ ×K₂, Σ hidden ─ f
//! ```
//!
//! and back from the spectrum of f's gradient in the same steps. z and f hold the images' spectra in the lanes of
//! [`group`](super::group), t the hidden channels' of one pair of images, sixteen a lane. Column by column, all pairs of a group
//! meet the spectra of the kernels while those are in the nearest cache.
#![allow(unsafe_code)]

use super::{
    grid::Grid,
    group::{CHANNELS, PAIRS},
    line::{FORWARD, INVERSE, Place},
    radix::{Cell, Complex, add_scaled, load, product, store, zero},
};
use crate::simd::{Kernel, LANES, Lane, Simd};

/// The spectra of sixteen hidden channels' kernels, (half, N, 3), and their biases.
#[derive(Debug, Clone)]
pub(crate) struct BlockSpectra {
    pub(crate) first: Vec<Cell>,
    pub(crate) second: Vec<Cell>,
    pub(crate) bias: Lane,
}

/// Sums over images: the gradients of the kernels' spectra, (half, N, 3), and of the hidden biases.
#[derive(Debug, Clone)]
pub(crate) struct BlockGradients {
    pub(crate) first: Vec<Cell>,
    pub(crate) second: Vec<Cell>,
    pub(crate) bias: Cell,
}

/// What both directions know.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) blocks: &'a [BlockSpectra],
    /// Pairs of images in this group.
    pub(crate) pairs: usize,
}

/// z: images → spectra; t: spectra of the hidden channels; f: outputs without bias.
pub(crate) struct Forward<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) z: &'a mut [Cell],
    pub(crate) t: &'a mut [Cell],
    pub(crate) f: &'a mut [Cell],
    pub(crate) work: &'a mut [Cell],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { setting, z, t, f, work } = self;
        let Setting { grid, blocks, .. } = setting;
        f.fill(Cell::ZERO);
        // SAFETY: `run` is called with the features of `S`.
        unsafe {
            grid.forward::<S>(z, work);
            for (block, t) in blocks.iter().zip(t.chunks_exact_mut(PAIRS * grid.len())) {
                for v in 0..grid.half() {
                    setting.hidden_columns::<S, false>(&block.first, [v, v], z, t, work);
                    if let Some(mirror) = grid.mirror(v) {
                        setting.hidden_columns::<S, true>(&block.first, [v, mirror], z, t, work);
                    }
                }
                setting.cut_rows::<S>(t, work, &block.bias);
                for v in 0..grid.half() {
                    setting.output_columns::<S, false>(&block.second, [v, v], t, f, work);
                    if let Some(mirror) = grid.mirror(v) {
                        setting.output_columns::<S, true>(&block.second, [v, mirror], t, f, work);
                    }
                }
            }
            grid.inverse::<S>(f, work);
        }
    }
}

/// f: gradient of the outputs → its spectrum; t: spectra of the hidden channels, used up; sums: added to.
pub(crate) struct Backward<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) z: &'a [Cell],
    pub(crate) t: &'a mut [Cell],
    pub(crate) f: &'a mut [Cell],
    pub(crate) sums: &'a mut [BlockGradients],
    pub(crate) work: &'a mut [Cell],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { setting, z, t, f, sums, work } = self;
        let Setting { grid, blocks, .. } = setting;
        // SAFETY: `run` is called with the features of `S`.
        unsafe {
            grid.forward::<S>(f, work);
            let blocks = blocks.iter().zip(t.chunks_exact_mut(PAIRS * grid.len())).zip(sums);
            for ((block, t), sums) in blocks {
                for v in 0..grid.half() {
                    let second = (&block.second[..], &mut sums.second[..]);
                    setting.back_to_hidden::<S, false>(second, [v, v], f, t, work);
                    if let Some(mirror) = grid.mirror(v) {
                        let second = (&block.second[..], &mut sums.second[..]);
                        setting.back_to_hidden::<S, true>(second, [v, mirror], f, t, work);
                    }
                }
                setting.cut_rows::<S>(t, work, &Lane::ZERO);
                for v in 0..grid.half() {
                    setting.back_to_kernels::<S, false>(&mut sums.first, [v, v], z, t, work);
                    if let Some(mirror) = grid.mirror(v) {
                        setting.back_to_kernels::<S, true>(&mut sums.first, [v, mirror], z, t, work);
                    }
                }
                setting.add_bias(&mut sums.bias, t);
            }
        }
    }
}

/// A column of the spectra of kernels, and the column of the images' spectra that it meets: the same, or (`MIRROR`) the one of
/// the opposite frequencies, where the kernels' spectra are the conjugates.
type Columns = [usize; 2];

// SAFETY (all functions below): the caller vouches for the features of `S`; places lie in the planes that are passed.
impl Setting<'_> {
    /// Hidden spectra of a column, and from there the inverse transform along it.
    #[inline(always)]
    unsafe fn hidden_columns<S: Simd, const MIRROR: bool>(
        &self,
        kernels: &[Cell],
        [stored, at]: Columns,
        z: &[Cell],
        t: &mut [Cell],
        work: &mut [Cell],
    ) {
        let n = self.grid.rows();
        let (line, work) = work.split_at_mut(n);
        let kernels = &kernels[stored * n * CHANNELS..][..n * CHANNELS];
        for (pair, plane) in t.chunks_exact_mut(self.grid.len()).take(self.pairs).enumerate() {
            for (row, kernel) in kernels.chunks_exact(CHANNELS).enumerate() {
                let row = self.row::<MIRROR>(row);
                let image = &z[at * n + row];
                // SAFETY: see above.
                unsafe {
                    let mut sum = zero::<S>();
                    for (channel, kernel) in kernel.iter().enumerate() {
                        let (re, im) = lane(image, pair, channel);
                        sum = add_scaled::<S, MIRROR>(sum, load::<S>(kernel), re, im);
                    }
                    store::<S>(&mut line[row], sum);
                }
            }
            // SAFETY: see above.
            unsafe { self.inverse_column::<S>(line, &mut plane[at * n..][..n], work) };
        }
    }

    /// Along each row back to space, where the channels end at H×W and have their bias, and to frequency again.
    #[inline(always)]
    unsafe fn cut_rows<S: Simd>(&self, t: &mut [Cell], work: &mut [Cell], bias: &Lane) {
        let (grid, n) = (self.grid, self.grid.rows());
        let (line, work) = work.split_at_mut(grid.columns());
        for plane in t.chunks_exact_mut(grid.len()).take(self.pairs) {
            for row in 0..grid.height {
                // SAFETY: see above.
                unsafe {
                    let place = Place { first: plane.as_mut_ptr().add(row), step: n };
                    let at = Place { first: line.as_mut_ptr(), step: 1 };
                    grid.horizontal.transform::<S>(place, at, work, INVERSE);
                    for cell in &mut line[..grid.width] {
                        let (value, bias) = (load::<S>(cell), S::load(bias));
                        let (re, im) = (S::add(value.re, bias), S::add(value.im, bias));
                        store::<S>(cell, Complex { re, im });
                    }
                    line[grid.width..].fill(Cell::ZERO);
                    grid.horizontal.transform::<S>(at, place, work, FORWARD);
                }
            }
        }
    }

    /// Hidden spectra along a column, and the outputs' there.
    #[inline(always)]
    unsafe fn output_columns<S: Simd, const MIRROR: bool>(
        &self,
        kernels: &[Cell],
        [stored, at]: Columns,
        t: &mut [Cell],
        f: &mut [Cell],
        work: &mut [Cell],
    ) {
        let n = self.grid.rows();
        for plane in t.chunks_exact_mut(self.grid.len()).take(self.pairs) {
            // SAFETY: see above.
            unsafe { self.forward_column::<S>(&mut plane[at * n..][..n], work) };
        }
        let kernels = &kernels[stored * n * CHANNELS..][..n * CHANNELS];
        for (row, kernel) in kernels.chunks_exact(CHANNELS).enumerate() {
            // SAFETY: see above.
            unsafe { self.outputs::<S, MIRROR>(kernel, at * n + self.row::<MIRROR>(row), t, f) };
        }
    }

    /// The outputs of all pairs at one frequency: for each channel the sum over the lanes.
    #[inline(always)]
    unsafe fn outputs<S: Simd, const MIRROR: bool>(
        &self,
        kernel: &[Cell],
        at: usize,
        t: &[Cell],
        f: &mut [Cell],
    ) {
        // SAFETY: see above.
        unsafe {
            let nothing = S::splat(0.0);
            let (mut re, mut im) = ([nothing; LANES], [nothing; LANES]);
            for pair in 0..self.pairs {
                let hidden = load::<S>(&t[pair * self.grid.len() + at]);
                for channel in 0..CHANNELS {
                    let found = product::<S, MIRROR>(load::<S>(&kernel[channel]), hidden);
                    (re[pair * CHANNELS + channel], im[pair * CHANNELS + channel]) = (found.re, found.im);
                }
            }
            let before = load::<S>(&f[at]);
            let (re, im) = (S::add(before.re, S::row_sums(re)), S::add(before.im, S::row_sums(im)));
            store::<S>(&mut f[at], Complex { re, im });
        }
    }

    /// The gradient of the second kernels, and that of the hidden channels as far as the inverse transform of a column.
    #[inline(always)]
    unsafe fn back_to_hidden<S: Simd, const MIRROR: bool>(
        &self,
        (kernels, sums): (&[Cell], &mut [Cell]),
        [stored, at]: Columns,
        f: &[Cell],
        t: &mut [Cell],
        work: &mut [Cell],
    ) {
        let n = self.grid.rows();
        let (line, work) = work.split_at_mut(n);
        let kernels = &kernels[stored * n * CHANNELS..][..n * CHANNELS];
        let sums = &mut sums[stored * n * CHANNELS..][..n * CHANNELS];
        for (pair, plane) in t.chunks_exact_mut(self.grid.len()).take(self.pairs).enumerate() {
            let rows = kernels.chunks_exact(CHANNELS).zip(sums.chunks_exact_mut(CHANNELS));
            for (row, (kernel, sums)) in rows.enumerate() {
                let row = self.row::<MIRROR>(row);
                // SAFETY: see above.
                unsafe {
                    let hidden = load::<S>(&plane[at * n + row]);
                    let mut back = zero::<S>();
                    for channel in 0..CHANNELS {
                        let (re, im) = lane(&f[at * n + row], pair, channel);
                        // conj(D)·H and conj(K)·D; in the mirror the conjugate of the first, and K that is a conjugate itself.
                        let (sum, kernel) = (load::<S>(&sums[channel]), load::<S>(&kernel[channel]));
                        let (sum, found) = if MIRROR {
                            (
                                add_scaled::<S, true>(sum, hidden, re, im),
                                add_scaled::<S, false>(back, kernel, re, im),
                            )
                        } else {
                            (
                                add_scaled::<S, false>(sum, hidden, re, -im),
                                add_scaled::<S, true>(back, kernel, re, im),
                            )
                        };
                        store::<S>(&mut sums[channel], sum);
                        back = found;
                    }
                    store::<S>(&mut line[row], back);
                }
            }
            // SAFETY: see above.
            unsafe { self.inverse_column::<S>(line, &mut plane[at * n..][..n], work) };
        }
    }

    /// The gradient of the first kernels.
    #[inline(always)]
    unsafe fn back_to_kernels<S: Simd, const MIRROR: bool>(
        &self,
        sums: &mut [Cell],
        [stored, at]: Columns,
        z: &[Cell],
        t: &mut [Cell],
        work: &mut [Cell],
    ) {
        let n = self.grid.rows();
        let sums = &mut sums[stored * n * CHANNELS..][..n * CHANNELS];
        for (pair, plane) in t.chunks_exact_mut(self.grid.len()).take(self.pairs).enumerate() {
            let hidden = &mut plane[at * n..][..n];
            // SAFETY: see above.
            unsafe {
                self.forward_column::<S>(hidden, work);
                for (row, sums) in sums.chunks_exact_mut(CHANNELS).enumerate() {
                    let row = self.row::<MIRROR>(row);
                    let hidden = load::<S>(&hidden[row]);
                    for (channel, sum) in sums.iter_mut().enumerate() {
                        let (re, im) = lane(&z[at * n + row], pair, channel);
                        // conj(H)·Z; in the mirror its conjugate.
                        let found = if MIRROR {
                            add_scaled::<S, false>(load::<S>(sum), hidden, re, -im)
                        } else {
                            add_scaled::<S, true>(load::<S>(sum), hidden, re, im)
                        };
                        store::<S>(sum, found);
                    }
                }
            }
        }
    }

    /// The gradient of the hidden biases: the sum over a plane is its coefficient of frequency zero.
    fn add_bias(&self, sum: &mut Cell, t: &[Cell]) {
        for plane in t.chunks_exact(self.grid.len()).take(self.pairs) {
            for lane in 0..LANES {
                sum.re.0[lane] += plane[0].re.0[lane];
                sum.im.0[lane] += plane[0].im.0[lane];
            }
        }
    }

    #[inline(always)]
    fn row<const MIRROR: bool>(&self, stored: usize) -> usize {
        if MIRROR { self.grid.opposite(stored) } else { stored }
    }

    /// The forward transform of a column of which the first H cells are known and the others are zero.
    #[inline(always)]
    unsafe fn forward_column<S: Simd>(&self, column: &mut [Cell], work: &mut [Cell]) {
        column[self.grid.height..].fill(Cell::ZERO);
        let place = Place { first: column.as_mut_ptr(), step: 1 };
        // SAFETY: see above; a column is as long as its plan.
        unsafe { self.grid.vertical.transform::<S>(place, place, work, FORWARD) };
    }

    #[inline(always)]
    unsafe fn inverse_column<S: Simd>(&self, line: &mut [Cell], column: &mut [Cell], work: &mut [Cell]) {
        let from = Place { first: line.as_mut_ptr(), step: 1 };
        let to = Place { first: column.as_mut_ptr(), step: 1 };
        // SAFETY: see above; both are as long as the plan.
        unsafe { self.grid.vertical.transform::<S>(from, to, work, INVERSE) };
    }
}

/// A channel of a pair of images.
#[inline(always)]
fn lane(cell: &Cell, pair: usize, channel: usize) -> (f32, f32) {
    let lane = (pair * CHANNELS + channel) % LANES;
    (cell.re.0[lane], cell.im.0[lane])
}
