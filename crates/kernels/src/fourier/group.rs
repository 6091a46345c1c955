//! Ten images as one [`Cell`] plane: lane 3i + c holds channel c of images 2i (real) and 2i + 1 (imaginary).

use super::{grid::Grid, radix::Cell};

/// Colour planes.
pub(crate) const CHANNELS: usize = 3;

/// Pairs of images in a group: as many as have room in sixteen lanes.
pub(crate) const PAIRS: usize = 5;

/// Images in a group.
pub(crate) const GROUP: usize = 2 * PAIRS;

/// Puts images, (B, 3, H, W) with B ≤ 10, into a plane; all else is zero.
pub(crate) fn gather(grid: &Grid, images: &[f32], plane: &mut [Cell]) {
    let pixels = grid.height * grid.width;
    plane.fill(Cell::ZERO);
    for (index, image) in images.chunks_exact(CHANNELS * pixels).enumerate() {
        for (channel, values) in image.chunks_exact(pixels).enumerate() {
            let lane = index / 2 * CHANNELS + channel;
            for (row, values) in values.chunks_exact(grid.width).enumerate() {
                for (column, &value) in values.iter().enumerate() {
                    let cell = &mut plane[column * grid.rows() + row];
                    let part = if index % 2 == 0 { &mut cell.re } else { &mut cell.im };
                    part.0[lane] = value;
                }
            }
        }
    }
}

/// Takes images out of a plane and adds a number to each channel.
pub(crate) fn scatter(grid: &Grid, plane: &[Cell], add: &[f32; CHANNELS], images: &mut [f32]) {
    let pixels = grid.height * grid.width;
    for (index, image) in images.chunks_exact_mut(CHANNELS * pixels).enumerate() {
        for (channel, values) in image.chunks_exact_mut(pixels).enumerate() {
            let lane = index / 2 * CHANNELS + channel;
            for (row, values) in values.chunks_exact_mut(grid.width).enumerate() {
                for (column, value) in values.iter_mut().enumerate() {
                    let cell = &plane[column * grid.rows() + row];
                    let part = if index % 2 == 0 { &cell.re } else { &cell.im };
                    *value = part.0[lane] + add[channel];
                }
            }
        }
    }
}

/// The sum over a group's images of a value per channel that is a complex number a pair.
pub(crate) fn channel_sums(cell: &Cell) -> [f32; CHANNELS] {
    let sum = |channel: usize| {
        (0..PAIRS).map(|pair| pair * CHANNELS + channel).map(|lane| cell.re.0[lane] + cell.im.0[lane]).sum()
    };
    [sum(0), sum(1), sum(2)]
}
