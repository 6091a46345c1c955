//! Arrays of any shape: each image has an array of its own, whose elements are vectors of sixteen images as those of planes are.
//!
//! These operations are what networks of other programs need beside those of planes. They run element by element, so that an image's
//! numbers depend on its own alone.

mod copies;
mod elements;
mod parts;
mod products;
mod reductions;

pub use copies::{copy, copy_gradient, pick, pick_gradient, relabel, repeat, transform, transform_gradient};
pub use elements::{Operand, binary, binary_gradient, unary, unary_gradient};
pub use products::{Factor, matrix_products};
pub use reductions::{reduce, reduce_gradient, softmax, softmax_gradient};
