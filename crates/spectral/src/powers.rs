//! Powers |F|² of planes, sixteen images side by side; spectra themselves are never stored.

use pulp::Simd;

use crate::{
    Error,
    fft::{RealFft2, Scratch},
    passes::Source,
    plane::{Block, PlanePlan, PlaneScratch, blocks, cells, rows_of},
    radial::{OUTSIDE, RadialBins},
    rings::Rings,
    transpose::transpose,
    vector::{Cell, LANES, Vector},
};

/// A plan for the powers of (H, W) planes.
pub(crate) enum PowerSpectrumPlan {
    /// Sixteen columns, then sixteen rows at a time.
    Vectorised(PlanePlan),
    /// Row by row and column by column, for any size.
    General { plan: RealFft2<f32>, height: usize },
}

/// Working memory of a thread.
pub(crate) enum PowerScratch {
    Vectorised(PlaneScratch),
    General(Scratch<f32>),
}

impl PowerSpectrumPlan {
    pub(crate) fn new(height: usize, width: usize) -> Result<Self, Error> {
        Ok(match PlanePlan::new(height, width) {
            Some(plan) => Self::Vectorised(plan),
            None => Self::General { plan: RealFft2::new(height, width)?, height },
        })
    }

    pub(crate) fn scratch(&self) -> PowerScratch {
        match self {
            Self::Vectorised(plan) => PowerScratch::Vectorised(plan.scratch()),
            Self::General { plan, .. } => PowerScratch::General(plan.scratch()),
        }
    }

    /// Room for the powers of sixteen planes.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let len = match self {
            Self::Vectorised(plan) => edge(plan.sides()) + 2 * padded(plan.sides()),
            Self::General { plan, height } => plan.half_width() * height,
        };
        vec![Cell::ZERO; len]
    }

    /// Which cell belongs to which bands, once [`PowerSpectrumPlan::finish`] is through.
    pub(crate) fn rings(&self, bins: &RadialBins) -> Rings {
        match self {
            Self::Vectorised(plan) => {
                let cells = coefficients(plan).map(|(cell, u, v)| (cell, bins.pair(u, v)));
                Rings::new(bins.len(), cells)
            }
            Self::General { plan, height } => {
                // Columns that are their own mirror images hold both of a pair already.
                let width = bins.width();
                let pair = |v: usize, u: usize| match bins.pair(u, v) {
                    [own, _] if v == (width - v) % width => [own, OUTSIDE],
                    pair => pair,
                };
                let cells = (0..plan.half_width() * height).map(|at| (at, pair(at / height, at % height)));
                Rings::new(bins.len(), cells)
            }
        }
    }

    /// Puts the powers of `factor · plane` into a lane of the cells; `plane` is overwritten.
    #[inline(always)]
    pub(crate) fn put<S: Simd>(
        &self,
        simd: S,
        plane: &mut [f32],
        factor: f32,
        lane: usize,
        (scratch, powers): (&mut PowerScratch, &mut [Cell]),
    ) {
        match (self, scratch) {
            (Self::Vectorised(plan), PowerScratch::Vectorised(scratch)) => match plan.sides() {
                [32, 32] => put_plane(simd, plan, [32, 32], (plane, factor, lane), scratch, powers),
                sides => put_plane(simd, plan, sides, (plane, factor, lane), scratch, powers),
            },
            (Self::General { plan, .. }, PowerScratch::General(scratch)) => {
                plane.iter_mut().for_each(|value| *value *= factor);
                let columns = plan.columns(plane, scratch);
                columns.iter().zip(powers).for_each(|(value, cell)| cell.0[lane] = value.norm_sqr());
            }
            _ => unreachable!("scratch of the same plan"),
        }
    }

    /// After all sixteen planes: makes cells of what was put in.
    #[inline(always)]
    pub(crate) fn finish<S: Simd>(&self, simd: S, powers: &mut [Cell]) {
        if let Self::Vectorised(plan) = self {
            powers.chunks_exact_mut(LANES).for_each(|block| transpose(simd, cells(block)));
            separate_shared_row(simd, plan, powers);
        }
    }
}

/// Where the cells of the row that u = 0 and u = H/2 share begin: its real parts, then its imaginary parts, each [`padded`].
fn edge(sides: [usize; 2]) -> usize {
    blocks(sides) * LANES * sides[1]
}

/// Cells that the row's real parts have, whole blocks.
fn padded([_, width]: [usize; 2]) -> usize {
    width.next_multiple_of(LANES)
}

