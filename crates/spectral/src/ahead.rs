//! Asking memory for what is read or written next, where the processor can be asked: it is slower than the transforms.

/// Numbers in a line of a cache.
const LINE: usize = 16;
/// Lines that are asked for at most, 16 KiB: half of a core's first cache. What follows in a larger image, hardware foresees by itself.
const MOST: usize = 256;

/// Asks for the first of some numbers that follow each other, into the nearest cache.
#[inline(always)]
pub(crate) fn ask_for(values: &[f32]) {
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse"))]
    values.chunks(LINE).take(MOST).for_each(|line| safe_arch::prefetch_t0(&line[0]));
}

/// Asks for all of these, which lie apart from what was used before, so that the processor does not foresee them: into the second-level cache,
/// since in the nearest they would push out what is being computed.
#[inline(always)]
pub(crate) fn ask_for_all<T>(numbers: &[T]) {
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse"))]
    {
        numbers
            .chunks(LINE * size_of::<f32>() / size_of::<T>())
            .for_each(|line| safe_arch::prefetch_t1(&line[0]));
        // They may end in a line more.
        numbers.last().into_iter().for_each(safe_arch::prefetch_t1);
    }
}
