//! One-dimensional complex transforms of sixteen lines at a time, one line a lane: in passes of small radices where the length has no
//! other factors; of larger primes as convolutions.

use pulp::Simd;

use crate::{
    passes::{Passes, Source},
    rader::Rader,
    vector::CellsMut,
};

/// A plan for forward transforms of lines of a length, unnormalised.
#[derive(Debug, Clone)]
pub(crate) enum Lines {
    Passes(Passes),
    Prime(Rader),
}

impl Lines {
    /// `None` if the length is less than 2 or has a prime factor above 23, and is no prime p for which p − 1 has none.
    pub(crate) fn new(length: usize) -> Option<Self> {
        Passes::new(length).map(Self::Passes).or_else(|| Rader::new(length).map(Self::Prime))
    }

    /// Cells that each of the two buffers needs.
    pub(crate) fn room(&self) -> usize {
        match self {
            Self::Passes(passes) => passes.length(),
            Self::Prime(rader) => rader.length(),
        }
    }

    /// Transforms the lines of `source`, index by index; the result lies in one of the two buffers and is returned.
    #[inline(always)]
    pub(crate) fn run<'a, S: Simd>(
        &self,
        simd: S,
        source: impl Source,
        buffers: [CellsMut<'a>; 2],
    ) -> CellsMut<'a> {
        let [found, _] = match self {
            Self::Passes(passes) => passes.run(simd, source, buffers),
            Self::Prime(rader) => rader.run(simd, source, buffers),
        };
        found
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::{
        dispatch::everywhere,
        naive_dft,
        vector::{Cells, CellsRef, LANES},
    };

    struct Run<'a> {
        plan: &'a Lines,
        source: CellsRef<'a>,
        buffers: [CellsMut<'a>; 2],
    }

    impl WithSimd for Run<'_> {
        type Output = Vec<[[f32; 2]; LANES]>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let out = self.plan.run(simd, self.source, self.buffers);
            out.re
                .iter()
                .zip(out.im.iter())
                .map(|(re, im)| std::array::from_fn(|l| [re.0[l], im.0[l]]))
                .collect()
        }
    }

    #[test]
    fn every_radix_matches_the_definition_in_every_lane() {
        for length in
            [2, 3, 4, 5, 7, 8, 11, 12, 13, 16, 17, 19, 21, 23, 29, 32, 35, 64, 97, 128, 224, 256, 299, 331]
        {
            let plan = Lines::new(length).expect("small factors");
            for arch in everywhere() {
                let [mut source, mut data, mut spare] = std::array::from_fn(|_| Cells::zeros(length));
                let value = |at: usize, lane: usize| ((at * 37 + lane * 11) % 101) as f32 / 101.0 - 0.5;
                let window = source.window(0, length);
                for at in 0..length {
                    window.re[at].0 = std::array::from_fn(|lane| value(at, lane));
                    window.im[at].0 = std::array::from_fn(|lane| value(at + 7, lane));
                }
                let buffers = [data.window(0, length), spare.window(0, length)];
                let found = arch.dispatch(Run { plan: &plan, source: window.all(), buffers });
                for lane in 0..LANES {
                    let part = |shift: usize| -> Vec<f64> {
                        (0..length).map(|at| f64::from(value(at + shift, lane))).collect()
                    };
                    let (re, im) = (naive_dft(&part(0), 1, length), naive_dft(&part(7), 1, length));
                    for (at, found) in found.iter().enumerate() {
                        let expected = [re[at].re - im[at].im, re[at].im + im[at].re];
                        let apart = (0..2).map(|i| (f64::from(found[lane][i]) - expected[i]).abs());
                        assert!(apart.fold(0.0, f64::max) < 2e-5, "{length} {arch:?} {at} {lane}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_number_and_large_prime_factors_are_refused() {
        assert!(
            Lines::new(1).is_none()
                && Lines::new(59).is_none() // 58 = 2 · 29
                && Lines::new(64 * 31).is_none()
                && Lines::new(96).is_some()
        );
    }
}
