//! Everything between convolutions, fused so that each value is touched as seldom as possible: batch-norm or a channel's
//! affine map, the residual sum, ReLU.
//!
//! What ReLU's backward needs is one bit a value, kept in [`Mask`]s: activations can be freed before it.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    gemm::Finish,
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims, Mask},
};
use crate::parallel::{collect, for_each_part_and, for_each_small_part};

/// Moments of a channel over images and pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The variance, divided by the count.
    pub variance: f64,
    /// Values per channel.
    pub count: usize,
}

/// Vectors summed in f32 before the sum is carried on in f64.
const SUMMED_AT_ONCE: usize = 64;

/// Planes that a thread takes at once: small ones are not worth a hand-over each.
fn planes_at_once(dims: Dims) -> usize {
    (4096 / dims.pixels()).max(1)
}

/// Mean and variance of each channel, the same bits for any number of threads.
pub fn moments(x: &Blocked, instructions: InstructionSet) -> Vec<Moments> {
    let sums = plane_sums(x.dims, |block, plane| {
        let lanes = x.dims.valid_lanes(block);
        run(instructions, Sums { a: x.plane(block, plane), mask: None, b: None, shift: 0.0, lanes })
    });
    let count = x.dims.images * x.dims.pixels();
    sums.into_iter()
        .map(|(sum, squares)| {
            let mean = sum / count as f64;
            Moments { mean, variance: (squares / count as f64 - mean * mean).max(0.0), count }
        })
        .collect()
}

/// For each channel the sum over blocks, in order, of a pair of sums per plane.
fn plane_sums(dims: Dims, of: impl Fn(usize, usize) -> (f64, f64) + Sync) -> Vec<(f64, f64)> {
    let planes = dims.blocks() * dims.channels;
    let sums = collect(planes, planes_at_once(dims), |i| of(i / dims.channels, i % dims.channels));
    let channel = |c: usize| {
        sums.iter()
            .skip(c)
            .step_by(dims.channels)
            .fold((0.0, 0.0), |total, sum| (total.0 + sum.0, total.1 + sum.1))
    };
    (0..dims.channels).map(channel).collect()
}

/// Σ a and Σ a², or with `b` Σ a and Σ a·(b − shift), over a plane's first `lanes` lanes; a where the mask lets it through.
struct Sums<'a> {
    a: &'a [Lane],
    mask: Option<&'a [u16]>,
    b: Option<&'a [Lane]>,
    shift: f32,
    lanes: usize,
}

impl Kernel for Sums<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> (f64, f64) {
        let (mut first, mut second) = (0.0, 0.0);
        for start in (0..self.a.len()).step_by(SUMMED_AT_ONCE) {
            let end = self.a.len().min(start + SUMMED_AT_ONCE);
            let (mut sums, mut products) = (Lane::ZERO, Lane::ZERO);
            // SAFETY: the caller vouches for the features.
            unsafe {
                let (mut sum, mut product) = (S::splat(0.0), S::splat(0.0));
                let shift = S::splat(self.shift);
                for i in start..end {
                    let mut a = S::load(&self.a[i]);
                    if let Some(mask) = self.mask {
                        a = S::select(a, mask[i]);
                    }
                    let other = self.b.map_or(a, |b| S::sub(S::load(&b[i]), shift));
                    sum = S::add(sum, a);
                    product = S::fma(a, other, product);
                }
                S::store(&mut sums, sum);
                S::store(&mut products, product);
            }
            first += sums.0[..self.lanes].iter().map(|&v| f64::from(v)).sum::<f64>();
            second += products.0[..self.lanes].iter().map(|&v| f64::from(v)).sum::<f64>();
        }
        (first, second)
    }
}

