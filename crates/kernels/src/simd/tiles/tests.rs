//! Products of whole numbers beside memory that nobody may touch.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code)]

use std::{ptr, slice};

use super::*;
use crate::simd::{InstructionSet, Kernel, Simd, pair_bits, run_on_tiles};

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

struct Multiply<'a, const PARTS: usize>(Operand, Operand, &'a [Run], usize, Sums, bool);

impl<const PARTS: usize> Kernel for Multiply<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self(a, b, runs, steps, sums, is_first) = self;
        // SAFETY: the test has made all places, and `run_on_tiles` runs this.
        unsafe { multiply::<PARTS>(a, b, runs, steps, sums, is_first) }
    }
}

/// Whole numbers, so that all sums are exact.
fn number(seed: usize) -> f32 {
    (seed * 7919 % 23) as f32 - 11.0
}

/// Values of a tile.
const VALUES: usize = SIDE * SIDE;

/// The pair at a place of an operand's memory.
fn pair(seed: usize, at: usize) -> [f32; 2] {
    [number(seed + 2 * at), number(seed + 2 * at + 1)]
}

/// Both tiles of a lie side by side in each step; those of b apart, the runs of the second in reverse.
fn check<const PARTS: usize>(
    instructions: InstructionSet,
    [runs, steps]: [usize; 2],
    at_end: bool,
    is_first: bool,
) {
    let tiles = 2 * runs * steps * PARTS;
    let bytes = |tiles: usize| tiles * TILE;
    let [mut a, mut b, mut sums] =
        [tiles, tiles, 4].map(|tiles| Guarded::new(bytes(tiles).max(TILE), at_end));
    for (seed, operand) in [(1, &mut a), (5, &mut b)] {
        let factors = operand.numbers::<u32>(VALUES * tiles);
        factors.iter_mut().enumerate().for_each(|(at, factor)| {
            let [first, second] = pair(seed, at);
            *factor = pair_bits(first, second);
        });
    }
    sums.numbers::<f32>(4 * VALUES).iter_mut().enumerate().for_each(|(at, sum)| *sum = number(at));
    // Tiles from the beginning to that of a step, for each of the two.
    let of_a = |run: usize, step: usize, half: usize| ((run * steps + step) * 2 + half) * PARTS;
    let of_b = |run: usize, step: usize, half: usize| {
        let run = if half == 1 { 2 * runs - 1 - run } else { run };
        (run * steps + step) * PARTS
    };
    let starts: Vec<Run> = (0..runs)
        .map(|run| Run { a: bytes(of_a(run, 0, 0)), b: [0, 1].map(|half| bytes(of_b(run, 0, half))) })
        .collect();
    let second = a.start.wrapping_add(bytes(PARTS));
    let left = Operand { start: [a.start, second], step: bytes(2 * PARTS), part: TILE };
    let right = Operand { start: [b.start; 2], step: bytes(PARTS), part: TILE };
    let place = |i: usize, j: usize| sums.start.wrapping_add(i * SIDE * 2 * ROW + j * ROW).cast::<Lane>();
    let to = Sums { start: [[place(0, 0), place(0, 1)], [place(1, 0), place(1, 1)]], row: 2 * ROW };
    run_on_tiles(instructions, Multiply::<PARTS>(left, right, &starts, steps, to, is_first));
    for (at, &found) in sums.numbers::<f32>(4 * VALUES).iter().enumerate() {
        let (row, column) = (at / (2 * SIDE), at % (2 * SIDE));
        let mut expected = if is_first { 0.0 } else { number(at) };
        for (run, step) in (0..runs).flat_map(|run| (0..steps).map(move |step| (run, step))) {
            for (k, (p, q)) in (0..SIDE).flat_map(|k| parts::<PARTS>().map(move |parts| (k, parts))) {
                let x = pair(1, (of_a(run, step, row / SIDE) + p) * VALUES + row % SIDE * SIDE + k);
                let y = pair(5, (of_b(run, step, column / SIDE) + q) * VALUES + k * SIDE + column % SIDE);
                expected += x[0] * y[0] + x[1] * y[1];
            }
        }
        assert_eq!(found, expected, "row {row}, column {column} of {runs} runs of {steps} steps");
    }
}

/// Which parts are multiplied with which: all but the rests with each other.
fn parts<const PARTS: usize>() -> impl Iterator<Item = (usize, usize)> {
    (0..PARTS).flat_map(|p| (0..PARTS - p).map(move |q| (p, q)))
}

/// Nothing beyond the operands is read or written: there the process would end. (On processors without tiles nothing runs.)
#[test]
fn tiles_multiply_what_they_are_given_and_touch_nothing_else() {
    let Some(instructions) =
        InstructionSet::available().into_iter().find(|instructions| instructions.has_tiles())
    else {
        return;
    };
    for size in [[1, 1], [1, 5], [3, 2], [0, 1]] {
        for (at_end, is_first) in [(true, true), (true, false), (false, true), (false, false)] {
            check::<1>(instructions, size, at_end, is_first);
            check::<2>(instructions, size, at_end, is_first);
        }
    }
}
