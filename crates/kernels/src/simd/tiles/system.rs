//! Whether there are tiles, and their configuration.
#![allow(unsafe_code)]

use std::{arch::asm, sync::OnceLock};

use super::super::{avx512::Avx512, vector::Kernel};

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