/// What happens to the output of a convolution, channel by channel: y = act(x · scale + shift + residual).
///
/// Where the scale is part of the convolution's weights, see [`Convolution::forward_with_epilogue`](super::Convolution).
#[derive(Debug, Clone, Copy)]
pub struct ChannelAffine<'a> {
    /// A factor per channel.
    pub scale: &'a [f32],
    /// A summand per channel.
    pub shift: &'a [f32],
    /// A summand per value.
    pub residual: Option<&'a Blocked>,
    /// Whether negative results become zero.
    pub relu: bool,
}

/// What happens to the output of a convolution whose weights hold the scale: y = act(x + shift + residual).
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// A summand per channel.
    pub shift: &'a [f32],
    /// A summand per value.
    pub residual: Option<&'a Blocked>,
    /// Whether negative results become zero.
    pub relu: bool,
}

/// Applies an [`Epilogue`] in place; the mask is there if it has ReLU.
pub(crate) fn apply_epilogue(
    y: &mut Blocked,
    epilogue: Epilogue<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> Option<Mask> {
    let dims = y.dims;
    let mut mask = epilogue.relu.then(|| arena.take_mask(dims.len()));
    let masks = Mask::chunks(&mut mask, dims.pixels(), dims.blocks() * dims.channels);
    for_each_part_and(&mut y.data, dims.pixels(), masks, planes_at_once(dims), |index, y, mask| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let residual = epilogue.residual.map(|residual| residual.plane(block, channel));
        run(instructions, EpiloguePlane { y, residual, shift: epilogue.shift[channel], mask });
    });
    mask
}

struct EpiloguePlane<'a> {
    y: &'a mut [Lane],
    residual: Option<&'a [Lane]>,
    shift: f32,
    mask: Option<&'a mut [u16]>,
}

impl Kernel for EpiloguePlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe { epilogue_values::<S>(self.y, self.residual, self.shift, self.mask) }
    }
}

/// y = act(y + shift + residual) of some values of a channel, with ReLU if there is a mask to note it in.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(crate) unsafe fn epilogue_values<S: Simd>(
    y: &mut [Lane],
    residual: Option<&[Lane]>,
    shift: f32,
    mut mask: Option<&mut [u16]>,
) {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let shift = S::splat(shift);
        for (i, y) in y.iter_mut().enumerate() {
            let mut value = S::add(S::load(y), shift);
            if let Some(residual) = residual {
                value = S::add(value, S::load(&residual[i]));
            }
            if let Some(mask) = &mut mask {
                mask[i] = S::positive(value);
                value = S::select(value, mask[i]);
            }
            S::store(y, value);
        }
    }
}

/// What happens to the gradient of a convolution's input: the sum with what other readers of the input have left, where ReLU was open.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradientEpilogue<'a> {
    /// A summand per value.
    pub others: Option<&'a Blocked>,
    /// What the ReLU that made the input let through.
    pub gate: Option<&'a Mask>,
}

/// What happens to the results of a convolution or of its adjoint while they are in the cache; nothing by default.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    Epilogue(Epilogue<'a>),
    GradientEpilogue(GradientEpilogue<'a>),
}

impl Default for Then<'_> {
    fn default() -> Self {
        Self::GradientEpilogue(GradientEpilogue::default())
    }
}

impl<'a> Then<'a> {
    /// Whether negative results become zero, which a mask notes.
    pub(crate) fn has_relu(&self) -> bool {
        matches!(self, Self::Epilogue(epilogue) if epilogue.relu)
    }

    /// The same for one of `groups` parts of the channels, counted through all blocks; each has so many channels and vectors.
    pub(crate) fn of_part(self, index: usize, groups: usize, [channels, length]: [usize; 2]) -> Finish<'a> {
        match self {
            Self::Epilogue(epilogue) => Finish {
                shift: Some(&epilogue.shift[index % groups * channels..][..channels]),
                added: epilogue.residual.map(|residual| residual.part(index, groups)),
                gate: None,
            },
            Self::GradientEpilogue(epilogue) => Finish {
                shift: None,
                added: epilogue.others.map(|others| others.part(index, groups)),
                gate: epilogue.gate.map(|gate| &gate.0[index * length..][..length]),
            },
        }
    }
}

