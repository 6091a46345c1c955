//! The gradient of the input.
//!
//! * Stride 1 and enough input channels: a convolution of the output's gradient with the weights turned by
//!   180°.
//! * Otherwise: gradients of patches as a product, added to where the patches came from ("col2im").

use super::{
    blocks::{Block, Blocks},
    columns::{output_block, output_scratch, scatter_columns},
    forward::forward,
    geometry::Geometry,
    product::{Matrix, MatrixMut, Store, multiply},
    scratch,
};
use crate::parallel::for_each_part;

/// With this many times more output channels than input channels, adding patches is cheaper than gathering
/// those of the output.
const FEW_INPUTS: usize = 4;

/// ∂L/∂x(n, c, ·, ·), given `g` = ∂L/∂y.
pub(crate) fn input_gradient(geometry: &Geometry, weight: &[f32], g: &[f32]) -> Vec<f32> {
    match geometry.turned() {
        Some(turned) if geometry.outputs < FEW_INPUTS * geometry.inputs => {
            forward(&turned, g, &turn(geometry, weight))
        }
        _ => by_patches(geometry, weight, g),
    }
}

/// (groups · outputs, inputs, kH, kW) → (groups · inputs, outputs, kH, kW), every kernel turned by 180°.
fn turn(geometry: &Geometry, weight: &[f32]) -> Vec<f32> {
    let taps = geometry.kernel[0] * geometry.kernel[1];
    let (outputs, inputs) = (geometry.outputs, geometry.inputs);
    let mut turned = vec![0.0; weight.len()];
    for (i, kernel) in weight.chunks_exact(taps).enumerate() {
        let (group, output, input) = (i / (outputs * inputs), i / inputs % outputs, i % inputs);
        let to = &mut turned[((group * inputs + input) * outputs + output) * taps..][..taps];
        for (to, from) in to.iter_mut().zip(kernel.iter().rev()) {
            *to = *from;
        }
    }
    turned
}

fn by_patches(geometry: &Geometry, weight: &[f32], g: &[f32]) -> Vec<f32> {
    let blocks = Blocks::new(geometry);
    let mut dx = vec![0.0; geometry.images * geometry.in_image()];
    for_each_part(&mut dx, blocks.images * geometry.in_image(), |task, dx| {
        for group in 0..geometry.groups {
            images_by_patches(geometry, weight, g, group, (&blocks, task), dx);
        }
    });
    dx
}

/// One group of the images of one task.
fn images_by_patches(
    geometry: &Geometry,
    weight: &[f32],
    g: &[f32],
    group: usize,
    (blocks, task): (&Blocks, usize),
    dx: &mut [f32],
) {
    let [height, width] = geometry.padded_size();
    let weights = geometry.outputs * geometry.depth();
    let weight = Matrix::by_rows(&weight[group * weights..][..weights], geometry.outputs, geometry.depth());
    let images = dx.len() / geometry.in_image();
    let padded = images * geometry.inputs * height * width;
    let pixels = blocks.most_pixels(geometry);
    let lengths = [padded, geometry.depth() * pixels, geometry.outputs * pixels];
    scratch::with(lengths, |[padded, columns, gathered]| {
        padded.fill(0.0);
        for block in blocks.of_task(task) {
            let pixels = block.pixels(geometry);
            let columns = &mut columns[..geometry.depth() * pixels];
            let gathered = &mut gathered[..output_scratch(geometry, block)];
            let g = output_block(geometry, g, group, block, gathered);
            let mut product =
                MatrixMut { values: columns, rows: pixels, columns: geometry.depth(), column_step: pixels };
            multiply(&mut product, Store::Replace, g, weight);
            scatter_columns(geometry, columns, Block { image: 0, ..block }, padded);
        }
        crop(geometry, group, padded, dx);
    });
}

/// Copies the padded planes of a group without their borders.
fn crop(geometry: &Geometry, group: usize, padded: &[f32], dx: &mut [f32]) {
    let ([height, width], [above, left]) = (geometry.size, geometry.padding);
    let [padded_height, padded_width] = geometry.padded_size();
    for (i, plane) in padded.chunks_exact(padded_height * padded_width).enumerate() {
        let (image, channel) = (i / geometry.inputs, group * geometry.inputs + i % geometry.inputs);
        let at = image * geometry.in_image() + channel * height * width;
        let rows = dx[at..at + height * width].chunks_exact_mut(width);
        for (to, from) in rows.zip(plane.chunks_exact(padded_width).skip(above)) {
            to.copy_from_slice(&from[left..left + width]);
        }
    }
}
