//! Which instructions a kernel runs with, chosen at run time.
#![allow(unsafe_code)]

use std::sync::OnceLock;

#[cfg(not(target_arch = "x86_64"))]
use super::arrays::Arrays as Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, sse2::Sse2 as Portable};
use super::{
    tiles,
    vector::{Kernel, Simd},
};

/// The way that kernels take. There is none that this machine cannot take: [`available`](Self::available) alone makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet {
    registers: Registers,
    /// Whether pairs of bf16 are multiplied by instructions for them.
    has_pairs: bool,
    /// Whether tiles of them are.
    has_tiles: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registers {
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors and fused multiply-add.
    Avx2,
    /// What every processor of this architecture has.
    Portable,
}

impl InstructionSet {
    /// The instruction set that every machine has.
    pub const PORTABLE: Self = Self::of(Registers::Portable);

    const fn of(registers: Registers) -> Self {
        Self { registers, has_pairs: false, has_tiles: false }
    }

    /// The best instruction set that this processor has, or the one that `FREQBIAS_KERNELS` names if the processor has it.
    pub fn current() -> Self {
        static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let wanted = std::env::var("FREQBIAS_KERNELS").unwrap_or_default();
            let available = Self::available();
            let named = available.iter().copied().find(|instructions| instructions.name() == wanted);
            named.unwrap_or(available[0])
        })
    }

    /// The instruction sets that this processor has, best first.
    pub fn available() -> Vec<Self> {
        let mut instruction_sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                if is_x86_feature_detected!("avx512f") {
                    let has_pairs =
                        is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512bw");
                    let vectors = Self { registers: Registers::Avx512, has_pairs, has_tiles: false };
                    if has_pairs && tiles::are_there() {
                        instruction_sets.push(Self { has_tiles: true, ..vectors });
                    }
                    instruction_sets.push(vectors);
                }
                instruction_sets.push(Self::of(Registers::Avx2));
            }
        }
        instruction_sets.push(Self::PORTABLE);
        instruction_sets
    }

    /// The instruction set for code on plain arrays of sixteen: the compiler makes more of them with half as wide vectors. A processor
    /// that has AVX-512 has AVX2.
    pub(crate) fn for_arrays(self) -> Self {
        if self.registers == Registers::Avx512 { Self::of(Registers::Avx2) } else { self }
    }

    /// Whether bf16 is faster than f32 on it.
    pub fn has_bf16(self) -> bool {
        self.has_pairs
    }

    /// Whether it multiplies tiles of bf16.
    pub(crate) fn has_tiles(self) -> bool {
        self.has_tiles
    }

    /// The same instruction set as processors take it that have no instructions for bf16.
    pub fn without_bf16(self) -> Self {
        Self::of(self.registers)
    }

    /// The name that `FREQBIAS_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self.registers {
            Registers::Avx512 if self.has_tiles => "amx",
            Registers::Avx512 => "avx512",
            Registers::Avx2 => "avx2",
            Registers::Portable => "portable",
        }
    }

    /// Rows of this instruction set's register tile.
    pub(crate) fn rows(self) -> usize {
        match self.registers {
            #[cfg(target_arch = "x86_64")]
            Registers::Avx512 => Avx512::<false>::ROWS,
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2 => Avx2::ROWS,
            _ => Portable::ROWS,
        }
    }
}

/// Runs a kernel on an instruction set.
pub(crate) fn run<K: Kernel>(instructions: InstructionSet, kernel: K) -> K::Output {
    match instructions.registers {
        // SAFETY: `InstructionSet::available`, the only source of instruction sets, has found the features on this processor.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx512 => unsafe { Avx512::<false>::call(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx2 => unsafe { Avx2::call(kernel) },
        // SAFETY: the portable instruction set needs no feature.
        _ => unsafe { Portable::call(kernel) },
    }
}

/// Runs a kernel that multiplies tiles of bf16.
///
/// # Panics
/// If the instruction set has none.
pub(crate) fn run_on_tiles<K: Kernel>(instructions: InstructionSet, kernel: K) -> K::Output {
    assert!(instructions.has_tiles, "an instruction set with tiles");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: `InstructionSet::available`, the only source of such instruction sets, has found the features on this processor.
    unsafe {
        tiles::run(kernel)
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("no such instruction set")
}

/// Runs a kernel that makes or multiplies pairs of bf16, with the instructions for them where there are any.
pub(crate) fn run_on_pairs<K: Kernel>(instructions: InstructionSet, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if instructions.has_pairs {
        // SAFETY: `InstructionSet::available`, the only source of such instruction sets, has found the features on this processor.
        return unsafe { Avx512::<true>::call(kernel) };
    }
    run(instructions, kernel)
}
