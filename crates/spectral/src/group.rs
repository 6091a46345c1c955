//! Profiles of up to sixteen images, one a lane: the hot path of the gradient spectrum.
//!
//! Per image: channels summed, one plane transformed, |F|² kept for half the plane. Per group: the bands, where an image
//! is a lane, so that sums, roots and logarithms take sixteen images at once. Shares of energy come of the same |F|².

use pulp::{Simd, WithSimd};

use crate::{
    Convention, Error, Recipe, ahead,
    powers::{PowerScratch, PowerSpectrumPlan},
    radial::RadialBins,
    rings::Rings,
    vector::{Cell, LANES, Vector},
};

/// What is computed, planned once.
pub(crate) struct Plan {
    recipe: Recipe,
    weights: Vec<f32>,
    pixels: usize,
    /// Whether DC is in a band.
    counts_dc: bool,
    powers: PowerSpectrumPlan,
    rings: Rings,
    /// Coefficients in each band.
    counts: Vec<usize>,
    /// The rings whose shares of the energy are found, too.
    energies: Option<Rings>,
}

impl Plan {
    pub(crate) fn new(
        recipe: Recipe,
        channels: usize,
        [height, width]: [usize; 2],
        bins: &RadialBins,
        convention: Convention,
    ) -> Result<Self, Error> {
        let powers = PowerSpectrumPlan::new(height, width)?;
        Ok(Self {
            recipe,
            weights: recipe.channel_weights(channels)?,
            pixels: height * width,
            counts_dc: convention == Convention::Textbook,
            rings: powers.rings(bins),
            powers,
            counts: bins.counts().to_vec(),
            energies: None,
        })
    }

    /// The same plan, which also finds the share of each of these rings in the energy of all.
    pub(crate) fn with_energy_shares(self, rings: &RadialBins) -> Self {
        Self { energies: Some(self.powers.rings(rings)), ..self }
    }

    /// Numbers of an image: a mean a band, then a share a ring.
    pub(crate) fn row_length(&self) -> usize {
        self.counts.len() + self.energies.as_ref().map_or(0, Rings::len)
    }

    pub(crate) fn scratch(&self) -> Scratch {
        Scratch {
            plane: vec![0.0; self.pixels],
            transform: self.powers.scratch(),
            powers: self.powers.cells(),
            sums: self.rings.sums(),
            means: vec![[0.0; LANES]; self.counts.len()],
            energies: self.energies.as_ref().map_or_else(Vec::new, Rings::sums),
        }
    }
}

/// Working memory of a thread.
pub(crate) struct Scratch {
    plane: Vec<f32>,
    transform: PowerScratch,
    powers: Vec<Cell>,
    sums: Vec<Cell>,
    means: Vec<[f64; LANES]>,
    energies: Vec<Cell>,
}

/// Up to sixteen images (C, H, W), their rows of numbers, and whether they have any.
pub(crate) struct Group<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) images: &'a [f32],
    pub(crate) rows: &'a mut [f64],
    pub(crate) present: &'a mut [bool],
    pub(crate) scratch: &'a mut Scratch,
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { plan, images, rows, present, scratch } = self;
        let mut squares = Cell::ZERO;
        let length = plan.weights.len() * plan.pixels;
        for (lane, image) in images.chunks_exact(length).enumerate() {
            let extent = sum_channels(simd, image, &plan.weights, &mut scratch.plane);
            ahead::ask_for(&images[(lane + 1) * length..]);
            let scale = extent.scale(plan.counts_dc);
            // A plane to be left out becomes zeros.
            let factor = if scale == 0.0 { 0.0 } else { 1.0 / scale };
            let into = (&mut scratch.transform, &mut scratch.powers[..]);
            plan.powers.put(simd, &mut scratch.plane, factor, lane, into);
            // Where it makes no difference the scale stays out: its square could underflow.
            squares.0[lane] = if plan.recipe.ignores_scale() { 1.0 } else { scale * scale };
        }
        plan.powers.finish(simd, &mut scratch.powers);
        plan.rings.sum(simd, plan.recipe, &scratch.powers, &squares, &mut scratch.sums);
        let range = means(&scratch.sums, &plan.counts, &mut scratch.means);
        range.write(plan.recipe, &scratch.means, (&mut *rows, plan.row_length()), present);
        if let Some(rings) = &plan.energies {
            rings.sum(simd, Recipe::Power, &scratch.powers, &Cell([1.0; LANES]), &mut scratch.energies);
            write_shares(&scratch.energies[..rings.len()], (rows, plan.row_length()), present);
        }
    }
}

/// Turns energies of rings into each image's shares of their sum, at the ends of its row.
fn write_shares(energies: &[Cell], (rows, length): (&mut [f64], usize), present: &[bool]) {
    for (lane, (row, _)) in
        rows.chunks_exact_mut(length).zip(present).enumerate().filter(|(_, (_, present))| **present)
    {
        let total: f64 = energies.iter().map(|energy| f64::from(energy.0[lane])).sum();
        let shares = &mut row[length - energies.len()..];
        shares
            .iter_mut()
            .zip(energies)
            .for_each(|(share, energy)| *share = f64::from(energy.0[lane]) / total);
    }
}

/// Least and greatest value of a plane, and 0 if all are finite, else not a number.
struct Extent {
    low: f32,
    high: f32,
    probe: f32,
}