/// (cell, u, v) of each coefficient: sixteen rows u by column v by block of rows. The two rows that share lane 0 of block 0 have
/// its first and its second half, and their last coefficients the first cells behind all blocks. Of odd heights the second is none.
fn coefficients(plan: &PlanePlan) -> impl Iterator<Item = (usize, usize, usize)> {
    let ([height, width], edge) = (plan.sides(), edge(plan.sides()));
    let (half, shares) = (width / 2, height.is_multiple_of(2));
    let inner = (0..edge).filter_map(move |cell| {
        let (block, v, lane) = (cell / LANES / width, cell / LANES % width, cell % LANES);
        match block * LANES + lane {
            0 if v < half => Some((cell, 0, v)),
            0 => (shares && v < 2 * half).then_some((cell, height / 2, v - half)),
            u => (u < rows_of(height)).then_some((cell, u, v)),
        }
    });
    inner.chain([(edge, 0, half)]).chain(shares.then_some((edge + 1, height / 2, half)))
}

#[inline(always)]
fn put_plane<S: Simd>(
    simd: S,
    plan: &PlanePlan,
    sides: [usize; 2],
    (plane, factor, lane): (&[f32], f32, usize),
    scratch: &mut PlaneScratch,
    powers: &mut [Cell],
) {
    let edge = edge(sides);
    plan.columns(simd, sides, (plane, factor), None, scratch);
    for index in 0..blocks(sides) {
        let block = plan.block(simd, sides, index, scratch);
        put_rows(simd, block, lane, powers);
        if index == 0 {
            put_shared_row(block, lane, &mut powers[edge..]);
        }
    }
}

/// A block's row is an image's sixteen coefficients at first.
#[inline(always)]
fn put_rows<S: Simd>(simd: S, block: Block<'_>, lane: usize, powers: &mut [Cell]) {
    let squares = powers[block.index * block.width * LANES..].chunks_exact_mut(LANES);
    for (v, square) in (0..block.width).zip(squares) {
        for part in 0..LANES / S::F32_LANES {
            square[lane].set(part, block.rows.get(simd, v, part).power());
        }
    }
}

/// The coefficients of the shared row, as they are.
#[inline(always)]
fn put_shared_row(block: Block<'_>, lane: usize, edge: &mut [Cell]) {
    let (real, imaginary) = edge.split_at_mut(padded([block.height, block.width]));
    for (from, to) in [(block.rows.re, real), (block.rows.im, imaginary)] {
        for (values, square) in from.chunks(LANES).zip(to.chunks_exact_mut(LANES)) {
            square[lane].0 = std::array::from_fn(|at| values.get(at).map_or(0.0, |value| value.0[0]));
        }
    }
}

/// Of Z = A + i·B, A the row u = 0 and B the row u = H/2: 2A(v) = Z(v) + Z*(−v), 2B(v) = −i·(Z(v) − Z*(−v)).
#[inline(always)]
fn separate_shared_row<S: Simd>(simd: S, plan: &PlanePlan, powers: &mut [Cell]) {
    let (sides, edge) = (plan.sides(), edge(plan.sides()));
    let (width, padded) = (sides[1], padded(sides));
    for part in 0..LANES / S::F32_LANES {
        for v in 0..=width / 2 {
            let at = |at: usize| powers[edge + at].part(simd, part);
            let mirrored = (width - v) % width;
            let (re, im) = (at(v), at(padded + v));
            let (mirrored_re, mirrored_im) = (at(mirrored), at(padded + mirrored));
            let quarter = |x: Vector<S>, y: Vector<S>| x.mul_add(x, y * y).times(0.25);
            let first = quarter(re + mirrored_re, im - mirrored_im);
            let middle = quarter(im + mirrored_im, re - mirrored_re);
            // The last two go where the parts for v = 0 and 1 were, which are done.
            let (to, to_middle) =
                if v < width / 2 { (v * LANES, (width / 2 + v) * LANES) } else { (edge, edge + 1) };
            powers[to].set(part, first);
            powers[to_middle].set(part, middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Convention;

    #[test]
    fn every_coefficient_counts_once() -> Result<(), Error> {
        for (height, width) in
            [(32, 32), (64, 32), (32, 96), (33, 33), (28, 28), (17, 40), (46, 23), (29, 33), (8, 5), (5, 8)]
        {
            for convention in [Convention::Reference, Convention::Textbook] {
                let (bins, powers) =
                    (RadialBins::new(height, width, convention), PowerSpectrumPlan::new(height, width)?);
                let counted = powers.rings(&bins).coefficients_by_band();
                assert_eq!(counted, bins.counts(), "{height}×{width} {convention:?}");
            }
        }
        Ok(())
    }
}
