//! Sixteen f32 lanes, one image each, on whatever vector registers the processor has.
//!
//! A kernel is written once against [`Simd`] and compiled for every path; [`run`] picks one at run time:
//!
//! | path | registers a value | wins |
//! |---|---|---|
//! | AVX-512 | one `zmm` | wherever it is there |
//! | AVX2 + FMA | two `ymm` | other x86-64 of the last ten years |
//! | portable | an array; the compiler vectorises it | elsewhere, and as a cross-check |
//!
//! `FREQBIAS_KERNELS=avx512|avx2|portable` forces a path, so that all can be tested on one machine.
#![allow(unsafe_code)]

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
/// Methods may only run on a processor with the path's features; [`run`] sees to that.
pub(crate) trait Simd: Copy {
    /// Sixteen f32 in registers.
    type V: Copy;
    /// Rows of a register tile of the matrix kernels; weights are packed in groups of as many.
    const ROWS: usize;

    /// Asks for a value that will be read (or written) soon, so that it comes from memory meanwhile.
    unsafe fn fetch(soon: &Lane);
    unsafe fn load(from: &Lane) -> Self::V;
    unsafe fn store(to: &mut Lane, value: Self::V);
    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Bit i says whether lane i is positive.
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

/// Code that is compiled once a path.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work. Must be `#[inline(always)]`, as must all that it calls, to be compiled with the path's features.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// The way that kernels take. There is none that this machine cannot take: [`available`](Self::available) alone makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path(Registers);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registers {
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors and fused multiply-add.
    Avx2,
    /// Whatever the compiler makes of it.
    Portable,
}

impl Path {
    /// The path that every machine has.
    pub const PORTABLE: Self = Self(Registers::Portable);

    /// The best path that this processor has, or the one that `FREQBIAS_KERNELS` names if the processor has it.
    pub fn current() -> Self {
        static CHOSEN: OnceLock<Path> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let wanted = std::env::var("FREQBIAS_KERNELS").unwrap_or_default();
            let available = Self::available();
            let named = available.iter().copied().find(|path| path.name() == wanted);
            named.unwrap_or(available[0])
        })
    }

    /// The paths that this processor has, best first.
    pub fn available() -> Vec<Self> {
        let mut paths = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                if is_x86_feature_detected!("avx512f") {
                    paths.push(Self(Registers::Avx512));
                }
                paths.push(Self(Registers::Avx2));
            }
        }
        paths.push(Self::PORTABLE);
        paths
    }

    /// The path for code on plain arrays of sixteen: the compiler makes more of them with half as wide vectors. A processor
    /// that has AVX-512 has AVX2.
    pub(crate) fn for_arrays(self) -> Self {
        if self.0 == Registers::Avx512 { Self(Registers::Avx2) } else { self }
    }

    /// The name that `FREQBIAS_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self.0 {
            Registers::Avx512 => "avx512",
            Registers::Avx2 => "avx2",
            Registers::Portable => "portable",
        }
    }

    /// Rows of this path's register tile.
    pub(crate) fn rows(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Registers::Avx512 => x86::Avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2 => x86::Avx2::ROWS,
            _ => Portable::ROWS,
        }
    }
}

