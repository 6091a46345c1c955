//! Two convolutions with nothing between them, images to images.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{
    grid::Grid,
    group::{CHANNELS, GROUP, PAIRS, channel_sums, gather, scatter},
    passes::{Backward, BlockGradients, BlockSpectra, Forward, Setting},
    radix::Cell,
    taps::{Phases, ToSpectrum, ToTaps},
};
use crate::{
    parallel::for_each_part,
    simd::{InstructionSet, LANES, Lane, run},
};

/// Parts that a batch's gradients are summed in, however many threads there are; each takes memory for a sum.
const PARTS: usize = 16;

/// Sizes: (B, 3, H, W) → (B, hidden, H, W) → (B, 3, H, W), odd kernels, zero padding that keeps the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairShape {
    /// Channels between the convolutions.
    pub hidden: usize,
    /// Side of the kernels; odd.
    pub kernel: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
}

impl PairShape {
    /// Values of an image.
    pub fn image(&self) -> usize {
        CHANNELS * self.height * self.width
    }

    /// Weights of either convolution.
    pub fn weights(&self) -> usize {
        self.hidden * CHANNELS * self.kernel * self.kernel
    }
}

/// Weights and biases as PyTorch has them: (hidden, 3, k, k), (hidden), (3, hidden, k, k), (3).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // the names say it
pub struct PairParameters<'a> {
    pub first_weight: &'a [f32],
    pub first_bias: &'a [f32],
    pub second_weight: &'a [f32],
    pub second_bias: &'a [f32],
}

/// A gradient of each of [`PairParameters`], in the same order.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the names say it
pub struct PairGradients {
    pub first_weight: Vec<f32>,
    pub first_bias: Vec<f32>,
    pub second_weight: Vec<f32>,
    pub second_bias: Vec<f32>,
}

/// y = second(first(x)), two convolutions (cross-correlations, as everywhere in the field) with bias, and its gradients.
///
/// Ten images at a time go through transforms and back, so memory does not grow with the batch. The same bits for any number of
/// threads.
///
/// ```
/// use kernels::{blocked::InstructionSet, fourier::{ConvolutionPair, PairParameters, PairShape}};
/// let shape = PairShape { hidden: 1, kernel: 1, height: 1, width: 2 };
/// let (first_weight, second_weight) = (&[1.0, 2.0, 3.0][..], &[1.0, 10.0, 100.0][..]);
/// let parameters = PairParameters { first_weight, first_bias: &[0.5], second_weight, second_bias: &[0.0, 0.0, 7.0] };
/// let pair = ConvolutionPair::new(shape, &parameters, InstructionSet::current());
/// let mut y = [0.0; 6];
/// pair.forward(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], &mut y);
/// // (1 + 2 + 3 + 0.5) and 0.5, times 1, 10 and 100.
/// let expected = [6.5, 0.5, 65.0, 5.0, 657.0, 57.0];
/// assert!(y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-3), "{y:?}");
/// ```
#[derive(Debug)]
pub struct ConvolutionPair {
    shape: PairShape,
    instructions: InstructionSet,
    grid: Grid,
    phases: Phases,
    blocks: Vec<BlockSpectra>,
    bias: [f32; CHANNELS],
    spaces: Mutex<Vec<Space>>,
}

/// What a group of images needs on its way.
#[derive(Debug)]
struct Space {
    z: Vec<Cell>,
    t: Vec<Cell>,
    f: Vec<Cell>,
    work: Vec<Cell>,
    outputs: Vec<f32>,
    gradients: Vec<f32>,
}

/// Sums of gradients over images.
struct Sums {
    blocks: Vec<BlockGradients>,
    bias: [f32; CHANNELS],
}

impl ConvolutionPair {
    /// # Panics
    /// If a size is 0, the kernel is even, or a parameter has another length than the shape says.
    pub fn new(shape: PairShape, parameters: &PairParameters<'_>, instructions: InstructionSet) -> Self {
        let PairShape { hidden, kernel, height, width } = shape;
        assert!(hidden > 0 && height > 0 && width > 0 && kernel % 2 == 1, "{shape:?}: sizes, an odd kernel");
        let grid = Grid::new(height, width, kernel / 2);
        let phases = Phases::new(&grid, kernel);
        let spectrum = vec![Cell::ZERO; grid.half() * grid.rows() * CHANNELS];
        let block = BlockSpectra { first: spectrum.clone(), second: spectrum, bias: Lane::ZERO };
        let blocks = vec![block; hidden.div_ceil(LANES)];
        let (bias, spaces) = ([0.0; CHANNELS], Mutex::default());
        let mut pair = Self { shape, instructions, grid, phases, blocks, bias, spaces };
        pair.load(parameters);
        pair
    }