/// Applies a [`GradientEpilogue`] in place.
pub(crate) fn apply_gradient_epilogue(
    g: &mut Blocked,
    epilogue: GradientEpilogue<'_>,
    instructions: InstructionSet,
) {
    let (dims, at_once) = (g.dims, planes_at_once(g.dims));
    if epilogue.others.is_none() && epilogue.gate.is_none() {
        return;
    }
    for_each_small_part(&mut g.data, dims.pixels(), at_once, |index, g| {
        let values = index * dims.pixels()..(index + 1) * dims.pixels();
        run(instructions, GradientEpiloguePlane { g, epilogue, values });
    });
}

struct GradientEpiloguePlane<'a> {
    g: &'a mut [Lane],
    epilogue: GradientEpilogue<'a>,
    values: Range<usize>,
}

impl Kernel for GradientEpiloguePlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe { self.epilogue.values::<S>(self.g, None, self.values) }
    }
}

impl GradientEpilogue<'_> {
    /// Joins some of the values, counted through the batch, of `from` or of what is there.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(crate) unsafe fn values<S: Simd>(self, g: &mut [Lane], from: Option<&[Lane]>, at: Range<usize>) {
        let others = self.others.map(|others| &others.data[at.clone()]);
        let gate = self.gate.map(|gate| &gate.0[at]);
        for (i, g) in g.iter_mut().enumerate() {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut value = S::load(from.map_or(&*g, |from| &from[i]));
                if let Some(others) = others {
                    value = S::add(value, S::load(&others[i]));
                }
                if let Some(gate) = gate {
                    value = S::select(value, gate[i]);
                }
                S::store(g, value);
            }
        }
    }
}

/// Zeroes the gradient where ReLU was shut.
pub fn gate(g: &mut Blocked, mask: &Mask, instructions: InstructionSet) {
    apply_gradient_epilogue(g, GradientEpilogue { others: None, gate: Some(mask) }, instructions);
}

/// Applies a [`ChannelAffine`]; the mask is there if it has ReLU.
pub fn channel_affine(
    x: &Blocked,
    channel_affine: ChannelAffine<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Mask>) {
    let dims = x.dims;
    let mut y = arena.blocked(dims);
    let mut mask = arena.take_mask(dims.len());
    let masks = mask.0.chunks_mut(dims.pixels()).collect();
    for_each_part_and(&mut y.data, dims.pixels(), masks, planes_at_once(dims), |index, y, mask| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let residual = channel_affine.residual.map(|residual| residual.plane(block, channel));
        let (scale, shift) = (channel_affine.scale[channel], channel_affine.shift[channel]);
        run(
            instructions,
            ChannelAffinePlane {
                x: x.plane(block, channel),
                residual,
                scale,
                shift,
                relu: channel_affine.relu,
                y,
                mask,
            },
        );
    });
    if channel_affine.relu {
        return (y, Some(mask));
    }
    arena.recycle_mask(mask);
    (y, None)
}

struct ChannelAffinePlane<'a> {
    x: &'a [Lane],
    residual: Option<&'a [Lane]>,
    scale: f32,
    shift: f32,
    relu: bool,
    y: &'a mut [Lane],
    mask: &'a mut [u16],
}

impl Kernel for ChannelAffinePlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let (scale, shift) = (S::splat(self.scale), S::splat(self.shift));
            for i in 0..self.x.len() {
                let mut value = S::fma(S::load(&self.x[i]), scale, shift);
                if let Some(residual) = self.residual {
                    value = S::add(value, S::load(&residual[i]));
                }
                if self.relu {
                    let bits = S::positive(value);
                    self.mask[i] = bits;
                    value = S::select(value, bits);
                }
                S::store(&mut self.y[i], value);
            }
        }
    }
}

/// Adds a gradient to another.
pub fn accumulate(to: &mut Blocked, from: &Blocked, instructions: InstructionSet) {
    apply_gradient_epilogue(to, GradientEpilogue { others: Some(from), gate: None }, instructions);
}

