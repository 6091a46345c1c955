//! Between the taps of kernels and their spectra, sixteen kernels at once.
//!
//! A cross-correlation with w is a product with W(k) = Σ w(t) e^{+2πi·k(t − p)/N}, p the padding; its gradient is w(t) = Re Σ A(k)
//! e^{+2πi·k(t − p)/N}. Spectra are kept for the columns 0 … M/2; the others are conjugates.
#![allow(unsafe_code)]

use super::{
    grid::Grid,
    radix::{Cell, add_scaled, load, store, zero},
};
use crate::simd::{Kernel, Lane, Simd};

/// e^{2πi·j/N} for all j.
fn circle(length: usize) -> Vec<[f32; 2]> {
    let angle = |j: usize| std::f64::consts::TAU * j as f64 / length as f64;
    (0..length).map(|j| angle(j).sin_cos()).map(|(sin, cos)| [cos as f32, sin as f32]).collect()
}

/// The factors e^{2πi·k(t − p)/N} of both directions.
#[derive(Debug)]
pub(crate) struct Phases {
    kernel: usize,
    vertical: Vec<[f32; 2]>,
    horizontal: Vec<[f32; 2]>,
}

impl Phases {
    pub(crate) fn new(grid: &Grid, kernel: usize) -> Self {
        Self { kernel, vertical: circle(grid.rows()), horizontal: circle(grid.columns()) }
    }

    /// Taps of a kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    fn at(&self, circle: &[[f32; 2]], frequency: usize, tap: usize) -> [f32; 2] {
        let length = circle.len();
        // frequency · (tap − p), kept positive.
        circle[frequency * (tap + length * self.kernel - self.kernel / 2) % length]
    }

    #[inline(always)]
    fn vertical(&self, frequency: usize, tap: usize) -> [f32; 2] {
        self.at(&self.vertical, frequency, tap)
    }

    #[inline(always)]
    fn horizontal(&self, frequency: usize, tap: usize) -> [f32; 2] {
        self.at(&self.horizontal, frequency, tap)
    }
}

/// Taps (k, k) → spectrum (half, N), its cells `step` apart, times `scale`.
pub(crate) struct ToSpectrum<'a> {
    pub(crate) phases: &'a Phases,
    pub(crate) grid: &'a Grid,
    pub(crate) taps: &'a [Lane],
    pub(crate) spectrum: &'a mut [Cell],
    pub(crate) step: usize,
    pub(crate) scale: f32,
}

impl Kernel for ToSpectrum<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { phases, grid, taps, spectrum, step, scale } = self;
        let kernel = phases.kernel;
        let mut rows = vec![Cell::ZERO; kernel];
        for v in 0..grid.half() {
            for (y, row) in rows.iter_mut().enumerate() {
                // SAFETY: `run` is called with the features of `S`.
                unsafe {
                    let (mut re, mut im) = (S::splat(0.0), S::splat(0.0));
                    for x in 0..kernel {
                        let ([cos, sin], tap) = (phases.horizontal(v, x), S::load(&taps[y * kernel + x]));
                        (re, im) =
                            (S::fma(tap, S::splat(cos * scale), re), S::fma(tap, S::splat(sin * scale), im));
                    }
                    S::store(&mut row.re, re);
                    S::store(&mut row.im, im);
                }
            }
            for u in 0..grid.rows() {
                // SAFETY: as above.
                unsafe {
                    let mut sum = zero::<S>();
                    for (y, row) in rows.iter().enumerate() {
                        let [cos, sin] = phases.vertical(u, y);
                        sum = add_scaled::<S, false>(sum, load::<S>(row), cos, sin);
                    }
                    store::<S>(&mut spectrum[(v * grid.rows() + u) * step], sum);
                }
            }
        }
    }
}

/// Spectrum (half, N), its cells `step` apart → taps (k, k), times `scale`.
pub(crate) struct ToTaps<'a> {
    pub(crate) phases: &'a Phases,
    pub(crate) grid: &'a Grid,
    pub(crate) spectrum: &'a [Cell],
    pub(crate) step: usize,
    pub(crate) taps: &'a mut [Lane],
    pub(crate) scale: f32,
}

impl Kernel for ToTaps<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { phases, grid, spectrum, step, taps, scale } = self;
        let kernel = phases.kernel;
        taps.fill(Lane::ZERO);
        for v in 0..grid.half() {
            for y in 0..kernel {
                // SAFETY: `run` is called with the features of `S`.
                unsafe {
                    let mut sum = zero::<S>();
                    for u in 0..grid.rows() {
                        let [cos, sin] = phases.vertical(u, y);
                        sum = add_scaled::<S, false>(
                            sum,
                            load::<S>(&spectrum[(v * grid.rows() + u) * step]),
                            cos,
                            sin,
                        );
                    }
                    for x in 0..kernel {
                        let [cos, sin] = phases.horizontal(v, x);
                        let tap = &mut taps[y * kernel + x];
                        let real = S::fma(sum.re, S::splat(cos * scale), S::load(tap));
                        S::store(tap, S::fma(sum.im, S::splat(-sin * scale), real));
                    }
                }
            }
        }
    }
}
