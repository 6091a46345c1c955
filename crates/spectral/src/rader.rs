//! Transforms of prime length as circular convolutions, sixteen lines at a time.
//!
//! C. M. Rader, "Discrete Fourier transforms when the number of data samples is prime", Proc. IEEE 56 (1968): the powers of a
//! generator g run through all indices but 0, and X(g⁻ᵠ) = x(0) + Σ x(gⁿ)·w(q − n) with w(m) = exp(−2πi·g⁻ᵐ/p). The convolution of length
//! p − 1 is done by transforms of that length.

use pulp::Simd;
use rustfft::{FftPlanner, num_complex::Complex64};

use crate::{
    passes::{Passes, Source},
    vector::{Cell, CellsMut, ComplexVector, LANES, Twiddle},
};

/// A plan for lines of a prime length p.
#[derive(Debug, Clone)]
pub(crate) struct Rader {
    inner: Passes,
    /// gⁿ for n < p − 1.
    order: Vec<usize>,
    /// The transform of w over p − 1.
    kernel: Vec<Twiddle>,
}

impl Rader {
    /// `None` if the length is no prime p > 2 for which there are transforms of p − 1.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let is_prime = length > 2 && (2..).take_while(|f| f * f <= length).all(|f| !length.is_multiple_of(f));
        let inner = if is_prime { Passes::new(length - 1)? } else { return None };
        let generator =
            (2..length).find(|&g| powers(g, length).skip(1).take(length - 2).all(|power| power != 1))?;
        let order: Vec<usize> = powers(generator, length).take(length - 1).collect();
        let root = |index: usize| {
            let (sin, cos) = (std::f64::consts::TAU * index as f64 / length as f64).sin_cos();
            Complex64::new(cos, -sin)
        };
        // w(m) for m = 0, 1, …: g⁻ᵐ is gⁿ for n = p − 1 − m.
        let mut kernel: Vec<Complex64> =
            (0..length - 1).map(|m| root(order[(length - 1 - m) % (length - 1)])).collect();
        FftPlanner::new().plan_fft_forward(length - 1).process(&mut kernel);
        let scale = 1.0 / (length - 1) as f64;
        let kernel =
            kernel.into_iter().map(|value| Twiddle::of((value * scale).re, (value * scale).im)).collect();
        Some(Self { inner, order, kernel })
    }

    /// Numbers of a line.
    pub(crate) fn length(&self) -> usize {
        self.order.len() + 1
    }

    /// The lines of `source`, transformed; the first of what comes back is the buffer that holds them.
    #[inline(always)]
    pub(crate) fn run<'a, S: Simd>(
        &self,
        simd: S,
        source: impl Source,
        buffers: [CellsMut<'a>; 2],
    ) -> [CellsMut<'a>; 2] {
        let [mut data, spare] = self.inner.run(simd, Ordered { source, order: &self.order }, buffers);
        let mut sum = [Cell::ZERO; 2];
        for part in 0..LANES / S::F32_LANES {
            let first = source.get(simd, 0, part);
            let total = data.all().get(simd, 0, part) + first;
            sum[0].set(part, total.re);
            sum[1].set(part, total.im);
            for (at, factor) in self.kernel.iter().enumerate() {
                let product = data.all().get(simd, at, part).rotate(factor);
                // x(0), at frequency 0, is added to every number.
                data.set(at, part, if at == 0 { product + first } else { product });
            }
        }
        let [found, to] = self.inner.run_in_place(simd, [data, spare]);
        to.re[0] = sum[0];
        to.im[0] = sum[1];
        // The inverse transform is a forward one, read backwards: the number of q is at −q, where the
        // order has g⁻ᵠ, to which it belongs.
        for (at, &index) in self.order.iter().enumerate() {
            to.re[index] = found.re[at];
            to.im[index] = found.im[at];
        }
        [to, found]
    }
}

/// gⁿ modulo p for n = 0, 1, …
fn powers(generator: usize, prime: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), move |power| Some(power * generator % prime))
}

/// Numbers of another source in the order of the powers.
#[derive(Clone, Copy)]
struct Ordered<'a, F> {
    source: F,
    order: &'a [usize],
}

impl<F: Source> Source for Ordered<'_, F> {
    #[inline(always)]
    fn get<S: Simd>(&self, simd: S, at: usize, part: usize) -> ComplexVector<S> {
        self.source.get(simd, self.order[at], part)
    }

    #[inline(always)]
    fn first(self, len: usize) -> Self {
        Self { order: &self.order[..len], ..self }
    }
}
