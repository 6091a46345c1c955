//! Normalisation over the channels of each pixel (Ba et al. 2016): of tokens, or of planes.
//!
//! Passes over channels gather a few numbers a pixel; passes over planes use them. Each reads memory in its order.
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    sums::BlockSums,
    tensor::{Arena, Blocked},
};
use crate::parallel::{collect, for_each_part};

/// Pixels whose sums over channels a thread has at once.
const AT_ONCE: usize = 4;
/// Channels summed in f32 before the sum is carried on in f64.
const SUMMED_AT_ONCE: usize = 32;

/// Mean and 1 / √(variance + ε) of each pixel, over its channels.
#[derive(Debug)]
pub struct PixelMoments(Vec<[Lane; 2]>);

/// (x − μ) / √(σ² + ε) · weight + bias, with the moments of each pixel over its channels, and these moments.
///
/// # Panics
/// If there is not one weight and one bias a channel.
pub fn layer_norm(
    x: &Blocked,
    (weight, bias): (&[f32], &[f32]),
    epsilon: f64,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, PixelMoments) {
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert_eq!([weight.len(), bias.len()], [channels; 2], "parameters a channel");
    let moments = PixelMoments(by_pixels(x, |block, first, sums| {
        run(instructions, Sums { x, other: None, block, first, from: None, sums });
        let mean = sums.map(|sums| average(&sums[0], channels));
        run(instructions, Sums { x, other: None, block, first, from: Some(&mean), sums });
        for (sums, mean) in sums.iter_mut().zip(mean) {
            let inverse = |lane: usize| 1.0 / (sums[1][lane] / channels as f64 + epsilon).sqrt();
            *sums = [mean.0.map(f64::from), std::array::from_fn(inverse)];
        }
    }));
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, pixels, |index, y| {
        let (block, channel) = (index / channels, index % channels);
        let (x, moments) = (x.plane(block, channel), &moments.0[block * pixels..]);
        run(instructions, Normalise { x, moments, weight: weight[channel], bias: bias[channel], y });
    });
    (y, moments)
}

/// The gradient of the argument `x` of [`layer_norm`] from `g`, that of its result, in place.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn layer_norm_gradient(
    g: &mut Blocked,
    x: &Blocked,
    moments: &PixelMoments,
    weight: &[f32],
    instructions: InstructionSet,
) {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert_eq!(weight.len(), channels, "weights a channel");
    // Σ g γ and Σ g γ x over the channels become mean(g γ) and mean(g γ x̂).
    let means = by_pixels(x, |block, first, sums| {
        run(instructions, Sums { x: g, other: Some((x, weight)), block, first, from: None, sums });
        for (sums, [mean, inverse]) in sums.iter_mut().zip(&moments.0[block * pixels + first..]) {
            let [mean, inverse] = [mean, inverse].map(|lanes| lanes.0.map(f64::from));
            let [sum, product] = sums.map(|sums| sums.map(|sum| sum / channels as f64));
            let along = |lane: usize| (product[lane] - mean[lane] * sum[lane]) * inverse[lane];
            *sums = [sum, std::array::from_fn(along)];
        }
    });
    for_each_part(&mut g.data, pixels, |index, g| {
        let (block, channel) = (index / channels, index % channels);
        let (moments, means) = (&moments.0[block * pixels..], &means[block * pixels..]);
        let (x, weight) = (x.plane(block, channel), weight[channel]);
        run(instructions, Gradient { g, x, moments, means, weight });
    });
}

/// The gradients of weight and bias of [`layer_norm`], from `g`, that of its result: a pair a channel.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn layer_norm_parameter_gradients(
    g: &Blocked,
    x: &Blocked,
    moments: &PixelMoments,
    instructions: InstructionSet,
) -> BlockSums {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    let sums = collect(x.dims.blocks() * channels, 1, |plane| {
        let (block, channel) = (plane / channels, plane % channels);
        let (g, x) = (g.plane(block, channel), x.plane(block, channel));
        run(instructions, ParameterSums { g, x, moments: &moments.0[block * pixels..] })
    });
    BlockSums::new(2 * channels, sums.into_flattened())
}

/// Two sums a pixel.
type PixelSums = [[[f64; LANES]; 2]; AT_ONCE];

/// What `work` makes of the sums of a few pixels of a block, given the block and the first of the pixels; two numbers a pixel.
fn by_pixels(x: &Blocked, work: impl Fn(usize, usize, &mut PixelSums) + Sync) -> Vec<[Lane; 2]> {
    let pixels = x.dims.pixels();
    let mut found = vec![[Lane::ZERO; 2]; x.dims.blocks() * pixels];
    for (block, found) in found.chunks_mut(pixels).enumerate() {
        for_each_part(found, AT_ONCE, |chunk, found| {
            let mut sums = [[[0.0; LANES]; 2]; AT_ONCE];
            work(block, chunk * AT_ONCE, &mut sums);
            for (found, sums) in found.iter_mut().zip(sums) {
                *found = sums.map(|sums| Lane(sums.map(|sum| sum as f32)));
            }
        });
    }
    found
}

