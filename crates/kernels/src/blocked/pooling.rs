//! Maximum over windows, and the way back to the pixel that won.
#![allow(unsafe_code)]

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use crate::Pool2d;
use crate::parallel::{for_each_part, for_each_part_and};

/// The size of the maxima.
fn output_dims(window: Pool2d, x: Dims) -> Dims {
    let side = |size: usize| window.count(size).unwrap_or_else(|| panic!("{window:?} in {x:?}"));
    Dims { height: side(x.height), width: side(x.width), ..x }
}

/// The rows, or columns, of a window that lie in the plane: the number of the first one in the window, its place, and how many they are.
#[inline(always)]
fn span(window: Pool2d, at: usize, size: usize) -> (usize, usize, usize) {
    let Pool2d { kernel, stride, padding, .. } = window;
    let first = padding.saturating_sub(at * stride);
    let place = (at * stride + first).saturating_sub(padding);
    (first, place, kernel.saturating_sub(first).min(size.saturating_sub(place)))
}

/// Which pixel of its window each maximum is.
#[derive(Debug, Clone)]
pub struct Winners {
    window: Pool2d,
    from: Dims,
    numbers: Vec<[u8; LANES]>,
}

/// The maxima, and where they come from. Among equals the first wins, row by row, as in PyTorch; what is no number wins over
/// all numbers.
///
/// # Panics
/// If the window does not fit, has a side of 0 or more than 15, no stride, or a margin of more than half of it.
pub fn max_pool(x: &Blocked, window: Pool2d, arena: &Arena) -> (Blocked, Winners) {
    let Pool2d { kernel, stride, padding, .. } = window;
    assert!((1..=15).contains(&kernel) && stride > 0 && 2 * padding <= kernel, "{window:?}");
    let (from, dims) = (x.dims, output_dims(window, x.dims));
    let mut y = arena.blocked(dims);
    let mut numbers = vec![[0; LANES]; y.data.len()];
    let of_planes = numbers.chunks_mut(dims.pixels()).collect();
    for_each_part_and(&mut y.data, dims.pixels(), of_planes, 1, |index, y, numbers: &mut [_]| {
        let x = x.plane(index / dims.channels, index % dims.channels);
        run(
            InstructionSet::current().for_arrays(),
            Maxima { window, from, columns: dims.width, x, y, numbers },
        );
    });
    (y, Winners { window, from, numbers })
}

/// The gradient of the input: each maximum's goes to the pixel that won.
///
/// # Panics
/// If `g` is not of the size of the maxima.
pub fn max_pool_gradient(g: &Blocked, winners: &Winners, arena: &Arena) -> Blocked {
    let Winners { window, from, ref numbers } = *winners;
    assert_eq!(g.dims, output_dims(window, from), "the gradient of the maxima");
    let (mut dx, dims) = (arena.blocked(from), g.dims);
    for_each_part(&mut dx.data, from.pixels(), |index, dx| {
        let place = index * dims.pixels()..(index + 1) * dims.pixels();
        let (g, numbers) = (&g.data[place.clone()], &numbers[place]);
        run(
            InstructionSet::current().for_arrays(),
            ToWinners { window, from, columns: dims.width, g, numbers, dx },
        );
    });
    dx
}

/// The maxima of a plane.
struct Maxima<'a> {
    window: Pool2d,
    from: Dims,
    columns: usize,
    x: &'a [Lane],
    y: &'a mut [Lane],
    numbers: &'a mut [[u8; LANES]],
}

impl Kernel for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { window, from, columns, x, y, numbers } = self;
        for (at, (y, numbers)) in y.iter_mut().zip(numbers).enumerate() {
            let (down, top, rows) = span(window, at / columns, from.height);
            let (across, left, count) = span(window, at % columns, from.width);
            let (mut best, mut won) = ([f32::NEG_INFINITY; LANES], [0u32; LANES]);
            for row in 0..rows {
                let tap = ((down + row) * window.kernel + across) as u32;
                let line = &x[(top + row) * from.width + left..][..count];
                for (tap, value) in (tap..).zip(line) {
                    for lane in 0..LANES {
                        let value = value.0[lane];
                        let wins = value > best[lane] || value.is_nan();
                        best[lane] = if wins { value } else { best[lane] };
                        won[lane] = if wins { tap } else { won[lane] };
                    }
                }
            }
            *y = Lane(best);
            for (number, won) in numbers.iter_mut().zip(won) {
                *number = won as u8;
            }
        }
    }
}

/// Each gradient to the pixel that won.
struct ToWinners<'a> {
    window: Pool2d,
    from: Dims,
    columns: usize,
    g: &'a [Lane],
    numbers: &'a [[u8; LANES]],
    dx: &'a mut [Lane],
}

impl Kernel for ToWinners<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { window, from, columns, g, numbers, dx } = self;
        dx.fill(Lane::ZERO);
        for (at, (g, numbers)) in g.iter().zip(numbers).enumerate() {
            let (down, top, rows) = span(window, at / columns, from.height);
            let (across, left, count) = span(window, at % columns, from.width);
            let mut won = [0u32; LANES];
            for (won, &number) in won.iter_mut().zip(numbers) {
                *won = u32::from(number);
            }
            for row in 0..rows {
                let tap = ((down + row) * window.kernel + across) as u32;
                let line = &mut dx[(top + row) * from.width + left..][..count];
                for (tap, sum) in (tap..).zip(line) {
                    for ((sum, &won), &g) in sum.0.iter_mut().zip(&won).zip(&g.0) {
                        *sum += if won == tap { g } else { 0.0 };
                    }
                }
            }
        }
    }
}
