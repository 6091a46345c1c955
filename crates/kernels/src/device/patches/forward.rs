//! The forward pass, and every pass that is a forward pass in disguise.

use super::{
    blocks::{Block, Blocks},
    columns::{output_scratch, patches, scratch_lengths},
    geometry::Geometry,
    product::{Matrix, MatrixMut, Store, multiply},
    scratch,
};
use crate::parallel::for_each_part;

/// y(n, o, i, j) = Σ w(o, c, k, l) · x(n, c, i·stride + k − padding, j·stride + l − padding), by
/// blocks of patches.
pub(crate) fn forward(geometry: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let blocks = Blocks::new(geometry);
    let mut y = vec![0.0; geometry.images * geometry.out_image()];
    for_each_part(&mut y, blocks.images * geometry.out_image(), |task, y| {
        for block in blocks.of_task(task) {
            for group in 0..geometry.groups {
                convolve_block(geometry, x, weight, group, block, y);
            }
        }
    });
    y
}

/// One group of one block; `y` begins at the block's first image.
fn convolve_block(geometry: &Geometry, x: &[f32], weight: &[f32], group: usize, block: Block, y: &mut [f32]) {
    let (outputs, depth, pixels) = (geometry.outputs, geometry.depth(), block.pixels(geometry));
    let weight = Matrix::by_rows(&weight[group * outputs * depth..][..outputs * depth], outputs, depth);
    let [padded, columns] = scratch_lengths(geometry, block);
    scratch::with([padded, columns, output_scratch(geometry, block)], |[padded, columns, product]| {
        let patches = patches(geometry, x, group, block, [padded, columns]);
        let plane = geometry.out_pixels();
        if block.images == 1 {
            let values = &mut y[group * outputs * plane + block.row * geometry.out[1]..];
            let mut y = MatrixMut { values, rows: pixels, columns: outputs, column_step: plane };
            multiply(&mut y, Store::Replace, patches, weight.transposed());
        } else {
            let mut y_block =
                MatrixMut { values: product, rows: pixels, columns: outputs, column_step: pixels };
            multiply(&mut y_block, Store::Replace, patches, weight.transposed());
            spread(geometry, group, product, pixels, y);
        }
    });
}

/// Copies [channel][image][pixel] to where the channels lie inside each image.
fn spread(geometry: &Geometry, group: usize, product: &[f32], pixels: usize, y: &mut [f32]) {
    let plane = geometry.out_pixels();
    for (channel, column) in product.chunks_exact(pixels).enumerate() {
        for (image, from) in column.chunks_exact(plane).enumerate() {
            let at = image * geometry.out_image() + (group * geometry.outputs + channel) * plane;
            y[at..at + plane].copy_from_slice(from);
        }
    }
}
