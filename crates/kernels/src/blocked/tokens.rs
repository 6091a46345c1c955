//! Planes as tokens: tokens in front, a number for each place, one token alone, pixels or tokens as channels; and planes with borders.

use super::{
    simd::{LANES, Lane},
    sums::BlockSums,
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::{collect, for_each_part};

/// The pixels of planes as tokens, (N, C, K + H · W, 1), after K tokens that are the same for all images: `tokens` is (K, C).
///
/// # Panics
/// If there is not one number a channel and token.
pub fn prepend_tokens(x: &Blocked, tokens: &[f32], arena: &Arena) -> Blocked {
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert!(tokens.len().is_multiple_of(channels), "{} numbers for {channels} channels", tokens.len());
    let dims = Dims { height: tokens.len() / channels + pixels, width: 1, ..x.dims };
    let mut y = arena.blocked(dims);
    for_each_part(&mut y.data, dims.pixels(), |index, y| {
        let (first, rest) = y.split_at_mut(dims.pixels() - pixels);
        let numbers = tokens.iter().skip(index % channels).step_by(channels);
        first.iter_mut().zip(numbers).for_each(|(y, &number)| *y = Lane([number; LANES]));
        rest.copy_from_slice(x.plane(index / channels, index % channels));
    });
    y
}

/// The gradient of the argument of [`prepend_tokens`], which has the size `dims`, from that of its result, and that of the tokens, (K, C).
///
/// # Panics
/// If the sizes do not fit each other.
pub fn prepend_tokens_gradient(g: &Blocked, dims: Dims, arena: &Arena) -> (Blocked, BlockSums) {
    let count = g.dims.pixels() - dims.pixels();
    let mut dx = arena.blocked(dims);
    for_each_part(&mut dx.data, dims.pixels(), |index, dx| {
        dx.copy_from_slice(&g.plane(index / dims.channels, index % dims.channels)[count..]);
    });
    (dx, sums_of_places(g, count))
}

/// Planes plus one number a pixel and channel, the same for all images: `numbers` is (H · W, C), as PyTorch has embeddings of positions.
///
/// # Panics
/// If there are not as many.
pub fn add_positions(x: &Blocked, numbers: &[f32], arena: &Arena) -> Blocked {
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    assert_eq!(numbers.len(), channels * pixels, "a number a pixel and channel");
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, pixels, |index, y| {
        let (x, channel) = (x.plane(index / channels, index % channels), index % channels);
        for ((y, x), numbers) in y.iter_mut().zip(x).zip(numbers.chunks(channels)) {
            *y = Lane(x.0.map(|x| x + numbers[channel]));
        }
    });
    y
}

/// The gradient of the numbers of [`add_positions`], (H · W, C), from that of its result.
pub fn positions_gradient(g: &Blocked) -> BlockSums {
    sums_of_places(g, g.dims.pixels())
}

/// Over all images, for the first pixels of each channel: (pixels, C).
fn sums_of_places(g: &Blocked, pixels: usize) -> BlockSums {
    let channels = g.dims.channels;
    let of_block = |block: usize| {
        let place = |at: usize| g.plane(block, at % channels)[at / channels].0;
        (0..pixels * channels).map(|at| place(at).into_iter().map(f64::from).sum::<f64>()).collect::<Vec<_>>()
    };
    BlockSums::new(pixels * channels, collect(g.dims.blocks(), 1, of_block).concat())
}

/// One pixel of each plane, (N, C, 1, 1).
///
/// # Panics
/// If planes have no such pixel.
pub fn pixel(x: &Blocked, index: usize, arena: &Arena) -> Blocked {
    let mut y = arena.blocked(Dims { height: 1, width: 1, ..x.dims });
    y.data.iter_mut().zip(x.data.chunks(x.dims.pixels())).for_each(|(y, plane)| *y = plane[index]);
    y
}

/// The gradient of the argument of [`pixel`], which has the size `dims`, from that of its result.
///
/// # Panics
/// If planes have no such pixel.
pub fn pixel_gradient(g: &Blocked, index: usize, dims: Dims, arena: &Arena) -> Blocked {
    let mut dx = arena.blocked(dims);
    for (plane, g) in dx.data.chunks_mut(dims.pixels()).zip(&g.data) {
        plane.fill(Lane::ZERO);
        plane[index] = *g;
    }
    dx
}

/// Channels as pixels and pixels as channels: (N, H · W, C, 1).
pub fn swap_channels_and_pixels(x: &Blocked, arena: &Arena) -> Blocked {
    let (channels, pixels) = (x.dims.channels, x.dims.pixels());
    swapped(x, Dims { channels: pixels, height: channels, width: 1, ..x.dims }, arena)
}

