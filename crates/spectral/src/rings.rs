//! From powers of coefficients, sixteen images side by side, to sums over bands.

use pulp::Simd;

use crate::{
    Recipe,
    radial::OUTSIDE,
    vector::{Cell, LANES, Vector},
};

/// Coefficients by the bands that they and their mirror images belong to.
///
/// Coefficients of the same two bands are summed in a register first: there are far fewer pairs of bands than
/// coefficients, and those outside every band are never looked at.
#[derive(Debug, Clone)]
pub(crate) struct Rings {
    bands: usize,
    runs: Vec<Run>,
    cells: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Run {
    bands: [u32; 2],
    /// Where the run ends in `cells`.
    end: usize,
}

impl Rings {
    /// From the cell of each coefficient and its pair of bands.
    pub(crate) fn new(bands: usize, coefficients: impl IntoIterator<Item = (usize, [u32; 2])>) -> Self {
        let mut sorted: Vec<_> = coefficients
            .into_iter()
            .map(|(cell, [a, b])| ([a.min(b), a.max(b)], cell as u32))
            .filter(|(pair, _)| pair[0] != OUTSIDE)
            .collect();
        sorted.sort_unstable();
        let ends = sorted.chunk_by(|a, b| a.0 == b.0).scan(0, |end, run| {
            *end += run.len();
            Some(Run { bands: run[0].0.map(|band| band.min(bands as u32)), end: *end })
        });
        Self { bands, runs: ends.collect(), cells: sorted.iter().map(|(_, cell)| *cell).collect() }
    }

    /// The number of bands.
    pub(crate) fn len(&self) -> usize {
        self.bands
    }

    /// A sum a band, and one more for what is outside.
    pub(crate) fn sums(&self) -> Vec<Cell> {
        vec![Cell::ZERO; self.bands + 1]
    }

    /// Sums `recipe` of `squares · power` over each band.
    #[inline(always)]
    pub(crate) fn sum<S: Simd>(
        &self,
        simd: S,
        recipe: Recipe,
        power: &[Cell],
        squares: &Cell,
        sums: &mut [Cell],
    ) {
        // Outside the loops, so that each recipe gets loops of its own.
        match recipe {
            Recipe::Gradient => self.sum_values(simd, power, squares, sums, |p| Recipe::Gradient.value(p)),
            Recipe::Density => self.sum_values(simd, power, squares, sums, |p| Recipe::Density.value(p)),
            Recipe::Power => self.sum_values(simd, power, squares, sums, |p| Recipe::Power.value(p)),
        }
    }

    #[inline(always)]
    fn sum_values<S: Simd>(
        &self,
        simd: S,
        power: &[Cell],
        squares: &Cell,
        sums: &mut [Cell],
        value: impl Fn(Vector<S>) -> Vector<S>,
    ) {
        sums.fill(Cell::ZERO);
        for part in 0..LANES / S::F32_LANES {
            let (square, mut start) = (squares.part(simd, part), 0);
            for run in &self.runs {
                let mut total = Vector::splat(simd, 0.0);
                for &cell in &self.cells[start..run.end] {
                    total = total + value(power[cell as usize].part(simd, part) * square);
                }
                for band in run.bands.map(|band| band as usize) {
                    let sum = sums[band].part(simd, part) + total;
                    sums[band].set(part, sum);
                }
                start = run.end;
            }
        }
    }
}

#[cfg(test)]
impl Rings {
    pub(crate) fn coefficients_by_band(&self) -> Vec<usize> {
        let (mut counts, mut start) = (vec![0; self.bands + 1], 0);
        for run in &self.runs {
            run.bands.iter().for_each(|&band| counts[band as usize] += run.end - start);
            start = run.end;
        }
        counts.truncate(self.bands);
        counts
    }
}
