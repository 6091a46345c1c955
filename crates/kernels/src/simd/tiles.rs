//! Products of bf16 on the tiles of processors with AMX: registers of sixteen rows of sixteen pairs.
//!
//! The instructions are written out, because Rust has no stable names for them. Everything that touches a tile is one block of
//! assembly, so that nothing is expected of what the compiler leaves in registers between two.
#![allow(unsafe_code)]

use std::{arch::asm, mem::offset_of, sync::OnceLock};

use super::{Kernel, Lane, x86::Avx512};

/// Rows of a tile, and pairs in one of its rows.
pub(crate) const SIDE: usize = 16;

/// Bytes from a row to the next in a tile that lies in memory row by row.
pub(crate) const ROW: usize = SIDE * size_of::<u32>();

/// Whether the processor has tiles for bf16 and the system lets this process use them.
pub(crate) fn are_there() -> bool {
    static ARE_THERE: OnceLock<bool> = OnceLock::new();
    *ARE_THERE.get_or_init(|| processor_has_them() && system_permits_them())
}

/// Leaf 7 names the instructions; XCR0 says whether the system saves tiles when it switches tasks.
fn processor_has_them() -> bool {
    const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
    const CONFIGURATION_AND_DATA: u64 = 0b11 << 17;
    const SAVES_EXTENDED_STATE: u32 = 1 << 27;
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & SAVES_EXTENDED_STATE == 0 {
        return false;
    }
    // SAFETY: the flag asked for just now says that the instruction is there.
    #[target_feature(enable = "xsave")]
    unsafe fn saved() -> u64 {
        // SAFETY: the caller vouches for the feature.
        unsafe { _xgetbv(0) }
    }
    __cpuid_count(7, 0).edx & BF16_AND_TILES == BF16_AND_TILES
        // SAFETY: as above.
        && unsafe { saved() } & CONFIGURATION_AND_DATA == CONFIGURATION_AND_DATA
}

/// Linux gives tiles to processes that ask for them.
#[cfg(target_os = "linux")]
fn system_permits_them() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call changes nothing but what this process may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn system_permits_them() -> bool {
    false
}

/// What the eight tiles look like, as `ldtilecfg` reads it.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Eight whole tiles.
static WHOLE: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Tiles are configured while it lives: threads that have none are cheaper to switch.
struct Configured;

impl Configured {
    /// # Safety
    /// The processor has tiles, and the system permits them.
    unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instruction; the configuration is a valid one.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE, options(nostack, readonly)) };
        Self
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: it was made where the instructions are there.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Runs a kernel that uses tiles beside vectors.
///
/// # Safety
/// The processor has AVX-512F, AVX-512BW, AVX512_BF16 and [tiles](are_there).
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let _configured = Configured::new();
        kernel.run::<Avx512<true>>()
    }
}

/// Two tiles beside or above each other, step after step along what is summed over.
///
/// Each has `PARTS` parts, whose sum is the value.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Operand {
    /// Where both begin; the same place twice if there is one.
    pub(crate) start: [*const u8; 2],
    /// Bytes from a row to the next.
    pub(crate) row: usize,
    /// Bytes from a part to the next.
    pub(crate) part: usize,
    /// Bytes from a step to the next.
    pub(crate) step: usize,
}

/// Where four tiles of sums go.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    /// Where they begin, row by row; places may be the same where operands are.
    pub(crate) start: [[*mut Lane; 2]; 2],
    /// Bytes from a row to the next.
    pub(crate) row: usize,
}

/// What [`multiply`] reads from memory while it has no registers to spare.
#[repr(C)]
struct Job {
    a_step: usize,
    b_step: usize,
    a_part: usize,
    b_part: usize,
    sums: Sums,
}

/// The four products of two tiles on the left (4 and 5) and two on the right (6 and 7).
macro_rules! four {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm4, tmm7
         tdpbf16ps tmm2, tmm5, tmm6
         tdpbf16ps tmm3, tmm5, tmm7\n"
    };
}

macro_rules! left {
    () => {
        "tileloadd tmm4, [{a0} + {a_row}]
         tileloadd tmm5, [{a1} + {a_row}]\n"
    };
}

macro_rules! right {
    () => {
        "tileloadd tmm6, [{b0} + {b_row}]
         tileloadd tmm7, [{b1} + {b_row}]\n"
    };
}

/// Moves both places of an operand by a field of the job.
macro_rules! go {
    (left $by:literal, $field:literal) => {
        concat!($by, " {a0}, [{job} + {", $field, "}]\n", $by, " {a1}, [{job} + {", $field, "}]\n")
    };
    (right $by:literal, $field:literal) => {
        concat!($by, " {b0}, [{job} + {", $field, "}]\n", $by, " {b1}, [{job} + {", $field, "}]\n")
    };
}

