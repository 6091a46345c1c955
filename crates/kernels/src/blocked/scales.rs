//! A factor for each channel of each image, as squeeze-and-excitation has it (Hu et al. 2018).
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::for_each_part_and;

/// Planes times one number each: `by` is (N, C, 1, 1).
///
/// # Panics
/// If `by` does not have one number a plane.
pub fn scale_planes(x: &Blocked, by: &Blocked, instructions: InstructionSet, arena: &Arena) -> Blocked {
    assert_eq!(by.dims, Dims { height: 1, width: 1, ..x.dims }, "one factor a plane");
    let mut y = arena.blocked(x.dims);
    let factors = by.data.iter().collect();
    for_each_part_and(&mut y.data, x.dims.pixels(), factors, x.dims.planes_at_once(), |index, y, factor| {
        run(instructions, Scale { x: x.plane(index / x.dims.channels, index % x.dims.channels), factor, y });
    });
    y
}

/// The gradients of the planes and of their factors, from that of the result of [`scale_planes`].
///
/// # Panics
/// If the sizes do not fit each other.
pub fn scale_planes_gradient(
    mut g: Blocked,
    x: &Blocked,
    by: &Blocked,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Blocked) {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    assert_eq!(by.dims, Dims { height: 1, width: 1, ..x.dims }, "one factor a plane");
    let mut of_factors = arena.blocked(by.dims);
    let factors = by.data.iter().zip(&mut of_factors.data).collect();
    for_each_part_and(
        &mut g.data,
        x.dims.pixels(),
        factors,
        x.dims.planes_at_once(),
        |index, g, (factor, sum)| {
            let x = x.plane(index / x.dims.channels, index % x.dims.channels);
            run(instructions, ScaleGradient { g, x, factor, sum });
        },
    );
    (g, of_factors)
}

struct Scale<'a> {
    x: &'a [Lane],
    factor: &'a Lane,
    y: &'a mut [Lane],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe {
            let factor = S::load(self.factor);
            for (x, y) in self.x.iter().zip(self.y) {
                S::store(y, S::mul(S::load(x), factor));
            }
        }
    }
}

struct ScaleGradient<'a> {
    g: &'a mut [Lane],
    x: &'a [Lane],
    factor: &'a Lane,
    sum: &'a mut Lane,
}

/// Vectors summed in f32 before the sum is carried on in f64.
const SUMMED_AT_ONCE: usize = 64;

impl Kernel for ScaleGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut total = [0f64; LANES];
        for (g, x) in self.g.chunks_mut(SUMMED_AT_ONCE).zip(self.x.chunks(SUMMED_AT_ONCE)) {
            let mut sums = Lane::ZERO;
            // SAFETY: the caller vouches for the features.
            unsafe {
                let (factor, mut sum) = (S::load(self.factor), S::splat(0.0));
                for (g, x) in g.iter_mut().zip(x) {
                    let gradient = S::load(g);
                    sum = S::fma(gradient, S::load(x), sum);
                    S::store(g, S::mul(gradient, factor));
                }
                S::store(&mut sums, sum);
            }
            for (total, sum) in total.iter_mut().zip(sums.0) {
                *total += f64::from(sum);
            }
        }
        for (sum, total) in self.sum.0.iter_mut().zip(total) {
            *sum = total as f32;
        }
    }
}
