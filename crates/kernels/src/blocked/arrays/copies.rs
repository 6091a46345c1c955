//! Elements in other places: views, tables of places, sums of few elements.

use super::super::{
    simd::{LANES, Lane},
    tensor::{Arena, Blocked, Dims},
};
use super::parts::AT_ONCE;
use crate::{
    arrays::{Runs, Sparse, SparseRows, View},
    parallel::for_each_part,
};

/// A place that no value has: its element is a constant.
const NOWHERE: u32 = u32::MAX;

/// The same elements as planes of another size.
///
/// # Panics
/// If they are not as many.
pub fn relabel(x: Blocked, dims: Dims) -> Blocked {
    assert_eq!(x.dims.len(), dims.len(), "{:?} as {dims:?}", x.dims);
    Blocked { dims, data: x.data }
}

/// Numbers that are the same for all images.
///
/// # Panics
/// If they are not as many as `dims` says.
pub fn repeat(numbers: &[f32], dims: Dims, arena: &Arena) -> Blocked {
    assert_eq!(numbers.len(), dims.block_len(), "numbers of {dims:?}");
    let mut y = arena.blocked(dims);
    for block in y.data.chunks_mut(dims.block_len()) {
        block.iter_mut().zip(numbers).for_each(|(y, &number)| *y = Lane([number; LANES]));
    }
    y
}

/// The elements of a view, row by row, as planes of a size.
///
/// # Panics
/// If the view does not fit the value or the size.
pub fn copy(x: &Blocked, view: &View, dims: Dims, arena: &Arena) -> Blocked {
    assert!(view.fits(x.dims.block_len()) && view.count() == dims.block_len(), "{view:?} of {:?}", x.dims);
    let mut y = arena.blocked(dims);
    copy_into(&mut y, x, view);
    y
}

fn copy_into(y: &mut Blocked, x: &Blocked, view: &View) {
    let len = y.dims.block_len();
    for (block, y) in y.data.chunks_mut(len).enumerate() {
        let x = x.block(block);
        for_each_part(y, AT_ONCE, |index, y| {
            let mut rest = y;
            for run in Runs::new(&view.shape, [view], index * AT_ONCE, rest.len()) {
                let (now, later) = rest.split_at_mut(run.len);
                let first = run.from[0] as usize;
                match run.steps[0] {
                    1 => now.copy_from_slice(&x[first..first + run.len]),
                    0 => now.fill(x[first]),
                    step => {
                        for (at, y) in now.iter_mut().enumerate() {
                            *y = x[(run.from[0] + at as isize * step) as usize];
                        }
                    }
                }
                rest = later;
            }
        });
    }
}

/// The gradient of the argument of [`copy`], which has the size `dims`, from that of its result, plus that of `others`.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn copy_gradient(
    g: &Blocked,
    view: &View,
    dims: Dims,
    others: Option<Blocked>,
    arena: &Arena,
) -> Blocked {
    if let (Some(inverse), None) = (view.inverse(dims.block_len()), &others) {
        let mut dx = arena.blocked(dims);
        copy_into(&mut dx, g, &inverse);
        return dx;
    }
    pick_gradient(g, &view.places(), 0, dims, others, arena)
}

/// Element i is that at place `places[i]` of the values one after the other, or `filler` where the place is `u32::MAX`.
///
/// # Panics
/// If a place is beyond the values, or there are not as many places as `dims` says.
pub fn pick(values: &[&Blocked], places: &[u32], filler: f32, dims: Dims, arena: &Arena) -> Blocked {
    assert_eq!(places.len(), dims.block_len(), "places of {dims:?}");
    let mut y = arena.blocked(dims);
    let starts: Vec<usize> = values
        .iter()
        .scan(0, |end, value| {
            let start = *end;
            *end += value.dims.block_len();
            Some(start)
        })
        .collect();
    for (block, y) in y.data.chunks_mut(dims.block_len()).enumerate() {
        let values: Vec<&[Lane]> = values.iter().map(|value| value.block(block)).collect();
        for_each_part(y, AT_ONCE, |index, y| {
            for (y, &place) in y.iter_mut().zip(&places[index * AT_ONCE..]) {
                *y = if place == NOWHERE {
                    Lane([filler; LANES])
                } else {
                    let of = starts.partition_point(|&start| start <= place as usize) - 1;
                    values[of][place as usize - starts[of]]
                };
            }
        });
    }
    y
}

/// The gradient of that value of [`pick`] whose first place is `start` and whose size is `dims`, from that of the result, plus that of
/// `others`.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn pick_gradient(
    g: &Blocked,
    places: &[u32],
    start: usize,
    dims: Dims,
    others: Option<Blocked>,
    arena: &Arena,
) -> Blocked {
    let mut dx = others.unwrap_or_else(|| {
        let mut zeros = arena.blocked(dims);
        zeros.data.fill(Lane::ZERO);
        zeros
    });
    assert_eq!((dx.dims, places.len()), (dims, g.dims.block_len()), "sizes of gradients");
    // Threads have parts of the result, and look for their places.
    let size = dims.block_len().div_ceil(8).max(AT_ONCE);
    for (block, dx) in dx.data.chunks_mut(dims.block_len()).enumerate() {
        let g = g.block(block);
        for_each_part(dx, size, |index, dx| {
            let first = start + index * size;
            for (g, &place) in g.iter().zip(places) {
                let at = (place as usize).wrapping_sub(first);
                if at < dx.len() && place != NOWHERE {
                    dx[at].0.iter_mut().zip(g.0).for_each(|(sum, g)| *sum += g);
                }
            }
        });
    }
    dx
}

/// A sparse map of each of the parts that follow each other in a value, as planes of a size.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn transform(x: &Blocked, map: &Sparse, dims: Dims, arena: &Arena) -> Blocked {
    multiply(x, map.plain(), map.columns(), dims, arena)
}

/// The gradient of the argument of [`transform`], which has the size `dims`, from that of its result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn transform_gradient(g: &Blocked, map: &Sparse, dims: Dims, arena: &Arena) -> Blocked {
    multiply(g, map.transposed(), map.rows(), dims, arena)
}

fn multiply(x: &Blocked, rows: &SparseRows, columns: usize, dims: Dims, arena: &Arena) -> Blocked {
    let count = rows.count();
    let parts = dims.block_len() / count.max(1);
    assert_eq!([parts * columns, parts * count], [x.dims.block_len(), dims.block_len()], "parts of a map");
    let mut y = arena.blocked(dims);
    let len = dims.block_len();
    for (block, y) in y.data.chunks_mut(len).enumerate() {
        let x = x.block(block);
        for_each_part(y, AT_ONCE, |index, y| {
            let first = index * AT_ONCE;
            for (at, y) in y.iter_mut().enumerate() {
                let (of, row) = ((first + at) / count, (first + at) % count);
                let mut sums = [0f64; LANES];
                for (column, factor) in rows.row(row) {
                    let x = &x[of * columns + column as usize];
                    sums.iter_mut().zip(x.0).for_each(|(sum, x)| *sum += f64::from(factor) * f64::from(x));
                }
                *y = Lane(sums.map(|sum| sum as f32));
            }
        });
    }
    y
}