impl Extent {
    /// The largest magnitude, by which a plane is divided so that no square over- or underflows; 0 for one to be left
    /// out, because it is constant where DC is in no band; not a number for one that is not finite.
    fn scale(&self, counts_dc: bool) -> f32 {
        let largest = self.high.max(-self.low);
        if self.probe != 0.0 {
            f32::NAN
        } else if self.low == self.high && !counts_dc || largest < f32::MIN_POSITIVE {
            0.0 // a scale whose inverse overflows is as good as zero
        } else {
            largest
        }
    }
}

/// Weighted sums of the channels.
#[inline(always)]
fn sum_channels<S: Simd>(simd: S, image: &[f32], weights: &[f32], plane: &mut [f32]) -> Extent {
    let (first, others) = image.split_at(plane.len());
    let splat = |value| Vector::splat(simd, value);
    let (mut low, mut high, mut probe) = (splat(f32::INFINITY), splat(f32::NEG_INFINITY), splat(0.0));
    let (vectors, tail) = S::as_mut_simd_f32s(plane);
    let done = vectors.len();
    for (at, out) in vectors.iter_mut().enumerate() {
        let mut sum = Vector::new(simd, S::as_simd_f32s(first).0[at]).times(weights[0]);
        for (channel, &weight) in others.chunks_exact(first.len()).zip(&weights[1..]) {
            sum = Vector::new(simd, S::as_simd_f32s(channel).0[at]).mul_add(splat(weight), sum);
        }
        *out = sum.lanes();
        (low, high, probe) = (low.min(sum), high.max(sum), sum.mul_add(splat(0.0), probe));
    }
    let mut extent = Extent { low: low.least(), high: high.greatest(), probe: probe.sum() };
    let lanes = done * S::F32_LANES;
    for (at, out) in tail.iter_mut().enumerate() {
        let channels = image.chunks_exact(first.len()).zip(weights);
        *out = channels.map(|(channel, &weight)| weight * channel[lanes + at]).sum();
        extent.low = extent.low.min(*out);
        extent.high = extent.high.max(*out);
        extent.probe += *out * 0.0;
    }
    extent
}

/// Least and greatest mean of each image, and 0 if all are finite, else not a number.
struct Range {
    low: [f64; LANES],
    high: [f64; LANES],
    probe: [f64; LANES],
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "lanes of several arrays side by side vectorise")]
fn means(sums: &[Cell], counts: &[usize], means: &mut [[f64; LANES]]) -> Range {
    let mut range =
        Range { low: [f64::INFINITY; LANES], high: [f64::NEG_INFINITY; LANES], probe: [0.0; LANES] };
    for ((mean, sum), &count) in means.iter_mut().zip(sums).zip(counts) {
        let count = count as f64;
        for lane in 0..LANES {
            let value = f64::from(sum.0[lane]) / count;
            mean[lane] = value;
            range.low[lane] = if value < range.low[lane] { value } else { range.low[lane] };
            range.high[lane] = if value > range.high[lane] { value } else { range.high[lane] };
            range.probe[lane] += value * 0.0;
        }
    }
    range
}

impl Range {
    /// Min–max scales the profiles to [0, 1] if that is asked for, and turns them into rows. Constant ones have no scaled
    /// profile; those that are not finite have none at all.
    #[inline(always)]
    fn write(
        &self,
        recipe: Recipe,
        means: &[[f64; LANES]],
        (rows, length): (&mut [f64], usize),
        present: &mut [bool],
    ) {
        let is_scaled = recipe != Recipe::Power;
        for (lane, present) in present.iter_mut().enumerate() {
            *present = self.probe[lane] == 0.0 && (!is_scaled || self.high[lane] > self.low[lane]);
        }
        let (low, span): ([f64; LANES], [f64; LANES]) = if is_scaled {
            (self.low, std::array::from_fn(|lane| self.high[lane] - self.low[lane]))
        } else {
            ([0.0; LANES], [1.0; LANES])
        };
        for (band, mean) in means.iter().enumerate() {
            let mut value = *mean;
            for lane in 0..LANES {
                value[lane] = (value[lane] - low[lane]) / span[lane];
            }
            for ((row, present), value) in rows.chunks_exact_mut(length).zip(present.iter()).zip(value) {
                row[band] = if *present { value } else { 0.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::everywhere;

    /// Profiles of five images.
    fn profiles(arch: pulp::Arch, plan: &Plan, images: &[f32]) -> Vec<f64> {
        let (mut rows, mut present) = (vec![0.0; 5 * plan.counts.len()], [false; 5]);
        let mut scratch = plan.scratch();
        arch.dispatch(Group { plan, images, rows: &mut rows, present: &mut present, scratch: &mut scratch });
        assert_eq!(present, [true; 5]);
        rows
    }

    #[test]
    fn every_instruction_set_agrees() -> Result<(), Error> {
        for recipe in [Recipe::Gradient, Recipe::Density, Recipe::Power] {
            for (height, width) in [(32, 32), (64, 96), (16, 16), (33, 40)] {
                let bins = RadialBins::new(height, width, Convention::Reference);
                let plan = Plan::new(recipe, 3, [height, width], &bins, Convention::Reference)?;
                let images: Vec<f32> =
                    (0..15 * height * width).map(|at| (at * at % 8191) as f32 / 8191.0).collect();
                let all: Vec<_> =
                    everywhere().into_iter().map(|arch| profiles(arch, &plan, &images)).collect();
                for other in &all[1..] {
                    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-5 * a.abs().max(1.0);
                    assert!(all[0].iter().zip(other).all(close), "{recipe:?} {height}×{width}");
                }
            }
        }
        Ok(())
    }
}
