//! Sixteen f32 lanes, one image each, on whatever vector registers the processor has.
//!
//! A kernel is written once against [`Simd`] and compiled for every instruction set; [`run`] picks one at run time:
//!
//! | instruction set | registers a value | wins |
//! |---|---|---|
//! | AMX | as AVX-512, but convolutions on tiles | wherever it is there |
//! | AVX-512 | one `zmm` | wherever it is there |
//! | AVX2 + FMA | two `ymm` | other x86-64 of the last ten years |
//! | portable | four `xmm`; elsewhere an array that the compiler vectorises | elsewhere, and as a cross-check |
//!
//! `FREQBIAS_KERNELS=amx|avx512|avx2|portable` forces an instruction set, so that all can be tested on one machine.
//!
//! Factors can be *pairs* of bf16 in 32 bits: where a processor has AVX-512's instructions for them, the AVX-512 instruction set takes
//! two products for the price of one; elsewhere pairs are unpacked, and cost what they cost in f32. [Tiles](tiles) of AMX take
//! them by the thousand.

#[cfg(any(test, not(target_arch = "x86_64")))]
mod arrays;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod instruction_set;
mod lane;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;
pub(crate) mod tiles;
mod vector;

pub use instruction_set::InstructionSet;
pub(crate) use instruction_set::{run, run_on_pairs, run_on_tiles};
pub(crate) use lane::{LANES, Lane, pair_bits};
pub(crate) use vector::{Kernel, Simd};
