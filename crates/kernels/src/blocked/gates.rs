//! What lets values through or not, by itself: leaky ReLU and dropout. (ReLU is part of the passes of
//! [`pointwise`](super::pointwise).)
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{
    simd::{Kernel, LANES, Lane, Path, Simd, run},
    tensor::{Arena, Blocked, Mask},
};

/// Vectors that a thread takes at once.
const AT_ONCE: usize = 4096;

/// max(x, 0) + slope · min(x, 0), and where x was positive; ReLU with a slope of 0.
pub fn rectify(x: &Blocked, slope: f32, path: Path, arena: &Arena) -> (Blocked, Mask) {
    let (mut y, mut mask) = (arena.blocked(x.dims), arena.take_mask(x.dims.len()));
    let chunks = y.data.par_chunks_mut(AT_ONCE).zip(mask.0.par_chunks_mut(AT_ONCE));
    chunks
        .zip(x.data.par_chunks(AT_ONCE))
        .for_each(|((y, mask), x)| run(path, Rectify { x, slope, y, mask }));
    (y, mask)
}

struct Rectify<'a> {
    x: &'a [Lane],
    slope: f32,
    y: &'a mut [Lane],
    mask: &'a mut [u16],
}

impl Kernel for Rectify<'_> {
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

/// The gradient of the argument of [`rectify`], in place.
pub fn rectify_gradient(g: &mut Blocked, mask: &Mask, slope: f32, path: Path) {
    let chunks = g.data.par_chunks_mut(AT_ONCE).zip(mask.0.par_chunks(AT_ONCE));
    chunks.for_each(|(g, mask)| run(path, RectifyGradient { g, slope, mask }));
}

struct RectifyGradient<'a> {
    g: &'a mut [Lane],
    slope: f32,
    mask: &'a [u16],
}

impl Kernel for RectifyGradient<'_> {
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

/// Zeroes each value with probability `rate` (to 1/65536) and divides the others by 1 − `rate`, and which were kept. What `key`
/// keeps depends on the key and the value's place alone.
///
/// # Panics
/// If `rate` is not in 0..1.
pub fn dropout(x: &Blocked, rate: f32, key: u64, path: Path, arena: &Arena) -> (Blocked, Mask) {
    assert!((0.0..1.0).contains(&rate), "dropout with a rate of {rate}: expected 0 or more, below 1");
    let (mut y, mut mask) = (arena.blocked(x.dims), arena.take_mask(x.dims.len()));
    let least = (rate * 65536.0).round() as u64;
    mask.0.par_chunks_mut(AT_ONCE).enumerate().for_each(|(chunk, mask)| {
        let places = chunk * AT_ONCE..;
        mask.iter_mut().zip(places).for_each(|(bits, place)| *bits = kept(key, place as u64, least));
    });
    y.data.copy_from_slice(&x.data);
    dropout_gradient(&mut y, &mask, rate, path);
    (y, mask)
}

/// The gradient of the argument of [`dropout`], in place.
pub fn dropout_gradient(g: &mut Blocked, mask: &Mask, rate: f32, path: Path) {
    let chunks = g.data.par_chunks_mut(AT_ONCE).zip(mask.0.par_chunks(AT_ONCE));
    chunks.for_each(|(g, mask)| run(path, Scale { g, factor: 1.0 / (1.0 - rate), mask }));
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

/// One bit a lane: whether sixteen random bits make a number of at least `least`.
fn kept(key: u64, place: u64, least: u64) -> u16 {
    let word = |index: usize| mixed(key ^ mixed(place * 4 + index as u64));
    let words: [u64; 4] = std::array::from_fn(word);
    (0..LANES).fold(0, |bits, lane| {
        let number = words[lane / 4] >> (lane % 4 * 16) & 0xFFFF;
        bits | u16::from(number >= least) << lane
    })
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the argument.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
