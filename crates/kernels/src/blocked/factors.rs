//! What convolutions multiply, and with which instructions.
//!
//! | factors | a summand is | a value is | multiplied by |
//! |---|---|---|---|
//! | [`FULL`] | one value | f32 | vectors |
//! | [`PAIRS`] | two values | bf16 | vectors |
//! | [`TILES`] | two values | bf16 | tiles |
//!
//! f32 as sums of three bf16, whose six products on tiles are as exact as f32's own, was tried: such operands are half as large
//! again, and what they cost between the caches is more than the tiles save.

use super::simd::{self, Kernel, Path};
use crate::Math;

/// What kernels are compiled for: one of the constants below. (Constant parameters cannot be enums yet.)
pub(crate) type Factors = u8;

pub(crate) const FULL: Factors = 0;
pub(crate) const PAIRS: Factors = 1;
pub(crate) const TILES: Factors = 2;

/// Rows that a product on tiles gives at once, two tiles, and channels that it sums in one step: pairs for one tile's rows.
pub(crate) const TILED_ROWS: usize = 32;

/// What a path multiplies best where there are enough channels to fill tiles.
pub(crate) fn best(math: Math, path: Path) -> Factors {
    match on_vectors(math) {
        PAIRS if path.has_tiles() => TILES,
        factors => factors,
    }
}

/// What is multiplied on vectors.
pub(crate) fn on_vectors(math: Math) -> Factors {
    if math == Math::Bf16 { PAIRS } else { FULL }
}

#[inline(always)]
pub(crate) const fn is_tiled(factors: Factors) -> bool {
    factors == TILES
}

/// Values that make a summand.
#[inline(always)]
pub(crate) const fn values_a_summand(factors: Factors) -> usize {
    if factors == FULL { 1 } else { 2 }
}

/// Rows of a product's tile on a path whose register tiles have so many: weights are packed in groups of as many.
#[inline(always)]
pub(crate) const fn rows(factors: Factors, rows_of_registers: usize) -> usize {
    if is_tiled(factors) { TILED_ROWS } else { rows_of_registers }
}

/// Runs a kernel with the instructions for its factors.
pub(crate) fn run_with<const F: Factors, K: Kernel>(path: Path, kernel: K) -> K::Output {
    match F {
        FULL => simd::run(path, kernel),
        PAIRS => simd::run_on_pairs(path, kernel),
        _ => simd::run_on_tiles(path, kernel),
    }
}
