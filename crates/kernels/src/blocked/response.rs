//! Global response normalisation (Woo et al., CVPR 2023): how large a channel is among the channels of its image.
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    sums::BlockSums,
    tensor::{Arena, Blocked},
};
use crate::parallel::{collect, for_each_part};

/// Vectors summed in f32 before the sum is carried on in f64.
const SUMMED_AT_ONCE: usize = 64;

/// x · (1 + weight · n) + bias, n being the norm of the channel's plane over (the mean of these norms over the channels + ε).
///
/// # Panics
/// If there is not one weight and one bias a channel.
pub fn response_norm(
    x: &Blocked,
    (weight, bias): (&[f32], &[f32]),
    epsilon: f64,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert_eq!([weight.len(), bias.len()], [channels; 2], "parameters a channel");
    let sums = collect(x.dims.blocks() * channels, 1, |plane| {
        let x = x.plane(plane / channels, plane % channels);
        run(instructions, Sums { x, g: x })
    });
    let norms: Vec<Lanes> = sums.into_iter().map(|[squares, ..]| squares.map(f64::sqrt)).collect();
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, pixels, |index, y| {
        let (block, channel) = (index / channels, index % channels);
        let response = Response::new(&norms[block * channels..][..channels], epsilon);
        let factor = response.factor(channel, weight[channel]);
        run(instructions, Scaled { x: x.plane(block, channel), factor, shift: bias[channel], y });
    });
    y
}

/// The gradient of the argument `x` of [`response_norm`] from `g`, that of its result, in place; and those of weight and bias. A plane
/// of zeros has none through its norm.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn response_norm_gradient(
    g: &mut Blocked,
    x: &Blocked,
    weight: &[f32],
    epsilon: f64,
    instructions: InstructionSet,
) -> BlockSums {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert_eq!(weight.len(), channels, "weights a channel");
    let sums = collect(x.dims.blocks() * channels, 1, |plane| {
        let (block, channel) = (plane / channels, plane % channels);
        run(instructions, Sums { x: x.plane(block, channel), g: g.plane(block, channel) })
    });
    let norms: Vec<Lanes> = sums.iter().map(|[squares, ..]| squares.map(f64::sqrt)).collect();
    let responses: Vec<Response<'_>> =
        norms.chunks(channels).map(|norms| Response::new(norms, epsilon)).collect();
    let of_means: Vec<Lanes> = (responses.iter().zip(sums.chunks(channels)))
        .map(|(response, sums)| response.of_mean(sums, weight))
        .collect();
    for_each_part(&mut g.data, pixels, |index, g| {
        let (block, channel) = (index / channels, index % channels);
        let response = &responses[block];
        let factor = response.factor(channel, weight[channel]);
        let [_, products, _] = &sums[index];
        let along = response.along(channel, weight[channel], products, &of_means[block]);
        run(instructions, Gradient { g, x: x.plane(block, channel), factor, along });
    });
    let of_plane = |(plane, [_, products, plain]): (usize, &[Lanes; 3])| {
        let (response, norms) = (&responses[plane / channels], &norms[plane]);
        let of_lane = |lane: usize| products[lane] * norms[lane] / response.below[lane];
        [(0..LANES).map(of_lane).sum::<f64>(), plain.iter().sum()]
    };
    BlockSums::new(2 * channels, sums.iter().enumerate().flat_map(of_plane).collect())
}

/// A number an image.
type Lanes = [f64; LANES];

/// The norms of the channels of a block, and what they are divided by.
struct Response<'a> {
    norms: &'a [Lanes],
    below: Lanes,
}

impl<'a> Response<'a> {
    fn new(norms: &'a [Lanes], epsilon: f64) -> Self {
        let mean = |lane: usize| norms.iter().map(|norms| norms[lane]).sum::<f64>() / norms.len() as f64;
        Self { norms, below: std::array::from_fn(|lane| mean(lane) + epsilon) }
    }

    /// 1 + weight · n.
    fn factor(&self, channel: usize, weight: f32) -> Lane {
        let factor = |lane: usize| 1.0 + f64::from(weight) * self.norms[channel][lane] / self.below[lane];
        Lane(std::array::from_fn(|lane| factor(lane) as f32))
    }

    /// The gradient of the mean of the norms, a channel's share of it.
    fn of_mean(&self, sums: &[[Lanes; 3]], weight: &[f32]) -> Lanes {
        std::array::from_fn(|lane| {
            let of_norm = |((sums, norms), weight): ((&[Lanes; 3], &Lanes), &f32)| {
                f64::from(*weight) * sums[1][lane] * norms[lane]
            };
            let all: f64 = sums.iter().zip(self.norms).zip(weight).map(of_norm).sum();
            -all / (self.below[lane] * self.below[lane]) / self.norms.len() as f64
        })
    }

    /// The factor of x in its gradient.
    fn along(&self, channel: usize, weight: f32, products: &Lanes, of_mean: &Lanes) -> Lane {
        Lane(std::array::from_fn(|lane| {
            let norm = self.norms[channel][lane];
            let of_norm = f64::from(weight) * products[lane] / self.below[lane] + of_mean[lane];
            if norm > 0.0 { (of_norm / norm) as f32 } else { 0.0 }
        }))
    }
}

/// Σ x², Σ g x and Σ g of a plane.
struct Sums<'a> {
    x: &'a [Lane],
    g: &'a [Lane],
}

impl Kernel for Sums<'_> {
    type Output = [Lanes; 3];

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> [Lanes; 3] {
        let mut total = [[0f64; LANES]; 3];
        for (x, g) in self.x.chunks(SUMMED_AT_ONCE).zip(self.g.chunks(SUMMED_AT_ONCE)) {
            let mut found = [Lane::ZERO; 3];
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut sums = [S::splat(0.0); 3];
                for (x, g) in x.iter().zip(g) {
                    let (x, g) = (S::load(x), S::load(g));
                    sums = [S::fma(x, x, sums[0]), S::fma(g, x, sums[1]), S::add(sums[2], g)];
                }
                found.iter_mut().zip(sums).for_each(|(found, sum)| S::store(found, sum));
            }
            for (total, found) in total.iter_mut().zip(found) {
                total.iter_mut().zip(found.0).for_each(|(total, found)| *total += f64::from(found));
            }
        }
        total
    }
}

/// x · factor + shift.
struct Scaled<'a> {
    x: &'a [Lane],
    factor: Lane,
    shift: f32,
    y: &'a mut [Lane],
}

impl Kernel for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let (factor, shift) = (S::load(&self.factor), S::splat(self.shift));
            for (x, y) in self.x.iter().zip(self.y) {
                S::store(y, S::fma(S::load(x), factor, shift));
            }
        }
    }
}

/// g · factor + x · along, in place.
struct Gradient<'a> {
    g: &'a mut [Lane],
    x: &'a [Lane],
    factor: Lane,
    along: Lane,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let (factor, along) = (S::load(&self.factor), S::load(&self.along));
            for (g, x) in self.g.iter_mut().zip(self.x) {
                S::store(g, S::fma(S::load(g), factor, S::mul(S::load(x), along)));
            }
        }
    }
}