    /// Takes other parameters of the same sizes.
    ///
    /// # Panics
    /// If a parameter has another length than the shape says.
    pub fn load(&mut self, parameters: &PairParameters<'_>) {
        let PairParameters { first_weight, first_bias, second_weight, second_bias } = *parameters;
        let PairShape { hidden, .. } = self.shape;
        let lengths = [first_weight.len(), first_bias.len(), second_weight.len(), second_bias.len()];
        let weights = self.shape.weights();
        assert_eq!(lengths, [weights, hidden, weights, CHANNELS], "parameters of {:?}", self.shape);
        self.bias.copy_from_slice(second_bias);
        let Self { instructions, grid, phases, blocks, .. } = self;
        let scale = 1.0 / grid.len() as f32;
        let taps = phases.taps();
        for (block, BlockSpectra { first, second, bias }) in blocks.iter_mut().enumerate() {
            let units = block * LANES..hidden.min((block + 1) * LANES);
            units.clone().for_each(|unit| bias.0[unit % LANES] = first_bias[unit]);
            for channel in 0..CHANNELS {
                let first_at = |unit: usize| (unit * CHANNELS + channel) * taps;
                let second_at = |unit: usize| (channel * hidden + unit) * taps;
                for (weights, at, spectrum) in [
                    (first_weight, &first_at as &dyn Fn(usize) -> usize, &mut *first),
                    (second_weight, &second_at, &mut *second),
                ] {
                    let mut lanes = vec![Lane::ZERO; taps];
                    for unit in units.clone() {
                        let weights = &weights[at(unit)..][..taps];
                        lanes.iter_mut().zip(weights).for_each(|(lane, w)| lane.0[unit % LANES] = *w);
                    }
                    let spectrum = &mut spectrum[channel..];
                    run(
                        *instructions,
                        ToSpectrum { phases, grid, taps: &lanes, spectrum, step: CHANNELS, scale },
                    );
                }
            }
        }
    }

    /// (B, 3, H, W) → (B, 3, H, W).
    ///
    /// # Panics
    /// If `images` is no whole number of images or `outputs` is not as long.
    pub fn forward(&self, images: &[f32], outputs: &mut [f32]) {
        self.check(images);
        assert_eq!(images.len(), outputs.len(), "as many outputs as images");
        let group = GROUP * self.shape.image();
        images.par_chunks(group).zip(outputs.par_chunks_mut(group)).for_each(|(images, outputs)| {
            let mut space = self.space();
            self.forward_group(images, &mut space);
            scatter(&self.grid, &space.f, &self.bias, outputs);
            self.recycle(space);
        });
    }

    /// The gradients of a sum over images. `objective` is called for every ten images (the last time for fewer), with the place of
    /// the first one, the outputs, and a slice of their size to which it writes the sum's gradient with respect to them;
    /// what it returns comes back in the order of images.
    ///
    /// # Panics
    /// If `images` is no whole number of images.
    pub fn gradients<R: Send>(
        &self,
        images: &[f32],
        objective: impl Fn(usize, &[f32], &mut [f32]) -> R + Sync,
    ) -> (PairGradients, Vec<R>) {
        self.check(images);
        let groups: Vec<&[f32]> = images.chunks(GROUP * self.shape.image()).collect();
        let part = groups.len().div_ceil(PARTS).max(1);
        let parts: Vec<(Sums, Vec<R>)> = groups
            .par_chunks(part)
            .enumerate()
            .map(|(index, groups)| {
                let (mut sums, mut space) = (self.no_sums(), self.space());
                let first = |group: usize| (index * part + group) * GROUP;
                let each = groups.iter().enumerate();
                let found = each.map(|(group, images)| {
                    self.outputs_of_group(images, &mut space);
                    let (outputs, gradients) = (&space.outputs, &mut space.gradients);
                    let found =
                        objective(first(group), &outputs[..images.len()], &mut gradients[..images.len()]);
                    self.backward_group(images, &mut sums, &mut space);
                    found
                });
                let found = found.collect();
                self.recycle(space);
                (sums, found)
            })
            .collect();
        let (sums, found): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (self.total_gradients(sums), found.into_iter().flatten().collect())
    }

    fn check(&self, images: &[f32]) {
        assert!(
            images.len().is_multiple_of(self.shape.image()),
            "{} values are no whole images",
            images.len()
        );
    }

    // Not inlined, and without the caller's types: they are compiled here, and not in every crate that has an objective.
    #[inline(never)]
    fn forward_group(&self, images: &[f32], space: &mut Space) {
        let Space { z, t, f, work, .. } = space;
        gather(&self.grid, images, z);
        run(self.instructions, Forward { setting: self.setting(images), z, t, f, work });
    }

    /// The outputs of a group, left in `space`.
    #[inline(never)]
    fn outputs_of_group(&self, images: &[f32], space: &mut Space) {
        self.forward_group(images, space);
        scatter(&self.grid, &space.f, &self.bias, &mut space.outputs[..images.len()]);
    }

