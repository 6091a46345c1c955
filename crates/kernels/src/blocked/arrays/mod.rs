//! Arrays of any shape: each image has an array of its own, whose elements are vectors of sixteen images as those of planes are.
//!
//! These operations are what networks of other programs need beside those of planes. They run element by element, so that an image's
//! numbers depend on its own alone.

mod copies;
mod elements;
mod products;
mod reductions;

pub use copies::{copy, copy_gradient, pick, pick_gradient, relabel, repeat, transform, transform_gradient};
pub use elements::{Operand, binary, binary_gradient, unary, unary_gradient};
pub use products::{Factor, matrix_products};
pub use reductions::{reduce, reduce_gradient, softmax, softmax_gradient};

use super::tensor::Dims;

/// Vectors that a thread takes at once.
const AT_ONCE: usize = 4096;

/// Parts of the vectors of each block that threads take at once: where a part begins, and its length.
fn part(index: usize, len: usize) -> (usize, usize) {
    let parts = len.div_ceil(AT_ONCE).max(1);
    (index / parts, index % parts * AT_ONCE)
}

/// So many elements as channels of one pixel.
fn column(images: usize, elements: usize) -> Dims {
    Dims { images, channels: elements, height: 1, width: 1 }
}
