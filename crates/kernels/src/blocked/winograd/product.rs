//! Transformed tiles multiplied with transformed weights at one point: out[r][t] = Σ_k weights[r][k] · v[k][t].
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "indices run over register tiles of constant size")]

use super::super::{
    factors::{Factors, values_a_summand},
    gemm::{add_product, spread_bits},
    simd::{Kernel, LANES, Lane, Simd},
};

/// Operands that are summed over: channels in groups of as many as a product has rows, as
/// `[group][point][summand][tile]`, so that each group of channels can be written by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depths {
    /// Channels.
    channels: usize,
    /// Tiles.
    pub(crate) count: usize,
    /// Vectors from one point to the next: one more than needed, or like places of all points would share a cache set.
    pub(crate) point_stride: usize,
    /// Vectors from one group to the next.
    pub(crate) group_stride: usize,
    /// Channels in a group, and in a summand.
    group: usize,
    together: usize,
}

impl Depths {
    /// Of so many channels, on an instruction set whose register tiles have so many rows.
    #[inline(always)]
    pub(crate) fn new<const F: Factors>(
        rows_of_registers: usize,
        channels: usize,
        points: usize,
        count: usize,
    ) -> Self {
        let (group, together) = (rows_of_registers, values_a_summand(F));
        let point_stride = group / together * count + 1;
        Self { channels, count, point_stride, group_stride: points * point_stride, group, together }
    }

    /// How many groups there are.
    #[inline(always)]
    pub(crate) fn groups(&self) -> usize {
        self.channels.div_ceil(self.group)
    }

    /// Summands of a group.
    #[inline(always)]
    pub(crate) fn summands_of_group(&self) -> usize {
        self.group / self.together
    }

    /// Summands that are not zero.
    #[inline(always)]
    fn summands(&self) -> usize {
        self.channels.div_ceil(self.together)
    }

    /// The channels of a group's summand; the second one counts where there are two. None may be there.
    #[inline(always)]
    pub(crate) fn channels_of(&self, group: usize, summand: usize) -> [usize; 2] {
        let first = group * self.group + summand * self.together;
        [first, first + 1]
    }

    /// Vectors that all channels take.
    pub(crate) fn len(&self) -> usize {
        self.groups() * self.group_stride
    }
}

/// Weights of [`Product`]: blocks of as many rows as a product has and as many summands as a group has, `stride` factors apart.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub(crate) data: &'a [u32],
    pub(crate) stride: usize,
    /// Whether a block is `[row][summand]` rather than `[summand][row]`.
    pub(crate) is_turned: bool,
}

/// Turned blocks lie too far apart for the processor to foresee; it is asked for so many ahead.
const AHEAD: usize = 2;

/// The product at one point, for [`Simd::ROWS`] rows; `out` is `[row][tile]`.
pub(crate) struct Product<'a, const F: Factors> {
    pub(crate) weights: Panels<'a>,
    pub(crate) v: &'a [Lane],
    pub(crate) depths: Depths,
    pub(crate) point: usize,
    pub(crate) out: &'a mut [Lane],
}

impl<const F: Factors> Kernel for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { weights, v, depths, point, out } = self;
        let v = &v[point * depths.point_stride..];
        // SAFETY: the caller vouches for the features.
        unsafe {
            if weights.is_turned {
                blocks::<S, true, F>(weights, v, depths, out);
            } else {
                blocks::<S, false, F>(weights, v, depths, out);
            }
        }
    }
}

#[inline(always)]
unsafe fn blocks<S: Simd, const TURNED: bool, const F: Factors>(
    weights: Panels<'_>,
    v: &[Lane],
    depths: Depths,
    out: &mut [Lane],
) {
    let mut at = 0;
    while at < depths.count {
        // SAFETY: the caller vouches for the features.
        unsafe {
            at += if const { S::ROWS != 8 } {
                block::<S, 4, 1, TURNED, F>(weights, v, depths, at, out)
            } else {
                match depths.count - at {
                    1 => block::<S, 8, 1, TURNED, F>(weights, v, depths, at, out),
                    2 | 4 => block::<S, 8, 2, TURNED, F>(weights, v, depths, at, out),
                    _ => block::<S, 8, 3, TURNED, F>(weights, v, depths, at, out),
                }
            };
        }
    }
}

/// A register tile of [`Product`]: R rows by P tiles. Returns P.
#[inline(always)]
unsafe fn block<S: Simd, const R: usize, const P: usize, const TURNED: bool, const F: Factors>(
    weights: Panels<'_>,
    v: &[Lane],
    depths: Depths,
    at: usize,
    out: &mut [Lane],
) -> usize {
    let (Depths { count, group_stride, .. }, depth) = (depths, depths.summands());
    let wide = R / values_a_summand(F);
    let last = depth.div_ceil(wide) - 1;
    assert!(
        weights.data.len() >= last * weights.stride + R * wide
            && v.len() >= last * group_stride + (depth - last * wide - 1) * count + at + P
            && out.len() >= (R - 1) * count + at + P
    );
    // SAFETY: the features are the caller's promise; the pointers stay inside the slices, whose ends are asserted above.
    unsafe {
        let mut sums = [[S::splat(0.0); P]; R];
        let (mut a, mut b) = (weights.data.as_ptr(), v.as_ptr().add(at));
        for _ in 0..depth / wide {
            if TURNED {
                let soon = a.wrapping_add(AHEAD * weights.stride);
                (0..R * wide).step_by(LANES).for_each(|place| S::fetch_near(soon.wrapping_add(place)));
            }
            for k in 0..wide {
                step::<S, R, P, TURNED, F>(a, b.add(k * count), k, &mut sums);
            }
            a = a.wrapping_add(weights.stride);
            b = b.wrapping_add(group_stride);
        }
        for k in 0..depth % wide {
            step::<S, R, P, TURNED, F>(a, b.add(k * count), k, &mut sums);
        }
        for r in 0..R {
            let to = &mut out[r * count + at..][..P];
            for p in 0..P {
                S::store(&mut to[p], sums[r][p]);
            }
        }
    }
    P
}

/// One summand of a register tile.
#[inline(always)]
unsafe fn step<S: Simd, const R: usize, const P: usize, const TURNED: bool, const F: Factors>(
    a: *const u32,
    b: *const Lane,
    k: usize,
    sums: &mut [[S::V; P]; R],
) {
    // SAFETY: [`block`] has asserted that the places are inside, and its caller vouches for the features.
    unsafe {
        let mut x = [S::splat(0.0); P];
        for p in 0..P {
            x[p] = S::load(&*b.add(p));
        }
        for r in 0..R {
            let wide = R / values_a_summand(F);
            let w = spread_bits::<S>(*a.add(if TURNED { r * wide + k } else { k * R + r }));
            for p in 0..P {
                sums[r][p] = add_product::<S, F>(w, x[p], sums[r][p]);
            }
        }
    }
}
