//! Sixteen f32 lanes, one image each, on whatever vector registers the processor has.
//!
//! A kernel is written once against [`Simd`] and compiled for every instruction set; [`run`] picks one at run time:
//!
//! | instruction set | registers a value | wins |
//! |---|---|---|
//! | AMX | as AVX-512, but convolutions on tiles | wherever it is there |
//! | AVX-512 | one `zmm` | wherever it is there |
//! | AVX2 + FMA | two `ymm` | other x86-64 of the last ten years |
//! | portable | an array; the compiler vectorises it | elsewhere, and as a cross-check |
//!
//! `FREQBIAS_KERNELS=amx|avx512|avx2|portable` forces a instruction set, so that all can be tested on one machine.
//!
//! Factors can be *pairs* of bf16 in 32 bits: where a processor has AVX-512's instructions for them, the AVX-512 instruction set takes
//! two products for the price of one; elsewhere pairs are unpacked, and cost what they cost in f32. [Tiles](tiles) of AMX take
//! them by the thousand.
#![allow(unsafe_code)]

pub(crate) mod tiles;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

/// Images that share a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen values, aligned to a cache line.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lane(pub(crate) [f32; LANES]);

impl Lane {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// Arithmetic on sixteen lanes.
///
/// # Safety
/// Methods may only run on a processor with the instruction set's features; [`run`] sees to that.
pub(crate) trait Simd: Copy {
    /// Sixteen f32 in registers.
    type V: Copy;
    /// Rows of a register tile of the matrix kernels; weights are packed in groups of as many.
    const ROWS: usize;

    /// Asks for a value that will be read (or written) soon, so that it comes from memory meanwhile.
    unsafe fn fetch(soon: &Lane);
    /// The same for 64 bytes that are read next, into the nearest cache; they need not be there at all.
    unsafe fn fetch_near(soon: *const u32);
    unsafe fn load(from: &Lane) -> Self::V;
    unsafe fn store(to: &mut Lane, value: Self::V);
    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Lane by lane two values rounded to bf16, the first in the lower half.
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V;
    /// The two values of each pair.
    #[inline(always)]
    unsafe fn unpair(pairs: Self::V) -> [Self::V; 2] {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let bits = to_array::<Self>(pairs).map(f32::to_bits);
            [
                from_array::<Self>(bits.map(|pair| f32::from_bits(pair << 16))),
                from_array::<Self>(bits.map(|pair| f32::from_bits(pair & UPPER_HALF))),
            ]
        }
    }
    /// Two values' lanes rounded to bf16 one after the other, as pairs of neighbours: a row of a tile.
    #[inline(always)]
    unsafe fn row(first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let [first, second] = [to_array::<Self>(first), to_array::<Self>(second)];
            let lane = |i: usize| if i < LANES { first[i] } else { second[i - LANES] };
            let pair = |i: usize| f32::from_bits(pair_bits(lane(2 * i), lane(2 * i + 1)));
            from_array::<Self>(std::array::from_fn(pair))
        }
    }
    /// The two values of a row.
    #[inline(always)]
    unsafe fn unrow(row: Self::V) -> [Self::V; 2] {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let bits = to_array::<Self>(row).map(f32::to_bits);
            let lane = |i: usize| {
                f32::from_bits(if i.is_multiple_of(2) { bits[i / 2] << 16 } else { bits[i / 2] & UPPER_HALF })
            };
            [
                from_array::<Self>(std::array::from_fn(lane)),
                from_array::<Self>(std::array::from_fn(|i| lane(LANES + i))),
            ]
        }
    }
    /// The sum of both products of pairs of bf16, + c.
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Bit i says whether lane i is positive or no number, which ReLU must not hide.
    unsafe fn positive(value: Self::V) -> u16;
    /// The lanes whose bit is set, 0 elsewhere.
    unsafe fn select(value: Self::V, bits: u16) -> Self::V;
    /// Lane j of result i is lane i of row j.
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES];
    /// Lane i is the sum of row i's lanes.
    #[inline(always)]
    unsafe fn row_sums(rows: [Self::V; LANES]) -> Self::V {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let mut sums = Self::transpose(rows);
            for half in [8, 4, 2, 1] {
                for i in 0..half {
                    sums[i] = Self::add(sums[i], sums[half + i]);
                }
            }
            sums[0]
        }
    }
}

