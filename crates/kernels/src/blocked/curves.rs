//! Functions of single values that are operations of their own. What their gradient needs is their argument.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked},
};
use crate::{Nonlinearity, parallel::for_each_part};

/// Vectors that a thread takes at once.
const AT_ONCE: usize = 4096;

/// The function of each value.
pub fn nonlinearity(
    x: &Blocked,
    function: Nonlinearity,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, AT_ONCE, |chunk, y| {
        let x = &x.data[chunk * AT_ONCE..][..y.len()];
        match function {
            Nonlinearity::Relu6 => run(instructions.for_arrays(), Values::<Relu6>::new(x, y)),
            Nonlinearity::Sigmoid => run(instructions, Values::<Sigmoid>::new(x, y)),
            Nonlinearity::Silu => run(instructions, Values::<Silu>::new(x, y)),
            Nonlinearity::Hardsigmoid => run(instructions.for_arrays(), Values::<Hardsigmoid>::new(x, y)),
            Nonlinearity::Hardswish => run(instructions.for_arrays(), Values::<Hardswish>::new(x, y)),
            Nonlinearity::Gelu => run(instructions, Values::<Gelu>::new(x, y)),
            Nonlinearity::Tanh => run(instructions, Values::<Tanh>::new(x, y)),
        }
    });
    y
}

/// The gradient of the argument of [`nonlinearity`] from that of its result, in place.
///
/// # Panics
/// If the gradient and the argument are not of one size.
pub fn nonlinearity_gradient(
    g: &mut Blocked,
    x: &Blocked,
    function: Nonlinearity,
    instructions: InstructionSet,
) {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    for_each_part(&mut g.data, AT_ONCE, |chunk, g| {
        let x = &x.data[chunk * AT_ONCE..][..g.len()];
        match function {
            Nonlinearity::Relu6 => run(instructions.for_arrays(), Slopes::<Relu6>::new(x, g)),
            Nonlinearity::Sigmoid => run(instructions, Slopes::<Sigmoid>::new(x, g)),
            Nonlinearity::Silu => run(instructions, Slopes::<Silu>::new(x, g)),
            Nonlinearity::Hardsigmoid => run(instructions.for_arrays(), Slopes::<Hardsigmoid>::new(x, g)),
            Nonlinearity::Hardswish => run(instructions.for_arrays(), Slopes::<Hardswish>::new(x, g)),
            Nonlinearity::Gelu => run(instructions, Slopes::<Gelu>::new(x, g)),
            Nonlinearity::Tanh => run(instructions, Slopes::<Tanh>::new(x, g)),
        }
    });
}

/// A function of a number without branches, which the compiler turns into one of vectors. Both must be `#[inline(always)]`.
trait Curve {
    fn value(x: f32) -> f32;
    fn slope(x: f32) -> f32;
}

struct Values<'a, C> {
    x: &'a [Lane],
    y: &'a mut [Lane],
    curve: PhantomData<C>,
}

impl<'a, C> Values<'a, C> {
    fn new(x: &'a [Lane], y: &'a mut [Lane]) -> Self {
        Self { x, y, curve: PhantomData }
    }
}

impl<C: Curve> Kernel for Values<'_, C> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (x, y) in self.x.iter().zip(self.y) {
            for lane in 0..LANES {
                y.0[lane] = C::value(x.0[lane]);
            }
        }
    }
}

/// Multiplies gradients by slopes.
struct Slopes<'a, C> {
    x: &'a [Lane],
    g: &'a mut [Lane],
    curve: PhantomData<C>,
}

impl<'a, C> Slopes<'a, C> {
    fn new(x: &'a [Lane], g: &'a mut [Lane]) -> Self {
        Self { x, g, curve: PhantomData }
    }
}

impl<C: Curve> Kernel for Slopes<'_, C> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (x, g) in self.x.iter().zip(self.g) {
            for lane in 0..LANES {
                g.0[lane] *= C::slope(x.0[lane]);
            }
        }
    }
}

