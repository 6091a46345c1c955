//! Planes with zeros around them, a few rows at a time: windows then need no edges.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    super::{
        simd::{Lane, Simd},
        tensor::Dims,
    },
    motion::Motion,
};

/// Vectors of padded planes that stay in a core's own cache.
const OWN_CACHE: usize = (256 << 10) / size_of::<Lane>();

/// The planes of a group under some rows of windows.
pub(super) struct Padded<'a> {
    pub(super) x: &'a [Lane],
    pub(super) from: Dims,
    pub(super) motion: Motion,
    pub(super) to: Dims,
    /// The rows of windows.
    pub(super) lines: Range<usize>,
    /// Whether values are rounded to bf16.
    pub(super) rounded: bool,
    /// (input, row, column), once it is filled.
    pub(super) padded: &'a mut [Lane],
}

impl Padded<'_> {
    /// Columns under a row of windows.
    pub(super) fn width(motion: Motion, to: Dims) -> usize {
        (to.width - 1) * motion.step + motion.kernel
    }

    /// Rows of windows whose planes stay in the cache.
    pub(super) fn rows_at_once(motion: Motion, to: Dims) -> usize {
        let row = motion.inputs * Self::width(motion, to);
        ((OWN_CACHE / row).saturating_sub(motion.kernel) / motion.step).clamp(1, to.height.max(1))
    }

    /// Rows under some rows of windows.
    fn height(motion: Motion, lines: usize) -> usize {
        (lines - 1) * motion.step + motion.kernel
    }

    /// Vectors under some rows of windows.
    pub(super) fn len(motion: Motion, to: Dims, lines: usize) -> usize {
        motion.inputs * Self::height(motion, lines) * Self::width(motion, to)
    }

    /// Vectors from one input to the next.
    #[inline(always)]
    pub(super) fn plane(&self) -> usize {
        Self::height(self.motion, self.lines.len()) * Self::width(self.motion, self.to)
    }

    /// Fills in the values, and zeros around and between them.
    ///
    /// # Safety
    /// The processor has the features of `S`.
    #[inline(always)]
    pub(super) unsafe fn fill<S: Simd>(&mut self) {
        let (plane, width) = (self.plane(), Self::width(self.motion, self.to));
        let Motion { spread, padding: [above, _], step, .. } = self.motion;
        let first = self.lines.start * step;
        for input in 0..self.motion.inputs {
            for row in 0..plane / width {
                let place = (first + row).wrapping_sub(above);
                let is_there = place.is_multiple_of(spread) && place / spread < self.from.height;
                let at = input * plane + row * width;
                if is_there {
                    let from = (input * self.from.height + place / spread) * self.from.width;
                    // SAFETY: the caller vouches for the features.
                    unsafe { self.line::<S>(from, at, width) };
                } else {
                    self.padded[at..at + width].fill(Lane::ZERO);
                }
            }
        }
    }

    /// One row, with zeros before, between and after its values.
    #[inline(always)]
    unsafe fn line<S: Simd>(&mut self, from: usize, at: usize, width: usize) {
        let Motion { spread, padding: [_, before], .. } = self.motion;
        let line = &self.x[from..from + self.from.width];
        let to = &mut self.padded[at..at + width];
        let end = width.min(before + spread * (line.len() - 1) + 1);
        if spread > 1 {
            to.fill(Lane::ZERO);
        } else {
            to[..before.min(width)].fill(Lane::ZERO);
            to[end..].fill(Lane::ZERO);
        }
        let count = (end - before.min(end)).div_ceil(spread);
        for (index, value) in line[..count].iter().enumerate() {
            let to = &mut to[before + spread * index];
            // SAFETY: the caller vouches for the features.
            unsafe { S::store(to, rounded_to_bf16::<S>(S::load(value), self.rounded)) };
        }
    }
}

/// A value, rounded to bf16 if that is wanted.
///
/// # Safety
/// The processor has the features of `S`.
#[inline(always)]
pub(super) unsafe fn rounded_to_bf16<S: Simd>(value: S::V, is_wanted: bool) -> S::V {
    // SAFETY: the caller vouches for the features.
    unsafe { if is_wanted { S::unpair(S::pair(value, value))[0] } else { value } }
}