    /// Adds what the gradients of a group's outputs, found in `space`, give.
    #[inline(never)]
    fn backward_group(&self, images: &[f32], sums: &mut Sums, space: &mut Space) {
        let Space { z, t, f, work, gradients, .. } = space;
        gather(&self.grid, &gradients[..images.len()], f);
        let setting = self.setting(images);
        run(self.instructions, Backward { setting, z, t, f, sums: &mut sums.blocks, work });
        // The sum over a plane is its coefficient of frequency zero.
        sums.bias.iter_mut().zip(channel_sums(&f[0])).for_each(|(sum, value)| *sum += value);
    }

    fn setting(&self, images: &[f32]) -> Setting<'_> {
        let pairs = (images.len() / self.shape.image()).div_ceil(2);
        Setting { grid: &self.grid, blocks: &self.blocks, pairs }
    }

    #[inline(never)]
    fn no_sums(&self) -> Sums {
        let spectrum = vec![Cell::ZERO; self.grid.half() * self.grid.rows() * CHANNELS];
        let block = BlockGradients { first: spectrum.clone(), second: spectrum, bias: Cell::ZERO };
        Sums { blocks: vec![block; self.blocks.len()], bias: [0.0; CHANNELS] }
    }

    #[inline(never)]
    fn total_gradients(&self, parts: Vec<Sums>) -> PairGradients {
        self.parameter_gradients(self.total(parts))
    }

    /// The sums of all parts, in their order.
    fn total(&self, parts: Vec<Sums>) -> Sums {
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_else(|| self.no_sums());
        let others: Vec<Sums> = parts.collect();
        let add = |to: &mut [Cell], of: &(dyn Fn(&Sums) -> &[Cell] + Sync)| {
            let size = self.grid.rows() * CHANNELS;
            for_each_part(to, size, |index, to| {
                for other in &others {
                    let from = &of(other)[index * size..][..size];
                    to.iter_mut().zip(from).for_each(|(to, from)| add_cell(to, from));
                }
            });
        };
        for (index, block) in total.blocks.iter_mut().enumerate() {
            add(&mut block.first, &|sums| &sums.blocks[index].first);
            add(&mut block.second, &|sums| &sums.blocks[index].second);
            others.iter().for_each(|other| add_cell(&mut block.bias, &other.blocks[index].bias));
        }
        for other in &others {
            total.bias.iter_mut().zip(other.bias).for_each(|(sum, value)| *sum += value);
        }
        total
    }

    fn parameter_gradients(&self, sums: Sums) -> PairGradients {
        let (shape, taps) = (self.shape, self.phases.taps());
        let weights = vec![0.0; shape.weights()];
        let (mut first_weight, mut second_weight) = (weights.clone(), weights);
        let mut first_bias = Vec::with_capacity(shape.hidden);
        for (block, BlockGradients { first, second, bias }) in sums.blocks.iter().enumerate() {
            let units = block * LANES..shape.hidden.min((block + 1) * LANES);
            first_bias.extend(units.clone().map(|unit| bias.re.0[unit % LANES] + bias.im.0[unit % LANES]));
            let found: Vec<[Vec<Lane>; 2]> = (0..CHANNELS)
                .into_par_iter()
                .map(|channel| [first, second].map(|spectrum| self.taps(&spectrum[channel..])))
                .collect();
            for (channel, [first, second]) in found.iter().enumerate() {
                for unit in units.clone() {
                    let lane = |lanes: &Lane| lanes.0[unit % LANES];
                    let to = &mut first_weight[(unit * CHANNELS + channel) * taps..][..taps];
                    to.iter_mut().zip(first).for_each(|(to, from)| *to = lane(from));
                    let to = &mut second_weight[(channel * shape.hidden + unit) * taps..][..taps];
                    to.iter_mut().zip(second).for_each(|(to, from)| *to = lane(from));
                }
            }
        }
        PairGradients { first_weight, first_bias, second_weight, second_bias: sums.bias.to_vec() }
    }

    fn taps(&self, spectrum: &[Cell]) -> Vec<Lane> {
        let Self { instructions, grid, phases, .. } = self;
        let mut taps = vec![Lane::ZERO; phases.taps()];
        let scale = 1.0 / grid.len() as f32;
        run(*instructions, ToTaps { phases, grid, spectrum, step: CHANNELS, taps: &mut taps, scale });
        taps
    }

    #[inline(never)]
    fn space(&self) -> Space {
        let free = self.spaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| {
            let (plane, images) = (vec![Cell::ZERO; self.grid.len()], vec![0.0; GROUP * self.shape.image()]);
            Space {
                z: plane.clone(),
                t: vec![Cell::ZERO; self.blocks.len() * PAIRS * self.grid.len()],
                f: plane,
                work: vec![Cell::ZERO; self.grid.work_len()],
                outputs: images.clone(),
                gradients: images,
            }
        })
    }

    #[inline(never)]
    fn recycle(&self, space: Space) {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner).push(space);
    }
}

fn add_cell(to: &mut Cell, from: &Cell) {
    for lane in 0..LANES {
        to.re.0[lane] += from.re.0[lane];
        to.im.0[lane] += from.im.0[lane];
    }
}
