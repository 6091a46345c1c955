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
#[derive(Clone, Copy)]
pub(crate) struct Operand {
    /// Where both begin; the same place twice if there is one.
    pub(crate) start: [*const u8; 2],
    /// Bytes from a row to the next.
    pub(crate) row: usize,
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
    sums: Sums,
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

/// What is done before the first step, then the four products of two tiles on the left and two on the right in each.
macro_rules! product {
    ($job:ident, $a:ident, $b:ident, $steps:ident, $begin:expr) => {
        asm!(
            $begin,
            "2:",
            "tileloadd tmm4, [{a0} + {a_row}]",
            "tileloadd tmm6, [{b0} + {b_row}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b1} + {b_row}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a1} + {a_row}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a0}, [{job} + {a_step}]",
            "add {a1}, [{job} + {a_step}]",
            "add {b0}, [{job} + {b_step}]",
            "add {b1}, [{job} + {b_step}]",
            "dec {steps}",
            "jnz 2b",
            sums!("0" "0", "1" "8", "2" "16", "3" "24"; store),
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
            sums = const offset_of!(Job, sums),
            sums_row = const offset_of!(Job, sums) + offset_of!(Sums, row),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// sums[i][j] = Σ over steps of a[i] · b[j]; added to what is there unless it `is_first`.
///
/// A tile of `a` has sixteen rows of sixteen pairs, one of `b` sixteen rows of pairs for sixteen columns.
///
/// # Safety
/// Called from a kernel that [`run`] runs. All tiles of the operands can be read, all those of the sums written, and nobody else
/// does. There is a step at least.
#[inline(always)]
pub(crate) unsafe fn multiply(a: Operand, b: Operand, steps: usize, sums: Sums, is_first: bool) {
    let job = Job { a_step: a.step, b_step: b.step, sums };
    // SAFETY: the caller vouches for all places; the job outlives the block; no register but those named is changed.
    unsafe {
        if is_first {
            product!(job, a, b, steps, "tilezero tmm0\n tilezero tmm1\n tilezero tmm2\n tilezero tmm3");
        } else {
            product!(job, a, b, steps, sums!("0" "0", "1" "8", "2" "16", "3" "24"; load));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ptr, slice};

    use super::*;
    use crate::simd::{Path, Simd, pair_bits, run_on_tiles};

    /// Memory that ends, or begins, where a page begins, or ends, that nobody may touch.
    struct Guarded {
        pages: *mut u8,
        inside: usize,
        start: *mut u8,
    }

    const PAGE: usize = 4096;

    impl Guarded {
        fn new(bytes: usize, at_end: bool) -> Self {
            let inside = bytes.next_multiple_of(PAGE);
            // SAFETY: new memory of this process alone; the outer pages stay without permissions.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let pages = libc::mmap(ptr::null_mut(), inside + 2 * PAGE, libc::PROT_NONE, flags, -1, 0);
                assert_ne!(pages, libc::MAP_FAILED, "memory");
                let pages = pages.cast::<u8>();
                let readable = libc::PROT_READ | libc::PROT_WRITE;
                assert_eq!(libc::mprotect(pages.add(PAGE).cast(), inside, readable), 0, "permissions");
                let start = pages.add(PAGE + if at_end { inside - bytes } else { 0 });
                Self { pages, inside, start }
            }
        }

        /// All of it as numbers.
        fn numbers<T: Copy>(&mut self, count: usize) -> &mut [T] {
            assert!(count * size_of::<T>() <= self.inside);
            // SAFETY: mapped, zero at first, aligned to cache lines, and borrowed as long as the slice lives.
            unsafe { slice::from_raw_parts_mut(self.start.cast(), count) }
        }
    }

    impl Drop for Guarded {
        fn drop(&mut self) {
            // SAFETY: mapped by `new`, and unmapped only here.
            unsafe { libc::munmap(self.pages.cast(), self.inside + 2 * PAGE) };
        }
    }

    struct Multiply(Operand, Operand, usize, Sums, bool);

    impl Kernel for Multiply {
        type Output = ();

        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(a, b, steps, sums, is_first) = self;
            // SAFETY: the test has made all places, and `run_on_tiles` runs this.
            unsafe { multiply(a, b, steps, sums, is_first) }
        }
    }

    /// Whole numbers, so that all sums are exact.
    fn number(seed: usize) -> f32 {
        (seed * 7919 % 23) as f32 - 11.0
    }

    fn check(path: Path, steps: usize, at_end: bool, is_first: bool) {
        const TILE: usize = SIDE * SIDE;
        let pairs = |seed: usize, at: usize| [number(seed + 2 * at), number(seed + 2 * at + 1)];
        let bits = |seed: usize, at: usize| pair_bits(pairs(seed, at)[0], pairs(seed, at)[1]);
        let [mut a, mut b, mut sums] =
            [2 * steps, 2 * steps, 4].map(|tiles| Guarded::new(tiles * TILE * size_of::<u32>(), at_end));
        for (seed, operand) in [(1, &mut a), (5, &mut b)] {
            let factors = operand.numbers::<u32>(2 * TILE * steps);
            factors.iter_mut().enumerate().for_each(|(at, factor)| *factor = bits(seed, at));
        }
        sums.numbers::<f32>(4 * TILE).iter_mut().enumerate().for_each(|(at, sum)| *sum = number(at));
        // Rows of `a` are those of two tiles one after the other, rows of `b` go on from one tile to the one beside it.
        let left = Operand { start: [a.start, a.start.wrapping_add(TILE * 4)], row: ROW, step: 2 * TILE * 4 };
        let right = Operand { start: [b.start, b.start.wrapping_add(ROW)], row: 2 * ROW, step: 2 * TILE * 4 };
        let place = |i: usize, j: usize| sums.start.wrapping_add(i * SIDE * 2 * ROW + j * ROW).cast::<Lane>();
        let to = Sums { start: [[place(0, 0), place(0, 1)], [place(1, 0), place(1, 1)]], row: 2 * ROW };
        run_on_tiles(path, Multiply(left, right, steps, to, is_first));
        for (at, &found) in sums.numbers::<f32>(4 * TILE).iter().enumerate() {
            let (row, column) = (at / (2 * SIDE), at % (2 * SIDE));
            let mut expected = if is_first { 0.0 } else { number(at) };
            for k in 0..steps * SIDE {
                let (step, k) = (k / SIDE, k % SIDE);
                let x = pairs(1, (step * 2 * SIDE + row) * SIDE + k);
                let y = pairs(5, (step * SIDE + k) * 2 * SIDE + column);
                expected += x[0] * y[0] + x[1] * y[1];
            }
            assert_eq!(found, expected, "row {row}, column {column} of {steps} steps");
        }
    }

    /// Nothing beyond the operands is read or written: there the process would end. (On processors without tiles nothing runs.)
    #[test]
    fn tiles_multiply_what_they_are_given_and_touch_nothing_else() {
        let Some(path) = Path::available().into_iter().find(|path| path.has_tiles()) else { return };
        for steps in [1, 2, 5] {
            for (at_end, is_first) in [(true, true), (true, false), (false, true), (false, false)] {
                check(path, steps, at_end, is_first);
            }
        }
    }
}
