//! Vectors of a length that is given, as attention by cosines has them (Liu et al., CVPR 2022).
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    sums::BlockSums,
    tensor::{Arena, Blocked},
};
use crate::parallel::{for_each_part, for_each_part_and};

/// Lengths below this are taken for it.
const SHORTEST: f32 = 1e-12;

/// The channels of each pixel in vectors of `size`, one after the other: the first are divided by their lengths and multiplied by
/// `factors`, a number a vector; the others stay as they are.
///
/// # Panics
/// If the channels are no whole number of vectors, or fewer than there are factors.
pub fn unit_vectors(
    x: &Blocked,
    size: usize,
    factors: &[f32],
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let (vectors, part) = (count(x, size, factors), size * x.dims.pixels());
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, part, |index, y| {
        let x = &x.data[index * part..][..part];
        let Some(&factor) = factors.get(index % vectors) else { return y.copy_from_slice(x) };
        let mut inverse = arena.take(part / size);
        run(instructions, InverseLengths { x, inverse: &mut inverse });
        run(instructions, Scaled { x, inverse: &inverse, factor, y });
        arena.give(inverse);
    });
    y
}

/// The gradient of the argument `x` of [`unit_vectors`] from `g`, that of its result, in place; and that of the
/// factors, with one number more for each vector that has none.
///
/// # Panics
/// As [`unit_vectors`], or if the sizes do not fit each other.
pub fn unit_vectors_gradient(
    g: &mut Blocked,
    x: &Blocked,
    size: usize,
    factors: &[f32],
    (instructions, arena): (InstructionSet, &Arena),
) -> BlockSums {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    let (vectors, part) = (count(x, size, factors), size * x.dims.pixels());
    let mut sums = vec![0f64; x.dims.blocks() * vectors];
    for_each_part_and(&mut g.data, part, sums.iter_mut().collect(), 1, |index, g, sum| {
        let Some(&factor) = factors.get(index % vectors) else { return };
        let x = &x.data[index * part..][..part];
        let mut scratch = [arena.take(part / size), arena.take(part / size)];
        let [inverse, along] = &mut scratch;
        run(instructions, InverseLengths { x, inverse });
        run(instructions, Gradient { g, x, inverse, along, factor });
        *sum = along.iter().flat_map(|lane| lane.0).map(f64::from).sum();
        scratch.into_iter().for_each(|buffer| arena.give(buffer));
    });
    BlockSums::new(vectors, sums)
}

/// Vectors a pixel.
fn count(x: &Blocked, size: usize, factors: &[f32]) -> usize {
    let channels = x.dims.channels;
    assert!(channels.is_multiple_of(size), "{channels} channels in vectors of {size}");
    assert!(factors.len() * size <= channels, "{} factors of {channels} channels", factors.len());
    channels / size
}

/// 1 over the length of the vector of each pixel.
struct InverseLengths<'a> {
    x: &'a [Lane],
    inverse: &'a mut [Lane],
}

impl Kernel for InverseLengths<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        self.inverse.fill(Lane::ZERO);
        for plane in self.x.chunks(self.inverse.len()) {
            for (sum, x) in self.inverse.iter_mut().zip(plane) {
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let x = S::load(x);
                    S::store(sum, S::fma(x, x, S::load(sum)));
                }
            }
        }
        for sum in self.inverse {
            sum.0.iter_mut().for_each(|square| *square = 1.0 / square.sqrt().max(SHORTEST));
        }
    }
}

/// x / length · factor.
struct Scaled<'a> {
    x: &'a [Lane],
    inverse: &'a [Lane],
    factor: f32,
    y: &'a mut [Lane],
}

impl Kernel for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let planes = self.x.chunks(self.inverse.len()).zip(self.y.chunks_mut(self.inverse.len()));
        for (x, y) in planes {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let factor = S::splat(self.factor);
                for ((x, y), inverse) in x.iter().zip(y).zip(self.inverse) {
                    S::store(y, S::mul(S::load(x), S::mul(S::load(inverse), factor)));
                }
            }
        }
    }
}

/// factor / length · (g − û (û · g)) in place, û being x / length; and û · g.
struct Gradient<'a> {
    g: &'a mut [Lane],
    x: &'a [Lane],
    inverse: &'a [Lane],
    along: &'a mut [Lane],
    factor: f32,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pixels = self.inverse.len();
        self.along.fill(Lane::ZERO);
        // SAFETY: the caller vouches for the features.
        unsafe {
            for (x, g) in self.x.chunks(pixels).zip(self.g.chunks(pixels)) {
                for ((x, g), along) in x.iter().zip(g).zip(&mut *self.along) {
                    S::store(along, S::fma(S::load(x), S::load(g), S::load(along)));
                }
            }
            for (along, inverse) in self.along.iter_mut().zip(self.inverse) {
                S::store(along, S::mul(S::load(along), S::load(inverse)));
            }
            let factor = S::splat(self.factor);
            for (x, g) in self.x.chunks(pixels).zip(self.g.chunks_mut(pixels)) {
                for (((x, g), along), inverse) in x.iter().zip(g).zip(&*self.along).zip(self.inverse) {
                    let inverse = S::load(inverse);
                    let through_length = S::mul(S::mul(S::load(x), inverse), S::load(along));
                    let gradient = S::sub(S::load(g), through_length);
                    S::store(g, S::mul(gradient, S::mul(inverse, factor)));
                }
            }
        }
    }
}
