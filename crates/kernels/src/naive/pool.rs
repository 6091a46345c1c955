//! Pooling over windows; planes are (N, C, H, W).

use crate::Pool2d;

/// The largest value of each window.
pub fn max(x: &[f64], dims: [usize; 4], pool: Pool2d) -> Vec<f64> {
    windows(dims, pool).map(|window| x[first_largest(x, &window)]).collect()
}

/// ∂L/∂x of [`max`]: the first largest value of a window gets all of its gradient.
pub fn max_backward(x: &[f64], dims: [usize; 4], pool: Pool2d, g: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for (window, g) in windows(dims, pool).zip(g) {
        dx[first_largest(x, &window)] += g;
    }
    dx
}

/// The mean of each window, where padding counts as zeros, and what a last window has behind the padding does not count.
pub fn mean(x: &[f64], dims: [usize; 4], pool: Pool2d) -> Vec<f64> {
    let sums = windows(dims, pool).map(|window| window.iter().map(|&at| x[at]).sum::<f64>());
    sums.zip(areas(dims, pool)).map(|(sum, area)| sum / area).collect()
}

/// ∂L/∂x of [`mean`].
pub fn mean_backward(dims: [usize; 4], pool: Pool2d, g: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; dims.iter().product()];
    for ((window, area), g) in windows(dims, pool).zip(areas(dims, pool)).zip(g) {
        window.into_iter().for_each(|at| dx[at] += g / area);
    }
    dx
}

/// The mean of each of `out` rows and columns of cells, cell i of n being ⌊i·H/n⌋ to ⌈(i + 1)·H/n⌉ of H rows: cells overlap where
/// they are not of one size (PyTorch's adaptive average pooling).
pub fn adaptive_mean(x: &[f64], dims: [usize; 4], out: [usize; 2]) -> Vec<f64> {
    cells(dims, out).map(|cell| cell.iter().map(|&at| x[at]).sum::<f64>() / cell.len() as f64).collect()
}

/// ∂L/∂x of [`adaptive_mean`].
pub fn adaptive_mean_backward(dims: [usize; 4], out: [usize; 2], g: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; dims.iter().product()];
    for (cell, g) in cells(dims, out).zip(g) {
        cell.iter().for_each(|&at| dx[at] += g / cell.len() as f64);
    }
    dx
}

fn cells([images, channels, height, width]: [usize; 4], out: [usize; 2]) -> impl Iterator<Item = Vec<usize>> {
    let span = |i: usize, size: usize, out: usize| i * size / out..((i + 1) * size).div_ceil(out);
    let cell = move |plane: usize, i: usize, j: usize| {
        let rows = span(i, height, out[0]);
        rows.flat_map(|row| span(j, width, out[1]).map(move |column| (plane * height + row) * width + column))
            .collect()
    };
    let places = (0..out[0]).flat_map(move |i| (0..out[1]).map(move |j| (i, j)));
    (0..images * channels).flat_map(move |plane| places.clone().map(move |(i, j)| cell(plane, i, j)))
}

/// The mean of each plane.
pub fn global_mean(x: &[f64], pixels: usize) -> Vec<f64> {
    x.chunks(pixels).map(|plane| plane.iter().sum::<f64>() / pixels as f64).collect()
}

/// ∂L/∂x of [`global_mean`].
pub fn global_mean_backward(g: &[f64], pixels: usize) -> Vec<f64> {
    g.iter().flat_map(|g| vec![g / pixels as f64; pixels]).collect()
}

fn first_largest(x: &[f64], window: &[usize]) -> usize {
    window.iter().copied().reduce(|best, at| if x[at] > x[best] { at } else { best }).expect("a window")
}

/// The places of each window that are not padding, in the order of the result.
fn windows([images, channels, height, width]: [usize; 4], pool: Pool2d) -> impl Iterator<Item = Vec<usize>> {
    let Pool2d { kernel, stride, padding, .. } = pool;
    let count = move |size: usize| count(size, pool);
    let span = move |size: usize, window: usize| {
        (0..kernel)
            .filter_map(move |tap| (window * stride + tap).checked_sub(padding))
            .filter(move |&at| at < size)
    };
    (0..images * channels).flat_map(move |plane| {
        (0..count(height)).flat_map(move |i| {
            (0..count(width)).map(move |j| {
                let place =
                    move |row| span(width, j).map(move |column| (plane * height + row) * width + column);
                span(height, i).flat_map(place).collect()
            })
        })
    })
}

/// How many windows lie along a side. Rounded up, the last must still begin before the padding behind the image.
fn count(size: usize, Pool2d { kernel, stride, padding, ceil }: Pool2d) -> usize {
    let room = size + 2 * padding - kernel;
    let up = room.div_ceil(stride) + 1;
    if ceil && (up - 1) * stride < size + padding { up } else { room / stride + 1 }
}

/// How many places of the image and the padding each window has, in the order of the result.
fn areas([images, channels, height, width]: [usize; 4], pool: Pool2d) -> impl Iterator<Item = f64> {
    let side = move |size: usize, window: usize| {
        let start = window * pool.stride;
        ((start + pool.kernel).min(size + 2 * pool.padding) - start) as f64
    };
    (0..images * channels).flat_map(move |_| {
        (0..count(height, pool))
            .flat_map(move |i| (0..count(width, pool)).map(move |j| side(height, i) * side(width, j)))
    })
}