#[inline(always)]
unsafe fn to_array<S: Simd>(value: S::V) -> [f32; LANES] {
    let mut lane = Lane::ZERO;
    // SAFETY: the caller vouches for the features.
    unsafe { S::store(&mut lane, value) };
    lane.0
}

#[inline(always)]
unsafe fn from_array<S: Simd>(values: [f32; LANES]) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { S::load(&Lane(values)) }
}

/// Code that is compiled once a instruction set.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work. Must be `#[inline(always)]`, as must all that it calls, to be compiled with the instruction set's features.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// Two values rounded to bf16 side by side, the first in the lower half.
#[inline(always)]
pub(crate) fn pair_bits(first: f32, second: f32) -> u32 {
    (bf16_bits(first) >> 16) | (bf16_bits(second) & UPPER_HALF)
}

const UPPER_HALF: u32 = 0xffff_0000;

/// In the upper half the bits of a value rounded to bf16, to the even neighbour if two are equally near.
#[inline(always)]
fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    // A carry out of the mantissa would make an infinity or a zero of something that is no number.
    if value.is_nan() { bits | 1 << 22 } else { bits.wrapping_add(0x7fff + (bits >> 16 & 1)) }
}

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
    /// Whatever the compiler makes of it.
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
            Registers::Avx512 => x86::Avx512::<false>::ROWS,
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2 => x86::Avx2::ROWS,
            _ => Portable::ROWS,
        }
    }
}

/// Runs a kernel on a instruction set.
pub(crate) fn run<K: Kernel>(instructions: InstructionSet, kernel: K) -> K::Output {
    match instructions.registers {
        // SAFETY: `InstructionSet::available`, the only source of instruction sets, has found the features on this processor.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx512 => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx2 => unsafe { x86::run_avx2(kernel) },
        // SAFETY: the portable instruction set needs no feature.
        _ => unsafe { kernel.run::<Portable>() },
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
        return unsafe { x86::run_avx512_bf16(kernel) };
    }
    run(instructions, kernel)
}

#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for i in 0..LANES {
        out[i] = f(a[i], b[i]);
    }
    out
}

impl Simd for Portable {
    type V = [f32; LANES];
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn fetch(_soon: &Lane) {}
    #[inline(always)]
    unsafe fn fetch_near(_soon: *const u32) {}
    #[inline(always)]
    unsafe fn load(from: &Lane) -> Self::V {
        from.0
    }
    #[inline(always)]
    unsafe fn store(to: &mut Lane, value: Self::V) {
        to.0 = value;
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `mul_add`: without the instruction that is a slow library call.
        zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn pair(first: Self::V, second: Self::V) -> Self::V {
        zip(first, second, |first, second| f32::from_bits(pair_bits(first, second)))
    }
    #[inline(always)]
    unsafe fn fma_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let first = |pair: f32| f32::from_bits(pair.to_bits() << 16);
        let second = |pair: f32| f32::from_bits(pair.to_bits() & UPPER_HALF);
        let firsts = zip(a, b, |a, b| first(a) * first(b));
        let seconds = zip(a, b, |a, b| second(a) * second(b));
        zip(zip(c, firsts, |c, ab| c + ab), seconds, |c, ab| c + ab)
    }
    #[inline(always)]
    unsafe fn positive(value: Self::V) -> u16 {
        (0..LANES).fold(0, |bits, i| bits | (u16::from(value[i] > 0.0 || value[i].is_nan()) << i))
    }
    #[inline(always)]
    unsafe fn select(value: Self::V, bits: u16) -> Self::V {
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            out[i] = if bits >> i & 1 == 1 { value[i] } else { 0.0 };
        }
        out
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
        std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
    }
}

#[cfg(test)]
mod tests;
