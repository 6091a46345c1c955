//! Asking memory for what is read next: it is slower than the transforms of small images.

/// Numbers in a line of a cache.
const LINE: usize = 16;
/// Lines that are asked for at most, 16 KiB: half of a core's first cache. What follows in a larger image, hardware foresees by itself.
const MOST: usize = 256;

/// Asks for the first numbers of these, where the processor can be asked.
#[inline(always)]
pub(crate) fn ask_for(values: &[f32]) {
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse"))]
    values.chunks(LINE).take(MOST).for_each(|line| safe_arch::prefetch_t0(&line[0]));
}
