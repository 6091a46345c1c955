//! The gradient of weights: each is a sum over the pixels under its tap times gradients.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]

use super::{
    super::simd::{Kernel, Lane, Simd},
    padded::{Padded, rounded_to_bf16},
};

/// Adds to `totals`, (output, input, tap), what some rows of windows of a block give.
pub(super) struct Sums<'a> {
    pub(super) padded: Padded<'a>,
    /// Gradients of the group's planes.
    pub(super) g: &'a [Lane],
    /// Where some rows of gradients are rounded, if they are to be.
    pub(super) rounded: &'a mut [Lane],
    /// Lanes that are images.
    pub(super) lanes: usize,
    pub(super) totals: &'a mut [f64],
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        // SAFETY: the caller vouches for the features.
        unsafe { self.padded.fill::<S>() };
        let (motion, lines, width) = (self.padded.motion, self.padded.lines.clone(), self.padded.to.width);
        for output in 0..motion.outputs {
            let start = (output * self.padded.to.height + lines.start) * width;
            let mut g = &self.g[start..start + lines.len() * width];
            if self.padded.rounded {
                for (to, value) in self.rounded.iter_mut().zip(g) {
                    // SAFETY: the caller vouches for the features.
                    unsafe { S::store(to, rounded_to_bf16::<S>(S::load(value), true)) };
                }
                g = &self.rounded[..g.len()];
            }
            for input in 0..motion.inputs {
                let taps = motion.taps();
                let totals = &mut self.totals[(output * motion.inputs + input) * taps..][..taps];
                let plane = self.padded.plane();
                let x = &self.padded.padded[input * plane..][..plane];
                let pair = Pair { x, g, padded: &self.padded, lanes: self.lanes, totals };
                // SAFETY: the caller vouches for the features.
                unsafe {
                    match motion.kernel {
                        3 => pair.add::<S, 3, 3>(),
                        5 => pair.add::<S, 1, 5>(),
                        7 => pair.add::<S, 1, 7>(),
                        _ => pair.add::<S, 1, 1>(),
                    }
                }
            }
        }
    }
}

/// One padded plane, and the gradients of one output.
struct Pair<'a> {
    x: &'a [Lane],
    g: &'a [Lane],
    padded: &'a Padded<'a>,
    lanes: usize,
    totals: &'a mut [f64],
}

impl Pair<'_> {
    /// All taps, D rows and A columns of them at once.
    #[inline(always)]
    unsafe fn add<S: Simd, const D: usize, const A: usize>(self) {
        let (motion, columns) = (self.padded.motion, self.padded.to.width);
        let (width, kernel, step) = (Padded::width(motion, self.padded.to), motion.kernel, motion.step);
        assert!(kernel.is_multiple_of(D) && kernel.is_multiple_of(A), "whole tiles of taps");
        let lines = self.g.len() / columns;
        let end = ((lines - 1) * step + kernel - 1) * width + (columns - 1) * step + kernel;
        assert!(end <= self.x.len(), "windows within the plane");
        for down in (0..kernel).step_by(D) {
            for across in (0..kernel).step_by(A) {
                // SAFETY: the features are the caller's promise; pointers stay within what is asserted above.
                unsafe {
                    let mut sums = [[S::splat(0.0); A]; D];
                    for line in 0..lines {
                        let g = self.g.as_ptr().add(line * columns);
                        let x = self.x.as_ptr().add((line * step + down) * width + across);
                        for column in 0..columns {
                            let g = S::load(&*g.add(column));
                            let x = x.add(column * step);
                            for d in 0..D {
                                for a in 0..A {
                                    sums[d][a] = S::fma(g, S::load(&*x.add(d * width + a)), sums[d][a]);
                                }
                            }
                        }
                    }
                    for d in 0..D {
                        for a in 0..A {
                            let mut lane = Lane::ZERO;
                            S::store(&mut lane, sums[d][a]);
                            let sum: f64 = lane.0[..self.lanes].iter().map(|&value| f64::from(value)).sum();
                            self.totals[(down + d) * kernel + across + a] += sum;
                        }
                    }
                }
            }
        }
    }
}