/// Runs a kernel on a path.
pub(crate) fn run<K: Kernel>(path: Path, kernel: K) -> K::Output {
    match path.0 {
        // SAFETY: `Path::available`, the only source of paths, has found the features on this processor.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx512 => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Registers::Avx2 => unsafe { x86::run_avx2(kernel) },
        // SAFETY: the portable path needs no feature.
        _ => unsafe { kernel.run::<Portable>() },
    }
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
    unsafe fn positive(value: Self::V) -> u16 {
        (0..LANES).fold(0, |bits, i| bits | (u16::from(value[i] > 0.0) << i))
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Kernel, LANES, Lane, Simd};

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    /// # Safety
    /// The processor has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(crate) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the feature.
        unsafe { kernel.run::<Avx512>() }
    }

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(crate) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features.
        unsafe { kernel.run::<Avx2>() }
    }

    // SAFETY (all blocks below): the trait's contract says that the processor has the path's features, and a `Lane`
    // is sixteen f32 aligned to 64 bytes.
    #[allow(clippy::undocumented_unsafe_blocks)]
    impl Simd for Avx512 {
        type V = __m512;
        const ROWS: usize = 8;

        #[inline(always)]
        unsafe fn fetch(soon: &Lane) {
            unsafe { _mm_prefetch::<_MM_HINT_T1>(soon.0.as_ptr().cast()) }
        }
        #[inline(always)]
        unsafe fn load(from: &Lane) -> Self::V {
            unsafe { _mm512_load_ps(from.0.as_ptr()) }
        }
        #[inline(always)]
        unsafe fn store(to: &mut Lane, value: Self::V) {
            unsafe { _mm512_store_ps(to.0.as_mut_ptr(), value) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self::V {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn positive(value: Self::V) -> u16 {
            unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, _mm512_setzero_ps()) }
        }
        #[inline(always)]
        unsafe fn select(value: Self::V, bits: u16) -> Self::V {
            unsafe { _mm512_maskz_mov_ps(bits, value) }
        }
        #[inline(always)]
        unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
            unsafe {
                // Within 128-bit quarters: 4×4 transposes of four rows each.
                let mut fours = [_mm512_setzero_ps(); LANES];
                for i in (0..LANES).step_by(4) {
                    let low = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
                    let high = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
                    let low2 = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
                    let high2 = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
                    fours[i] = _mm512_shuffle_ps::<0b01_00_01_00>(low, low2);
                    fours[i + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(low, low2);
                    fours[i + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(high, high2);
                    fours[i + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(high, high2);
                }
                // Then the quarters themselves: fours[4q + c] holds lanes c, 4 + c, 8 + c, 12 + c of rows 4q … 4q + 3.
                let mut out = [_mm512_setzero_ps(); LANES];
                for c in 0..4 {
                    let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[c], fours[4 + c]);
                    let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[c], fours[4 + c]);
                    let even2 = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[8 + c], fours[12 + c]);
                    let odd2 = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[8 + c], fours[12 + c]);
                    out[c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even, even2);
                    out[8 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even, even2);
                    out[4 + c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd, odd2);
                    out[12 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd, odd2);
                }
                out
            }
        }
    }

    /// The transpose of 8×8 values.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn transpose8(rows: [__m256; 8]) -> [__m256; 8] {
        // SAFETY: the caller vouches for the feature.
        unsafe {
            let mut fours = [_mm256_setzero_ps(); 8];
            for i in (0..8).step_by(4) {
                let low = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
                let high = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
                let low2 = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
                let high2 = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
                fours[i] = _mm256_shuffle_ps::<0b01_00_01_00>(low, low2);
                fours[i + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(low, low2);
                fours[i + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(high, high2);
                fours[i + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(high, high2);
            }
            let mut out = [_mm256_setzero_ps(); 8];
            for c in 0..4 {
                out[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
                out[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
            }
            out
        }
    }

    // SAFETY (all blocks below): as for AVX-512.
    #[allow(clippy::undocumented_unsafe_blocks)]
    impl Simd for Avx2 {
        type V = [__m256; 2];
        const ROWS: usize = 4;

        #[inline(always)]
        unsafe fn fetch(soon: &Lane) {
            unsafe { _mm_prefetch::<_MM_HINT_T1>(soon.0.as_ptr().cast()) }
        }
        #[inline(always)]
        unsafe fn load(from: &Lane) -> Self::V {
            unsafe { [_mm256_load_ps(from.0.as_ptr()), _mm256_load_ps(from.0.as_ptr().add(8))] }
        }
        #[inline(always)]
        unsafe fn store(to: &mut Lane, value: Self::V) {
            unsafe {
                _mm256_store_ps(to.0.as_mut_ptr(), value[0]);
                _mm256_store_ps(to.0.as_mut_ptr().add(8), value[1]);
            }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self::V {
            unsafe { [_mm256_set1_ps(value); 2] }
        }
        #[inline(always)]
        unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
        }
        #[inline(always)]
        unsafe fn positive(value: Self::V) -> u16 {
            unsafe {
                let zero = _mm256_setzero_ps();
                let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(value[0], zero));
                let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(value[1], zero));
                (low | (high << 8)) as u16
            }
        }
        #[inline(always)]
        unsafe fn select(value: Self::V, bits: u16) -> Self::V {
            unsafe {
                let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                let low = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
                let high = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits >> 8)), lanes);
                [
                    _mm256_and_ps(value[0], _mm256_castsi256_ps(_mm256_cmpeq_epi32(low, lanes))),
                    _mm256_and_ps(value[1], _mm256_castsi256_ps(_mm256_cmpeq_epi32(high, lanes))),
                ]
            }
        }
        #[inline(always)]
        unsafe fn transpose(rows: [Self::V; LANES]) -> [Self::V; LANES] {
            let mut out = [[unsafe { _mm256_setzero_ps() }; 2]; LANES];
            for half in 0..2 {
                for quarter in 0..2 {
                    let square = std::array::from_fn(|i| rows[quarter * 8 + i][half]);
                    let turned = unsafe { transpose8(square) };
                    for (i, turned) in turned.into_iter().enumerate() {
                        out[half * 8 + i][quarter] = turned;
                    }
                }
            }
            out
        }
    }
}
