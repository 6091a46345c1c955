//! 3×3 convolution by Winograd's F(4×4, 3×3) (Lavin & Gray, CVPR 2016): forward, input gradient and weight gradient, with
//! a quarter of the multiplications at stride 1 and somewhat more than half of them at stride 2.
//!
//! A tile of pixels d gives a 4×4 tile of results Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Both gradients are the exact adjoints of that,
//! so that one set of transformed weights serves forward and backward. [`scheme::Scheme`] says what the two strides have in
//! common; the passes are written against it.

mod ahead;
mod passes;
mod product;
mod scheme;
mod strided;
mod unit;
mod weight_gradient;
mod weights;

use super::{
    pointwise::Epilogue,
    simd::InstructionSet,
    tensor::{Arena, Blocked, Dims, Mask},
};
use ahead::Ahead;
use passes::{Forward, InputGradient};
use scheme::{Place, TILE};
use strided::Strided;
use unit::Unit;

pub(crate) use weights::Transformed;

/// (N, depth, H, W) → (N, rows, H', W'), finished if that is wanted.
pub(crate) fn forward(
    x: &Blocked,
    weights: &Transformed,
    to: Dims,
    epilogue: Option<Epilogue<'_>>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Mask>) {
    match weights.stride {
        1 => passes::convolve::<Forward<Unit>>(x, weights, to, epilogue, instructions, arena),
        _ => passes::convolve::<Forward<Strided>>(x, weights, to, epilogue, instructions, arena),
    }
}

/// (N, rows, H', W') → (N, depth, H, W).
pub(crate) fn input_gradient(
    g: &Blocked,
    weights: &Transformed,
    to: Dims,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    match weights.stride {
        1 => passes::convolve::<InputGradient<Unit>>(g, weights, to, None, instructions, arena).0,
        _ => passes::convolve::<InputGradient<Strided>>(g, weights, to, None, instructions, arena).0,
    }
}

/// The gradient of the weights, (channels of g, channels of x, 3, 3).
pub(crate) fn weight_gradient(
    x: &Blocked,
    g: &Blocked,
    weights: &Transformed,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    match weights.stride {
        1 => weight_gradient::weight_gradient::<Unit>(x, g, weights.factors, instructions, arena),
        _ => weight_gradient::weight_gradient::<Strided>(x, g, weights.factors, instructions, arena),
    }
}

/// Where the tiles of a plane of results are.
#[derive(Debug, Clone, Copy)]
struct Grid {
    down: usize,
    across: usize,
}

impl Grid {
    fn of(results: Dims) -> Self {
        Self { down: results.height.div_ceil(TILE), across: results.width.div_ceil(TILE) }
    }

    fn tiles(self) -> usize {
        self.down * self.across
    }

    /// Block and place of a tile, counted through all blocks.
    fn place(self, tile: usize) -> (usize, Place) {
        let (block, inside) = (tile / self.tiles(), tile % self.tiles());
        (block, Place { row: inside / self.across * TILE, column: inside % self.across * TILE })
    }
}

/// Tiles that are treated together, counted through all blocks.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: usize,
    count: usize,
}