struct Relu6;
struct Sigmoid;
struct Silu;
struct Hardsigmoid;
struct Hardswish;
struct Gelu;
struct Tanh;

impl Curve for Relu6 {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        between(x, 0.0, 6.0)
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        inside(x, 0.0, 6.0)
    }
}

impl Curve for Sigmoid {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        1.0 / (1.0 + exp(-x))
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        let y = Self::value(x);
        y * (1.0 - y)
    }
}

impl Curve for Silu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * Sigmoid::value(x)
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        let y = Sigmoid::value(x);
        y * (1.0 + x * (1.0 - y))
    }
}

impl Curve for Hardsigmoid {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        between(x + 3.0, 0.0, 6.0) * SIXTH
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        inside(x, -3.0, 3.0) * SIXTH
    }
}

impl Curve for Hardswish {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * Hardsigmoid::value(x)
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        Hardsigmoid::value(x) + x * Hardsigmoid::slope(x)
    }
}

impl Curve for Gelu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        x * normal_distribution(x)
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        normal_distribution(x) + x * (INVERSE_ROOT_OF_TAU * exp(-0.5 * x * x))
    }
}

impl Curve for Tanh {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        2.0 * Sigmoid::value(2.0 * x) - 1.0
    }

    #[inline(always)]
    fn slope(x: f32) -> f32 {
        4.0 * Sigmoid::slope(2.0 * x)
    }
}

/// A product takes a tenth of the time of a division.
const SIXTH: f32 = 1.0 / 6.0;

/// 1 / √(2π).
const INVERSE_ROOT_OF_TAU: f32 = 0.398_942_3;

/// The share of the standard normal below `x`, erfc(−x/√2) / 2, to 2 · 10⁻⁷.
#[inline(always)]
pub(super) fn normal_distribution(x: f32) -> f32 {
    // erfc(z) = t · e^(−z²) · P(t) with t = 1 / (1 + z/2) for z ≥ 0: P interpolates at nine Chebyshev points, and is off by 2.5 · 10⁻⁸ at most.
    const P: [f32; 8] = [
        0.254_023_6,
        -0.429_261_57,
        0.218_841_75,
        0.008_622_662,
        0.190_389_35,
        0.245_503_08,
        0.282_143_75,
        0.282_094_5,
    ];
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    let mut sum = -0.052_357_124;
    for factor in P {
        sum = sum * t + factor;
    }
    let tail = 0.5 * t * sum * exp(-0.5 * x * x);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// What is no number stays none.
#[inline(always)]
fn between(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 1 between two numbers, 0 elsewhere and at both.
#[inline(always)]
fn inside(x: f32, low: f32, high: f32) -> f32 {
    if x <= low || x >= high { 0.0 } else { 1.0 }
}

/// eˣ to two units in the last place; of arguments beyond −87 and 88, that of those. As eˣ = 2ⁿ · eʳ with |r| ≤ ln 2 / 2, whose
/// Taylor series is summed to r⁷ (the rest is below 6 · 10⁻⁹).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Added to a small number, it leaves its nearest integer in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    // ln 2 in two parts, the first of so few bits that its multiples are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = between(x, -87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut sum = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + factor;
    }
    let power = (shifted.to_bits() << 23).wrapping_add(1f32.to_bits());
    sum * f32::from_bits(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_those_of_double_precision() {
        let worst = (-8700..8800)
            .map(|step| step as f32 / 100.0)
            .map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 2.4e-7, "an error of {worst:e}");
        assert!(exp(f32::NAN).is_nan());
        assert_eq!([exp(f32::NEG_INFINITY), exp(f32::INFINITY)], [exp(-87.0), exp(88.0)]);
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let (arena, dims) =
            (Arena::default(), crate::blocked::Dims { images: 1, channels: 1, height: 1, width: 1 });
        for function in Nonlinearity::ALL {
            let x = Blocked::from_nchw(&[f32::NAN], dims, &arena);
            let y = nonlinearity(&x, function, InstructionSet::current(), &arena);
            assert!(y.to_nchw()[0].is_nan(), "{function:?}");
        }
    }
}