/// The gradient of the argument of [`swap_channels_and_pixels`], which has the size `dims`, from that of its result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn swap_channels_and_pixels_gradient(g: &Blocked, dims: Dims, arena: &Arena) -> Blocked {
    assert_eq!([g.dims.channels, g.dims.pixels()], [dims.pixels(), dims.channels], "channels and pixels");
    swapped(g, dims, arena)
}

fn swapped(x: &Blocked, dims: Dims, arena: &Arena) -> Blocked {
    let mut y = arena.blocked(dims);
    for_each_part(&mut y.data, dims.pixels(), |index, y| {
        let block = x.block(index / dims.channels);
        let from = block.iter().skip(index % dims.channels).step_by(dims.channels);
        y.iter_mut().zip(from).for_each(|(y, x)| *y = *x);
    });
    y
}

/// Each square of 2×2 pixels as one with four times the channels: those of its upper left pixel, then lower left, upper right, lower
/// right (the merging of patches of Liu et al. 2021). Odd planes have a last row or column of zeros more.
pub fn merge_squares(x: &Blocked, arena: &Arena) -> Blocked {
    let Dims { channels, height, width, .. } = x.dims;
    let dims =
        Dims { channels: 4 * channels, height: height.div_ceil(2), width: width.div_ceil(2), ..x.dims };
    let mut y = arena.blocked(dims);
    for_each_part(&mut y.data, dims.pixels(), |index, y| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        let (plane, corner) = (x.plane(block, channel % channels), channel / channels);
        for (at, y) in y.iter_mut().enumerate() {
            *y = of_square(at, corner, x.dims).map_or(Lane::ZERO, |place| plane[place]);
        }
    });
    y
}

/// The gradient of the argument of [`merge_squares`], which has the size `dims`, from that of its result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn merge_squares_gradient(g: &Blocked, dims: Dims, arena: &Arena) -> Blocked {
    let merged = [4 * dims.channels, dims.height.div_ceil(2), dims.width.div_ceil(2)];
    assert_eq!([g.dims.channels, g.dims.height, g.dims.width], merged, "planes of squares");
    let mut dx = arena.blocked(dims);
    for_each_part(&mut dx.data, dims.pixels(), |index, dx| {
        let (block, channel) = (index / dims.channels, index % dims.channels);
        for corner in 0..4 {
            for (at, g) in g.plane(block, corner * dims.channels + channel).iter().enumerate() {
                of_square(at, corner, dims).into_iter().for_each(|place| dx[place] = *g);
            }
        }
    });
    dx
}

/// Where a corner of square `at` is in planes of a size; nowhere behind an odd edge.
fn of_square(at: usize, corner: usize, Dims { height, width, .. }: Dims) -> Option<usize> {
    let (row, column) = (at / width.div_ceil(2), at % width.div_ceil(2));
    let (row, column) = (2 * row + corner % 2, 2 * column + corner / 2);
    (row < height && column < width).then_some(row * width + column)
}

/// Rows and columns of zeros before and behind each plane.
pub fn border(x: &Blocked, before: [usize; 2], behind: [usize; 2], arena: &Arena) -> Blocked {
    let Dims { height, width, .. } = x.dims;
    let dims =
        Dims { height: before[0] + height + behind[0], width: before[1] + width + behind[1], ..x.dims };
    let mut y = arena.blocked(dims);
    for_each_part(&mut y.data, dims.pixels(), |index, y| {
        y.fill(Lane::ZERO);
        let rows = y.chunks_mut(dims.width).skip(before[0]);
        let plane = x.plane(index / dims.channels, index % dims.channels);
        for (y, x) in rows.zip(plane.chunks(width)) {
            y[before[1]..][..width].copy_from_slice(x);
        }
    });
    y
}

/// The gradient of the argument of [`border`], which has the size `dims`, from that of its result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn border_gradient(g: &Blocked, before: [usize; 2], dims: Dims, arena: &Arena) -> Blocked {
    let mut dx = arena.blocked(dims);
    for_each_part(&mut dx.data, dims.pixels(), |index, dx| {
        let plane = g.plane(index / dims.channels, index % dims.channels);
        let rows = plane.chunks(g.dims.width).skip(before[0]);
        for (dx, g) in dx.chunks_mut(dims.width).zip(rows) {
            dx.copy_from_slice(&g[before[1]..][..dims.width]);
        }
    });
    dx
}
