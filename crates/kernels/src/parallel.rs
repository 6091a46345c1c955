//! Loops over parts of a buffer, on all threads.
//!
//! rayon's own are compiled anew for every closure, some ten thousand instructions each time. These are compiled once for every
//! type of value; a part is work enough for a call through a pointer.

use rayon::prelude::*;

/// Calls `work` with the number and the values of each part of `size` values; the last one may be shorter.
pub(crate) fn for_each_part<T: Send>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    each_part(data, size, 1, &work);
}

/// [`for_each_part`] where one part is too little for a thread: at least `at_once`.
pub(crate) fn for_each_small_part<T: Send>(
    data: &mut [T],
    size: usize,
    at_once: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    each_part(data, size, at_once, &work);
}

/// [`for_each_small_part`] with something of its own for each part.
pub(crate) fn for_each_part_and<T: Send, U: Send>(
    data: &mut [T],
    size: usize,
    with: Vec<U>,
    at_once: usize,
    work: impl Fn(usize, &mut [T], U) + Sync,
) {
    each_part_and(data, size, with, at_once, &work);
}

/// What `work` makes of the numbers below `count`, in their order.
pub(crate) fn collect<R: Send>(count: usize, at_once: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    collected(count, at_once, &work)
}

/// Work on a part, given its number and what it has of its own.
type WorkWith<'a, T, U> = dyn Fn(usize, &mut [T], U) + Sync + 'a;

#[inline(never)]
fn each_part<T: Send>(data: &mut [T], size: usize, at_once: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let parts = data.par_chunks_mut(size).enumerate().with_min_len(at_once);
    parts.for_each(|(index, part)| work(index, part));
}

#[inline(never)]
fn each_part_and<T: Send, U: Send>(
    data: &mut [T],
    size: usize,
    with: Vec<U>,
    at_once: usize,
    work: &WorkWith<'_, T, U>,
) {
    let parts = data.par_chunks_mut(size).zip(with).enumerate().with_min_len(at_once);
    parts.for_each(|(index, (part, with))| work(index, part, with));
}

#[inline(never)]
fn collected<R: Send>(count: usize, at_once: usize, work: &(dyn Fn(usize) -> R + Sync)) -> Vec<R> {
    (0..count).into_par_iter().with_min_len(at_once).map(work).collect()
}
