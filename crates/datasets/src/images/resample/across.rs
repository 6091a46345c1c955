//! The pass over rows.

use super::weights::Weights;

/// So many rows are made narrower at once: their pixels side by side fill a vector.
pub(super) const AT_ONCE: usize = 4;

/// The pass over rows.
pub(super) struct Across<'a> {
    pub(super) columns: &'a Weights,
    pub(super) mirrored: bool,
    /// So many rows of pixels, side by side.
    pub(super) beside: &'a [[[u8; 4]; AT_ONCE]],
    pub(super) side: usize,
    /// As many rows, one after another.
    pub(super) out: &'a mut [[u8; 4]],
}

impl Across<'_> {
    /// Each pixel of the rows by weighted sums of others.
    #[inline(always)]
    pub(super) fn with(self, sum: impl Fn(&[[[u8; 4]; AT_ONCE]], &[i32]) -> [[u8; 4]; AT_ONCE]) {
        let Self { columns, mirrored, beside, side, out } = self;
        let (one, rest) = out.split_at_mut(side);
        let (two, rest) = rest.split_at_mut(side);
        let (three, four) = rest.split_at_mut(side);
        let pixels = one.iter_mut().zip(two).zip(three).zip(four);
        for ((((one, two), three), four), (start, weights)) in pixels.zip(columns.targets()) {
            [*one, *two, *three, *four] = sum(&beside[start..start + columns.taps], weights);
        }
        if mirrored {
            out.chunks_exact_mut(side).for_each(<[_]>::reverse);
        }
    }
}
