//! Convolution by patches: blocks of patches ("im2col") that stay in the cache, multiplied by the `gemm` crate.
//!
//! | pass | how |
//! |---|---|
//! | forward | patches · weightᵀ; a 1×1 kernel with stride 1 reads the image in place |
//! | input gradient, stride 1 | a forward pass over the output's gradient with turned weights |
//! | input gradient, else | weightᵀ · gradient, added to where the patches came from |
//! | weight gradient | patchesᵀ · gradient, partial sums in a fixed order |

mod blocks;
mod columns;
mod forward;
mod geometry;
mod input_gradient;
mod product;
mod rows;
mod scratch;
mod weight_gradient;

pub(super) use forward::forward;
pub(super) use geometry::Geometry;
pub(super) use input_gradient::input_gradient;
pub(super) use weight_gradient::weight_gradient;
