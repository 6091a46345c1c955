//! What convolutions multiply on vectors.
//!
//! | factors | a summand is | a value is |
//! |---|---|---|
//! | [`FULL`] | one value | f32 |
//! | [`PAIRS`] | two values | bf16 |

use super::simd::{self, InstructionSet, Kernel};
use crate::Precision;

/// What kernels are compiled for: one of the constants below. (Constant parameters cannot be enums yet.)
pub(crate) type Factors = u8;

pub(crate) const FULL: Factors = 0;
pub(crate) const PAIRS: Factors = 1;

/// What is multiplied where products are to be so exact.
pub(crate) fn of(precision: Precision) -> Factors {
    if precision == Precision::Bf16 { PAIRS } else { FULL }
}

/// Values that make a summand.
#[inline(always)]
pub(crate) const fn values_a_summand(factors: Factors) -> usize {
    if factors == FULL { 1 } else { 2 }
}

/// Runs a kernel with the instructions for its factors.
pub(crate) fn run_with<const F: Factors, K: Kernel>(instructions: InstructionSet, kernel: K) -> K::Output {
    match F {
        FULL => simd::run(instructions, kernel),
        _ => simd::run_on_pairs(instructions, kernel),
    }
}