fn average(sums: &[f64; LANES], count: usize) -> Lane {
    Lane(sums.map(|sum| (sum / count as f64) as f32))
}

/// Over the channels of a few pixels: Σ x and Σ x² of x less `from`; or with another value and a weight a channel Σ x · w and
/// Σ x · w · other.
struct Sums<'a> {
    x: &'a Blocked,
    other: Option<(&'a Blocked, &'a [f32])>,
    block: usize,
    first: usize,
    from: Option<&'a [Lane; AT_ONCE]>,
    sums: &'a mut PixelSums,
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (channels, pixels) = (self.x.dims.channels, self.x.dims.pixels());
        let count = (pixels - self.first).min(AT_ONCE);
        *self.sums = [[[0.0; LANES]; 2]; AT_ONCE];
        for start in (0..channels).step_by(SUMMED_AT_ONCE) {
            for pixel in 0..count {
                let at = |c: usize| (self.block * channels + c) * pixels + self.first + pixel;
                let mut found = [Lane::ZERO; 2];
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let from = self.from.map_or(S::splat(0.0), |from| S::load(&from[pixel]));
                    let mut sums = [S::splat(0.0); 2];
                    for c in start..(start + SUMMED_AT_ONCE).min(channels) {
                        let mut x = S::sub(S::load(&self.x.data[at(c)]), from);
                        let mut other = x;
                        if let Some((values, weight)) = self.other {
                            x = S::mul(x, S::splat(weight[c]));
                            other = S::load(&values.data[at(c)]);
                        }
                        sums = [S::add(sums[0], x), S::fma(x, other, sums[1])];
                    }
                    S::store(&mut found[0], sums[0]);
                    S::store(&mut found[1], sums[1]);
                }
                for (total, found) in self.sums[pixel].iter_mut().zip(found) {
                    total.iter_mut().zip(found.0).for_each(|(total, found)| *total += f64::from(found));
                }
            }
        }
    }
}

struct Normalise<'a> {
    x: &'a [Lane],
    moments: &'a [[Lane; 2]],
    weight: f32,
    bias: f32,
    y: &'a mut [Lane],
}

impl Kernel for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let (weight, bias) = (S::splat(self.weight), S::splat(self.bias));
            for ((x, [mean, inverse]), y) in self.x.iter().zip(self.moments).zip(self.y) {
                let standard = S::mul(S::sub(S::load(x), S::load(mean)), S::load(inverse));
                S::store(y, S::fma(standard, weight, bias));
            }
        }
    }
}

/// (g γ − mean(g γ) − x̂ · mean(g γ x̂)) / √(σ² + ε).
struct Gradient<'a> {
    g: &'a mut [Lane],
    x: &'a [Lane],
    moments: &'a [[Lane; 2]],
    means: &'a [[Lane; 2]],
    weight: f32,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let weight = S::splat(self.weight);
            let both = self.moments.iter().zip(self.means);
            for ((g, x), ([mean, inverse], [sum, product])) in self.g.iter_mut().zip(self.x).zip(both) {
                let inverse = S::load(inverse);
                let standard = S::mul(S::sub(S::load(x), S::load(mean)), inverse);
                let gradient = S::sub(S::mul(S::load(g), weight), S::load(sum));
                let through_variance = S::mul(standard, S::load(product));
                S::store(g, S::mul(S::sub(gradient, through_variance), inverse));
            }
        }
    }
}

/// Σ g x̂ and Σ g of a plane.
struct ParameterSums<'a> {
    g: &'a [Lane],
    x: &'a [Lane],
    moments: &'a [[Lane; 2]],
}

impl Kernel for ParameterSums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> [f64; 2] {
        let mut total = [0f64; 2];
        let chunks = self.g.chunks(SUMMED_AT_ONCE).zip(self.x.chunks(SUMMED_AT_ONCE));
        for ((g, x), moments) in chunks.zip(self.moments.chunks(SUMMED_AT_ONCE)) {
            let mut found = [Lane::ZERO; 2];
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut sums = [S::splat(0.0); 2];
                for ((g, x), [mean, inverse]) in g.iter().zip(x).zip(moments) {
                    let g = S::load(g);
                    let standard = S::mul(S::sub(S::load(x), S::load(mean)), S::load(inverse));
                    sums = [S::fma(g, standard, sums[0]), S::add(sums[1], g)];
                }
                S::store(&mut found[0], sums[0]);
                S::store(&mut found[1], sums[1]);
            }
            for (total, found) in total.iter_mut().zip(found) {
                *total += found.0.iter().map(|&value| f64::from(value)).sum::<f64>();
            }
        }
        total
    }
}
