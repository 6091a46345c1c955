//! The gradient of the weights: partial sums over parts of the batch, added up in a fixed order.

use rayon::prelude::*;

use super::{
    blocks::{Block, Blocks},
    columns::{output_block, output_scratch, patches, scratch_lengths},
    geometry::Geometry,
    product::{MatrixMut, Store, multiply},
    scratch,
};
use crate::parallel::for_each_part;

/// Partial sums: at least so many, if there are as many blocks, and at most.
const PARTS: (usize, usize) = (4, 16);

/// Values that all partial sums together aim at: 32 MB.
const PART_VALUES: usize = 1 << 23;

/// ∂L/∂w(o, c, k, l) = Σ g(n, o, i, j) · x(n, c, i·stride + k − padding, j·stride + l − padding), given `g` =
/// ∂L/∂y.
///
/// The same bits for any number of threads: how many partial sums there are depends on the geometry alone.
pub(crate) fn weight_gradient(geometry: &Geometry, x: &[f32], g: &[f32]) -> Vec<f32> {
    let blocks = Blocks::new(geometry);
    let parts = (PART_VALUES / geometry.weights()).clamp(PARTS.0, PARTS.1).min(blocks.tasks());
    let bound = |part: usize| blocks.tasks() * part / parts;
    let sums: Vec<Vec<f32>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let mut sum = vec![0.0; geometry.weights()];
            for block in (bound(part)..bound(part + 1)).flat_map(|task| blocks.of_task(task)) {
                for (group, sum) in sum.chunks_exact_mut(geometry.weights() / geometry.groups).enumerate() {
                    add_block(geometry, x, g, group, block, sum);
                }
            }
            sum
        })
        .collect();
    let total = total(sums);
    if is_turned(geometry) { turn_back(geometry, &total) } else { total }
}

/// Whether sums are held as (depth, outputs), instead of (outputs, depth) as the weights are.
///
/// Both factors are stored along the pixels, over which the product sums, and `gemm` repacks the left one
/// across them: the smaller one goes there.
fn is_turned(geometry: &Geometry) -> bool {
    geometry.outputs < geometry.depth()
}

/// Adds one group of one block to its partial sum.
fn add_block(geometry: &Geometry, x: &[f32], g: &[f32], group: usize, block: Block, sum: &mut [f32]) {
    let [padded, columns] = scratch_lengths(geometry, block);
    scratch::with([padded, columns, output_scratch(geometry, block)], |[padded, columns, gathered]| {
        let patches = patches(geometry, x, group, block, [padded, columns]);
        let g = output_block(geometry, g, group, block, gathered);
        let (left, right) = if is_turned(geometry) { (g, patches) } else { (patches, g) };
        let (rows, columns) = (left.columns, right.columns);
        let mut sum = MatrixMut { values: sum, rows, columns, column_step: rows };
        multiply(&mut sum, Store::Add, left.transposed(), right);
    });
}

/// Values that a thread adds up at once.
const CHUNK: usize = 1 << 14;

/// The sum of the parts, in their order.
fn total(parts: Vec<Vec<f32>>) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().expect("a batch has at least one part");
    let rest: Vec<_> = parts.collect();
    for_each_part(&mut total, CHUNK, |chunk, total| {
        for part in &rest {
            for (total, part) in total.iter_mut().zip(&part[chunk * CHUNK..]) {
                *total += part;
            }
        }
    });
    total
}

/// (depth, outputs) → (outputs, depth) for each group.
fn turn_back(geometry: &Geometry, turned: &[f32]) -> Vec<f32> {
    let (outputs, depth) = (geometry.outputs, geometry.depth());
    let mut weight = vec![0.0; turned.len()];
    for_each_part(&mut weight, depth, |i, weight| {
        let (group, output) = (i / outputs, i % outputs);
        let column = turned[group * outputs * depth + output..].iter().step_by(outputs);
        weight.iter_mut().zip(column).for_each(|(weight, turned)| *weight = *turned);
    });
    weight
}
