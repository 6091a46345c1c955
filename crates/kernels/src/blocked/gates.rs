//! What lets values through or not, by itself: leaky ReLU and dropout. (ReLU is part of the passes of
//! [`pointwise`](super::pointwise).)
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    tensor::{Arena, Blocked, Mask},
};
use crate::parallel::{for_each_part, for_each_part_and};

/// Vectors that a thread takes at once.
const AT_ONCE: usize = 4096;

/// max(x, 0) + slope · min(x, 0), and where x was positive; ReLU with a slope of 0.
pub fn leaky_relu(x: &Blocked, slope: f32, instructions: InstructionSet, arena: &Arena) -> (Blocked, Mask) {
    let (mut y, mut mask) = (arena.blocked(x.dims), arena.take_mask(x.dims.len()));
    let masks = mask.0.chunks_mut(AT_ONCE).collect();
    for_each_part_and(&mut y.data, AT_ONCE, masks, 1, |chunk, y, mask| {
        let x = &x.data[chunk * AT_ONCE..][..y.len()];
        run(instructions, LeakyRelu { x, slope, y, mask });
    });
    (y, mask)
}

struct LeakyRelu<'a> {
    x: &'a [Lane],
    slope: f32,
    y: &'a mut [Lane],
    mask: &'a mut [u16],
}

impl Kernel for LeakyRelu<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for ((x, y), bits) in self.x.iter().zip(self.y).zip(self.mask) {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let value = S::load(x);
                *bits = S::positive(value);
                S::store(y, either::<S>(value, *bits, self.slope));
            }
        }
    }
}

/// The gradient of the argument of [`leaky_relu`], in place.
pub fn leaky_relu_gradient(g: &mut Blocked, mask: &Mask, slope: f32, instructions: InstructionSet) {
    for_each_part(&mut g.data, AT_ONCE, |chunk, g| {
        let mask = &mask.0[chunk * AT_ONCE..][..g.len()];
        run(instructions, LeakyReluGradient { g, slope, mask });
    });
}

struct LeakyReluGradient<'a> {
    g: &'a mut [Lane],
    slope: f32,
    mask: &'a [u16],
}

impl Kernel for LeakyReluGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (g, &bits) in self.g.iter_mut().zip(self.mask) {
            // SAFETY: the caller vouches for the features.
            unsafe { S::store(g, either::<S>(S::load(g), bits, self.slope)) };
        }
    }
}

/// The lanes whose bit is set as they are, the others times `slope`.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
unsafe fn either<S: Simd>(value: S::V, bits: u16, slope: f32) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { S::add(S::select(value, bits), S::select(S::mul(value, S::splat(slope)), !bits)) }
}

/// Zeroes some values and divides the others by 1 − `rate`, and which were kept. `kept` says it for a vector of sixteen images, a
/// bit each, by the vector's place in the layout `[N/16][C][H][W]`.
///
/// # Panics
/// If `rate` is not in 0..1.
pub fn dropout(
    x: &Blocked,
    rate: f32,
    kept: impl Fn(u64) -> u16 + Sync,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Mask) {
    assert!((0.0..1.0).contains(&rate), "dropout with a rate of {rate}: expected 0 or more, below 1");
    let (mut y, mut mask) = (arena.blocked(x.dims), arena.take_mask(x.dims.len()));
    for_each_part(&mut mask.0, AT_ONCE, |chunk, mask| {
        let places = chunk * AT_ONCE..;
        mask.iter_mut().zip(places).for_each(|(bits, place)| *bits = kept(place as u64));
    });
    y.data.copy_from_slice(&x.data);
    dropout_gradient(&mut y, &mask, rate, instructions);
    (y, mask)
}

/// The gradient of the argument of [`dropout`], in place.
pub fn dropout_gradient(g: &mut Blocked, mask: &Mask, rate: f32, instructions: InstructionSet) {
    for_each_part(&mut g.data, AT_ONCE, |chunk, g| {
        let mask = &mask.0[chunk * AT_ONCE..][..g.len()];
        run(instructions, Scale { g, factor: 1.0 / (1.0 - rate), mask });
    });
}

struct Scale<'a> {
    g: &'a mut [Lane],
    factor: f32,
    mask: &'a [u16],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (g, &bits) in self.g.iter_mut().zip(self.mask) {
            // SAFETY: the caller vouches for the features.
            unsafe { S::store(g, S::select(S::mul(S::load(g), S::splat(self.factor)), bits)) };
        }
    }
}
