//! What the passes on tiles have in common.
#![allow(unsafe_code)]

use std::ops::Range;

use super::super::simd::{LANES, Simd, tiles::SIDE};

/// Rows that two tiles beside each other give at once, and values that are summed over in one step: pairs for a tile's row.
pub(super) const GROUP: usize = 2 * SIDE;

/// Vectors of a tile.
pub(super) const TILE: usize = SIDE;

/// Two values as pairs of bf16, and in a second part what rounding took from them.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn pairs<S: Simd, const PARTS: usize>(first: S::V, second: S::V) -> [S::V; PARTS] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let rounded = S::pair(first, second);
        let mut parts = [rounded; PARTS];
        if let Some(rest) = parts.get_mut(1) {
            let [a, b] = S::unpair(rounded);
            *rest = S::pair(S::sub(first, a), S::sub(second, b));
        }
        parts
    }
}

/// The same for two values whose lanes make a tile's row, one after the other.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn row<S: Simd, const PARTS: usize>(first: S::V, second: S::V) -> [S::V; PARTS] {
    // SAFETY: the caller vouches for the features.
    unsafe {
        let rounded = S::row(first, second);
        let mut parts = [rounded; PARTS];
        if let Some(rest) = parts.get_mut(1) {
            let [a, b] = S::unrow(rounded);
            *rest = S::row(S::sub(first, a), S::sub(second, b));
        }
        parts
    }
}

/// How many groups of so many make up the channels.
#[inline(always)]
pub(super) fn groups(channels: usize, group: usize) -> usize {
    channels.div_ceil(group)
}

/// Some rows, so many at a time.
pub(super) fn steps(rows: Range<usize>, at_once: usize) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(at_once).map(move |start| start..rows.end.min(start + at_once))
}

const _: () = assert!(SIDE == LANES, "a tile's column is an image");
