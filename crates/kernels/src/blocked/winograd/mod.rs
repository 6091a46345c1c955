//! 3×3 convolution by Winograd's F(4×4, 3×3) (Lavin & Gray, CVPR 2016): forward, input gradient and weight gradient, with
//! a quarter of the multiplications at stride 1 and somewhat more than half of them at stride 2.
//!
//! A tile of pixels d gives a 4×4 tile of results Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Both gradients are the exact adjoints of that,
//! so that one set of transformed weights serves forward and backward. [`scheme::Scheme`] says what the two strides have in
//! common; the passes are written against it.

mod ahead;
mod grid;
mod pass;
mod passes;
mod product;
mod scheme;
mod strided;
mod strides;
mod unit;
mod weight_gradient;
mod weights;

pub(crate) use strides::{forward, input_gradient, weight_sums, weights_of_sums};
pub(crate) use weight_gradient::sums_parts_apart;
pub(crate) use weights::Transformed;
