//! Large buffers on large pages: a tile touches hundreds of places far apart, and each page needs an entry in the
//! processor's table of addresses, which is dear in a virtual machine.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Buffers that are worth it, in bytes.
const LARGE: usize = 4 << 20;

/// The size of a large page.
const PAGE: usize = 2 << 20;

/// So many zeros, written by all threads: memory that nobody has touched yet takes its time.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    const AT_ONCE: usize = PAGE / size_of::<f32>();
    let mut zeros = Vec::with_capacity(len);
    prefer_huge(zeros.spare_capacity_mut());
    (0..len).into_par_iter().with_min_len(AT_ONCE).map(|_| 0.0).collect_into_vec(&mut zeros);
    zeros
}

/// Asks the system to put memory that nobody has touched yet on large pages. It may decline.
pub(super) fn prefer_huge<T>(memory: &mut [MaybeUninit<T>]) {
    let bytes = size_of_val(memory);
    if bytes >= LARGE {
        let start = memory.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        if skipped < bytes {
            advise(start.wrapping_add(skipped), (bytes - skipped) / PAGE * PAGE);
        }
    }
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, length: usize) {
    // SAFETY: the pages lie inside memory that the caller owns, and advice changes no content.
    let _declined = unsafe { libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _length: usize) {}