/// The gradients of a channel's scale and shift, given the gradient of the result and what ReLU let through of it:
/// Σ g·(x − mean), Σ g.
pub fn channel_sums(
    g: &Blocked,
    mask: Option<&Mask>,
    x: &Blocked,
    mean: &[f32],
    instructions: InstructionSet,
) -> Vec<(f64, f64)> {
    plane_sums(g.dims, |block, channel| {
        let (a, b) = (g.plane(block, channel), Some(x.plane(block, channel)));
        let mask = mask.map(|mask| mask.plane(g.dims, block, channel));
        let lanes = g.dims.valid_lanes(block);
        let (sum, product) = run(instructions, Sums { a, mask, b, shift: mean[channel], lanes });
        (product, sum)
    })
}

/// From the gradient of a [`ChannelAffine`] to that of its x: out = g · a + x · b + c per channel, g where the mask lets it
/// through, zero in the lanes without an image. With `x` absent, out = g · a.
#[derive(Debug, Clone, Copy)]
pub struct ChannelAffineGradient<'a> {
    /// What ReLU let through.
    pub mask: Option<&'a Mask>,
    /// The activations, with their factor and the constant.
    #[allow(clippy::type_complexity, reason = "three borrowed things that come together or not at all")]
    pub x: Option<(&'a Blocked, &'a [f32], &'a [f32])>,
    /// The factor of the gradient.
    pub a: &'a [f32],
    /// Whether the gradient of the residual is wanted too.
    pub has_residual: bool,
}

/// Applies a [`ChannelAffineGradient`]: the gradients of x, and of the residual if it has one.
pub fn channel_affine_gradient(
    mut g: Blocked,
    how: ChannelAffineGradient<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Blocked>) {
    let dims = g.dims;
    let plane = |index: usize, g: &mut [Lane], out: Option<&mut [Lane]>| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let x = how.x.map(|(x, b, c)| (x.plane(block, channel), b[channel], c[channel]));
        let mask = how.mask.map(|mask| mask.plane(dims, block, channel));
        let valid = (1u32 << dims.valid_lanes(block)).wrapping_sub(1) as u16;
        run(instructions, ChannelAffineGradientPlane { g, mask, x, a: how.a[channel], valid, out });
    };
    if !how.has_residual {
        for_each_small_part(&mut g.data, dims.pixels(), planes_at_once(dims), |index, g| {
            plane(index, g, None);
        });
        return (g, None);
    }
    let mut out = arena.blocked(dims);
    let gradients = g.data.chunks_mut(dims.pixels()).collect();
    for_each_part_and(&mut out.data, dims.pixels(), gradients, planes_at_once(dims), |index, out, g| {
        plane(index, g, Some(out));
    });
    (out, Some(g))
}

/// Writes to `out` and lets the gated gradient in place, or writes in place.
struct ChannelAffineGradientPlane<'a> {
    g: &'a mut [Lane],
    mask: Option<&'a [u16]>,
    x: Option<(&'a [Lane], f32, f32)>,
    a: f32,
    valid: u16,
    out: Option<&'a mut [Lane]>,
}

impl Kernel for ChannelAffineGradientPlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let a = S::splat(self.a);
            for i in 0..self.g.len() {
                let mut g = S::load(&self.g[i]);
                if let Some(mask) = self.mask {
                    g = S::select(g, mask[i]);
                }
                let mut value = S::mul(g, a);
                if let Some((x, b, c)) = self.x {
                    value = S::add(value, S::fma(S::load(&x[i]), S::splat(b), S::splat(c)));
                    value = S::select(value, self.valid);
                }
                match &mut self.out {
                    None => S::store(&mut self.g[i], value),
                    Some(out) => {
                        S::store(&mut out[i], value);
                        if self.mask.is_some() {
                            S::store(&mut self.g[i], g);
                        }
                    }
                }
            }
        }
    }
}
