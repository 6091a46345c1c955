//! Patches as columns of a matrix ("im2col") and back.
//!
//! For a block of output pixels, entry (pixel, (channel, kernel row, kernel column)) of the patch matrix is
//! the input value that this weight meets at that pixel. A convolution is then the product patches · weightᵀ.
//! The input is first copied with its zeros, so that the nine (or 49) copies out of it know no edges.

use super::{
    blocks::Block,
    geometry::Geometry,
    product::Matrix,
    rows::{Lines, gather, scatter_add},
};

/// Planes of padded input rows: where a block's windows begin, and the steps.
struct Planes<'a> {
    values: &'a [f32],
    width: usize,
    plane_step: usize,
    image_step: usize,
}

/// Elements that [`patches`] needs: for the padded rows, and for the columns.
pub(crate) fn scratch_lengths(geometry: &Geometry, block: Block) -> [usize; 2] {
    if geometry.is_pointwise() && block.images == 1 {
        return [0, 0];
    }
    let width = geometry.padded_size()[1];
    let padded = block.images * geometry.inputs * block.source_rows(geometry) * width;
    let padded = if geometry.padding == [0, 0] { 0 } else { padded };
    [padded, geometry.depth() * block.pixels(geometry)]
}

/// The patch matrix of a block, pixels × depth.
pub(crate) fn patches<'a>(
    geometry: &Geometry,
    x: &'a [f32],
    group: usize,
    block: Block,
    [padded, columns]: [&'a mut [f32]; 2],
) -> Matrix<'a> {
    let (pixels, depth) = (block.pixels(geometry), geometry.depth());
    let first = (block.image * geometry.groups + group) * geometry.inputs * geometry.in_pixels();
    let x = &x[first..];
    if geometry.is_pointwise() && block.images == 1 {
        return Matrix::by_columns(&x[block.row * geometry.size[1]..], pixels, depth, geometry.in_pixels());
    }
    let planes = with_zeros(geometry, x, block, padded);
    gather_columns(geometry, &planes, block, columns);
    Matrix::by_columns(columns, pixels, depth, pixels)
}

/// The input rows under a block with zeros around them; where there are none, the input itself.
fn with_zeros<'a>(geometry: &Geometry, x: &'a [f32], block: Block, padded: &'a mut [f32]) -> Planes<'a> {
    let [_, width] = geometry.padded_size();
    let (in_pixels, image_step) = (geometry.in_pixels(), geometry.in_image());
    let top = block.row * geometry.stride;
    if geometry.padding == [0, 0] {
        return Planes { values: &x[top * width..], width, plane_step: in_pixels, image_step };
    }
    let plane_step = block.source_rows(geometry) * width;
    for (i, plane) in padded.chunks_exact_mut(plane_step).enumerate() {
        let (image, channel) = (i / geometry.inputs, i % geometry.inputs);
        let from = &x[image * image_step + channel * in_pixels..][..in_pixels];
        for (row, to) in plane.chunks_exact_mut(width).enumerate() {
            copy_row(geometry, from, top + row, to);
        }
    }
    Planes { values: padded, width, plane_step, image_step: plane_step * geometry.inputs }
}

/// A row of the padded plane; `row` counts from the first row of zeros.
fn copy_row(geometry: &Geometry, plane: &[f32], row: usize, to: &mut [f32]) {
    let ([height, width], [above, left]) = (geometry.size, geometry.padding);
    match row.checked_sub(above).filter(|&row| row < height) {
        None => to.fill(0.0),
        Some(row) => {
            to[..left].fill(0.0);
            to[left..left + width].copy_from_slice(&plane[row * width..][..width]);
            to[left + width..].fill(0.0);
        }
    }
}

fn gather_columns(geometry: &Geometry, planes: &Planes<'_>, block: Block, columns: &mut [f32]) {
    let lines = lines(geometry, planes.width);
    let plane_pixels = block.rows * geometry.out[1];
    for (column, [channel, row, col]) in columns.chunks_exact_mut(block.pixels(geometry)).zip(taps(geometry))
    {
        for (image, to) in column.chunks_exact_mut(plane_pixels).enumerate() {
            let at = image * planes.image_step + channel * planes.plane_step + row * planes.width + col;
            gather(to, &planes.values[at..], lines);
        }
    }
}

/// Adds the columns of a block to the padded planes that they were taken from, [image][channel][padded
/// row][padded column].
pub(crate) fn scatter_columns(geometry: &Geometry, columns: &[f32], block: Block, padded: &mut [f32]) {
    let [height, width] = geometry.padded_size();
    let lines = lines(geometry, width);
    let plane_pixels = block.rows * geometry.out[1];
    for (column, [channel, row, col]) in columns.chunks_exact(block.pixels(geometry)).zip(taps(geometry)) {
        for (image, from) in column.chunks_exact(plane_pixels).enumerate() {
            let plane = (image * geometry.inputs + channel) * height;
            let at = (plane + block.row * geometry.stride + row) * width + col;
            scatter_add(&mut padded[at..], from, lines);
        }
    }
}

fn lines(geometry: &Geometry, width: usize) -> Lines {
    Lines { width: geometry.out[1], line_step: geometry.stride * width, stride: geometry.stride }
}

/// (channel, kernel row, kernel column) in the order of the weights.
fn taps(geometry: &Geometry) -> impl Iterator<Item = [usize; 3]> + use<> {
    let [height, width] = geometry.kernel;
    let in_channel = move |c| (0..height).flat_map(move |row| (0..width).map(move |col| [c, row, col]));
    (0..geometry.inputs).flat_map(in_channel)
}

/// A block of one group of an output (or of its gradient), pixels × outputs; `gathered` is used for several
/// images.
pub(crate) fn output_block<'a>(
    geometry: &Geometry,
    y: &'a [f32],
    group: usize,
    block: Block,
    gathered: &'a mut [f32],
) -> Matrix<'a> {
    let (pixels, outputs, plane) = (block.pixels(geometry), geometry.outputs, geometry.out_pixels());
    let y = &y[(block.image * geometry.groups + group) * outputs * plane..];
    if block.images == 1 {
        return Matrix::by_columns(&y[block.row * geometry.out[1]..], pixels, outputs, plane);
    }
    for (channel, column) in gathered.chunks_exact_mut(pixels).enumerate() {
        for (image, to) in column.chunks_exact_mut(plane).enumerate() {
            to.copy_from_slice(&y[image * geometry.out_image() + channel * plane..][..plane]);
        }
    }
    Matrix::by_columns(gathered, pixels, outputs, pixels)
}

/// Elements that [`output_block`] needs.
pub(crate) fn output_scratch(geometry: &Geometry, block: Block) -> usize {
    if block.images == 1 { 0 } else { geometry.outputs * block.pixels(geometry) }
}