/// Applies an instruction to the four tiles of sums and their places.
macro_rules! sums {
    ($($tile:literal $place:literal),*; $instruction:ident) => {
        concat!(
            "mov {row}, [{job} + {sums_row}]\n",
            $("mov {place}, [{job} + {sums} + ", $place, "]\n", sums!($instruction $tile),)*
        )
    };
    (load $tile:literal) => { concat!("tileloadd tmm", $tile, ", [{place} + {row}]\n") };
    (store $tile:literal) => { concat!("tilestored [{place} + {row}], tmm", $tile, "\n") };
}

/// Products, and what is done before them and in each step.
macro_rules! product {
    ($job:ident, $a:ident, $b:ident, $steps:ident, $begin:expr, $step:expr) => {
        asm!(
            $begin,
            "2:",
            $step,
            go!(left "add", "a_step"),
            go!(right "add", "b_step"),
            "dec {steps}",
            "jnz 2b",
            sums!("0" "0", "1" "8", "2" "16", "3" "24"; store),
            // Whatever a step does not use is named here.
            "/* {a_part} {b_part} */",
            job = in(reg) &raw const $job,
            a0 = inout(reg) $a.start[0] => _,
            a1 = inout(reg) $a.start[1] => _,
            b0 = inout(reg) $b.start[0] => _,
            b1 = inout(reg) $b.start[1] => _,
            a_row = in(reg) $a.row,
            b_row = in(reg) $b.row,
            steps = inout(reg) $steps => _,
            row = out(reg) _,
            place = out(reg) _,
            a_step = const offset_of!(Job, a_step),
            b_step = const offset_of!(Job, b_step),
            a_part = const offset_of!(Job, a_part),
            b_part = const offset_of!(Job, b_part),
            sums = const offset_of!(Job, sums),
            sums_row = const offset_of!(Job, sums) + offset_of!(Sums, row),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

macro_rules! zero {
    () => {
        "tilezero tmm0\n tilezero tmm1\n tilezero tmm2\n tilezero tmm3"
    };
}

macro_rules! load {
    () => {
        sums!("0" "0", "1" "8", "2" "16", "3" "24"; load)
    };
}

macro_rules! one_part {
    () => {
        concat!(left!(), right!(), four!())
    };
}

/// Low · high, high · high, high · low; low · low is below what is kept.
macro_rules! two_parts {
    () => {
        concat!(
            go!(left "add", "a_part"), left!(), right!(), four!(),
            go!(left "sub", "a_part"), left!(), four!(),
            go!(right "add", "b_part"), right!(), four!(),
            go!(right "sub", "b_part"),
        )
    };
}

/// All products of parts whose numbers sum to two at most, so that each changes one operand only.
macro_rules! three_parts {
    () => {
        concat!(
            go!(left "add", "a_part"), go!(left "add", "a_part"), left!(), right!(), four!(),
            go!(left "sub", "a_part"), left!(), four!(),
            go!(right "add", "b_part"), right!(), four!(),
            go!(left "sub", "a_part"), left!(), four!(),
            go!(right "add", "b_part"), right!(), four!(),
            go!(right "sub", "b_part"), go!(right "sub", "b_part"), right!(), four!(),
        )
    };
}

/// sums[i][j] = Σ over steps, and over parts p + q < `PARTS`, of a[i][p] · b[j][q]; added to what is there unless it `is_first`.
///
/// A tile of `a` has sixteen rows of sixteen pairs, one of `b` sixteen rows of pairs for sixteen columns.
///
/// # Safety
/// Called from a kernel that [`run`] runs. All tiles of the operands can be read, all those of the sums written, and nobody else
/// does. There is a step at least.
#[inline(always)]
pub(crate) unsafe fn multiply<const PARTS: usize>(
    a: Operand,
    b: Operand,
    steps: usize,
    sums: Sums,
    is_first: bool,
) {
    let job = Job { a_step: a.step, b_step: b.step, a_part: a.part, b_part: b.part, sums };
    // SAFETY: the caller vouches for all places; the job outlives the block; no register but those named is changed.
    unsafe {
        match (PARTS, is_first) {
            (1, true) => product!(job, a, b, steps, zero!(), one_part!()),
            (1, false) => product!(job, a, b, steps, load!(), one_part!()),
            (2, true) => product!(job, a, b, steps, zero!(), two_parts!()),
            (2, false) => product!(job, a, b, steps, load!(), two_parts!()),
            (3, true) => product!(job, a, b, steps, zero!(), three_parts!()),
            (3, false) => product!(job, a, b, steps, load!(), three_parts!()),
            _ => unreachable!("one to three parts"),
        }
    }
}
