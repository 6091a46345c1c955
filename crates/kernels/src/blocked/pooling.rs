//! Maximum over windows, and the way back to the pixel that won.

use super::{
    simd::{LANES, Lane},
    tensor::{Arena, Blocked, Dims},
};
use crate::Pool2d;
use crate::parallel::{for_each_part, for_each_part_and};

/// The size of the maxima.
fn output_dims(window: Pool2d, x: Dims) -> Dims {
    let side = |size: usize| window.count(size).unwrap_or_else(|| panic!("{window:?} in {x:?}"));
    Dims { height: side(x.height), width: side(x.width), ..x }
}

/// The pixels of a window that lie in the plane: their number in the window, and their place.
fn taps(window: Pool2d, row: usize, column: usize, dims: Dims) -> impl Iterator<Item = (u8, usize)> {
    let Pool2d { kernel, stride, padding, .. } = window;
    (0..kernel * kernel).filter_map(move |tap| {
        let y = (row * stride + tap / kernel).checked_sub(padding)?;
        let x = (column * stride + tap % kernel).checked_sub(padding)?;
        (y < dims.height && x < dims.width).then_some((tap as u8, y * dims.width + x))
    })
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
        maxima(window, from, dims.width, x, y, numbers);
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
        dx.fill(Lane::ZERO);
        let place = index * dims.pixels()..(index + 1) * dims.pixels();
        for (at, (g, won)) in g.data[place.clone()].iter().zip(&numbers[place]).enumerate() {
            for (tap, pixel) in taps(window, at / dims.width, at % dims.width, from) {
                for ((sum, won), g) in dx[pixel].0.iter_mut().zip(won).zip(&g.0) {
                    *sum += if *won == tap { *g } else { 0.0 };
                }
            }
        }
    });
    dx
}

/// The maxima of a plane.
fn maxima(
    window: Pool2d,
    from: Dims,
    columns: usize,
    x: &[Lane],
    y: &mut [Lane],
    numbers: &mut [[u8; LANES]],
) {
    for (at, (y, won)) in y.iter_mut().zip(numbers).enumerate() {
        *y = Lane([f32::NEG_INFINITY; LANES]);
        for (tap, pixel) in taps(window, at / columns, at % columns, from) {
            for ((best, won), &value) in y.0.iter_mut().zip(won.iter_mut()).zip(&x[pixel].0) {
                let wins = value > *best || value.is_nan();
                *best = if wins { value } else { *best };
                *won = if wins { tap } else { *won };
            }
        }
    }
}
