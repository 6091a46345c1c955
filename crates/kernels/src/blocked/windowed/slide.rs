//! Windows that slide: results of a few channels and neighbouring pixels are summed in registers.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]

use super::{
    super::{
        gemm::{Finish, Out, finish_row},
        simd::{Kernel, Simd},
    },
    padded::Padded,
};

/// Channels of results that are computed at once, where a group has so many.
pub(super) const AT_ONCE: usize = 4;

/// Results of a group's channels for some rows of windows, whose planes are padded first.
pub(super) struct Slide<'a, 'b> {
    pub(super) padded: Padded<'a>,
    pub(super) weights: &'a [f32],
    pub(super) out: &'a mut Out<'b>,
    pub(super) finish: Finish<'a>,
}

impl Kernel for Slide<'_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        // SAFETY: the caller vouches for the features.
        unsafe { self.padded.fill::<S>() };
        let (outputs, summands) =
            (self.padded.motion.outputs, self.padded.motion.inputs * self.padded.motion.taps());
        let (mut first, mut weights) = (0, self.weights);
        while first < outputs {
            let count = if outputs - first >= AT_ONCE { AT_ONCE } else { 1 };
            let (here, rest) = weights.split_at(count * summands);
            for line in self.padded.lines.clone() {
                // SAFETY: the caller vouches for the features.
                unsafe { self.line::<S>(line, first, count, here) };
            }
            (first, weights) = (first + count, rest);
        }
    }
}

impl Slide<'_, '_> {
    /// A row of results of one channel or of [`AT_ONCE`].
    #[inline(always)]
    unsafe fn line<S: Simd>(&mut self, line: usize, channel: usize, channels: usize, weights: &[f32]) {
        let width = self.padded.to.width;
        let sevens = width.is_multiple_of(7);
        let mut column = 0;
        while column < width {
            let (at, left) = ([line, column, channel], width - column);
            // SAFETY: the caller vouches for the features.
            column += unsafe {
                match (S::ROWS == 8, channels == 1) {
                    (true, true) if sevens => self.tile::<S, 1, 7>(at, weights),
                    (true, true) if left >= 8 => self.tile::<S, 1, 8>(at, weights),
                    (true, true) if left >= 4 => self.tile::<S, 1, 4>(at, weights),
                    (true, false) if left >= 4 => self.tile::<S, AT_ONCE, 4>(at, weights),
                    (true, false) if left == 3 => self.tile::<S, AT_ONCE, 3>(at, weights),
                    (false, true) if left >= 4 => self.tile::<S, 1, 4>(at, weights),
                    (_, true) => self.tile::<S, 1, 1>(at, weights),
                    (_, false) => self.tile::<S, AT_ONCE, 1>(at, weights),
                }
            };
        }
    }

    /// R channels of P neighbouring results. Returns P.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const P: usize>(
        &mut self,
        [line, column, channel]: [usize; 3],
        weights: &[f32],
    ) -> usize {
        let (motion, plane) = (self.padded.motion, self.padded.plane());
        let (width, kernel, step) = (Padded::width(motion, self.padded.to), motion.kernel, motion.step);
        let start = (line - self.padded.lines.start) * step * width + column * step;
        let end = start + (motion.inputs - 1) * plane + (kernel - 1) * width + (P - 1) * step + kernel;
        assert!(end <= self.padded.padded.len() && weights.len() == R * motion.inputs * motion.taps());
        // SAFETY: the features are the caller's promise; pointers stay within what is asserted above.
        unsafe {
            let mut sums = [[S::splat(0.0); P]; R];
            let mut weight = weights.as_ptr();
            let source = self.padded.padded.as_ptr().add(start);
            for input in 0..motion.inputs {
                for down in 0..kernel {
                    let mut from = source.add(input * plane + down * width);
                    for _ in 0..kernel {
                        let mut x = [S::splat(0.0); P];
                        for p in 0..P {
                            x[p] = S::load(&*from.add(p * step));
                        }
                        for r in 0..R {
                            let weight = S::splat(*weight.add(r));
                            for p in 0..P {
                                sums[r][p] = S::fma(x[p], weight, sums[r][p]);
                            }
                        }
                        (from, weight) = (from.add(1), weight.add(R));
                    }
                }
            }
            let pixel = line * self.padded.to.width + column;
            for (r, sums) in sums.into_iter().enumerate() {
                finish_row::<S, P>(sums, self.out, self.finish, channel + r, pixel);
            }
        }
        P
    }
}
