//! Everything between convolutions, fused so that each value is touched as seldom as possible: batch-norm or a channel's
//! affine map, the residual sum, ReLU.
//!
//! What ReLU's backward needs is one bit a value, kept in [`Mask`]s: activations can be freed before it.
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    sums::BlockSums,
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

/// Mean and variance of each channel, the same bits for any number of threads.
pub fn moments(x: &Blocked, instructions: InstructionSet) -> Vec<Moments> {
    Moments::of(&moment_sums(x, instructions).pairs(), x.dims.images * x.dims.pixels())
}

/// What [`Moments::of`] makes moments of: by channel Σ x and Σ x².
pub fn moment_sums(x: &Blocked, instructions: InstructionSet) -> BlockSums {
    plane_sums(x.dims, |block, plane| {
        let lanes = x.dims.valid_lanes(block);
        run(instructions, Sums { a: x.plane(block, plane), mask: None, b: None, shift: 0.0, lanes }).into()
    })
}

impl Moments {
    /// Those of values of each channel, `count` of them, from their sums and the sums of their squares.
    pub fn of(sums: &[(f64, f64)], count: usize) -> Vec<Self> {
        let of_channel = |&(sum, squares): &(f64, f64)| {
            let mean = sum / count as f64;
            Self { mean, variance: (squares / count as f64 - mean * mean).max(0.0), count }
        };
        sums.iter().map(of_channel).collect()
    }
}

/// For each channel a pair of sums.
fn plane_sums(dims: Dims, of: impl Fn(usize, usize) -> [f64; 2] + Sync) -> BlockSums {
    let planes = dims.blocks() * dims.channels;
    let sums = collect(planes, dims.planes_at_once(), |i| of(i / dims.channels, i % dims.channels));
    BlockSums::new(2 * dims.channels, sums.into_flattened())
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
    for_each_part_and(&mut y.data, dims.pixels(), masks, dims.planes_at_once(), |index, y, mask| {
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

/// The gradients of a channel's scale and shift, given the gradient of the result and what ReLU let through of it:
/// by channel Σ g·(x − mean) and Σ g.
pub fn channel_sums(
    g: &Blocked,
    mask: Option<&Mask>,
    x: &Blocked,
    mean: &[f32],
    instructions: InstructionSet,
) -> BlockSums {
    plane_sums(g.dims, |block, channel| {
        let (a, b) = (g.plane(block, channel), Some(x.plane(block, channel)));
        let mask = mask.map(|mask| mask.plane(g.dims, block, channel));
        let lanes = g.dims.valid_lanes(block);
        let (sum, product) = run(instructions, Sums { a, mask, b, shift: mean[channel], lanes });
        [product, sum]
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
        for_each_small_part(&mut g.data, dims.pixels(), dims.planes_at_once(), |index, g| {
            plane(index, g, None);
        });
        return (g, None);
    }
    let mut out = arena.blocked(dims);
    let gradients = g.data.chunks_mut(dims.pixels()).collect();
    for_each_part_and(&mut out.data, dims.pixels(), gradients, dims.planes_at_once(), |index, out, g| {
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
