//! 3×3 convolution with stride 1 and padding 1 by Winograd's F(4×4, 3×3) (Lavin & Gray, CVPR 2016): forward, input
//! gradient and weight gradient, with a quarter of the multiplications.
//!
//! A 6×6 tile of pixels d gives a 4×4 tile of results Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Both gradients are the exact adjoints of
//! that, so that one set of transformed weights serves forward and backward.

mod ahead;
mod passes;
mod transform;
mod weight_gradient;
mod weights;

use super::{
    simd::Path,
    tensor::{Arena, Blocked, Dims},
};
use ahead::Ahead;
use transform::{Place, TILE};

pub(crate) use weight_gradient::weight_gradient;
pub(crate) use weights::Transformed;

/// (N, depth, H, W) → (N, rows, H, W).
pub(crate) fn forward(x: &Blocked, weights: &Transformed, path: Path, arena: &Arena) -> Blocked {
    passes::convolve::<passes::Forward>(x, weights, path, arena)
}

/// (N, rows, H, W) → (N, depth, H, W).
pub(crate) fn input_gradient(g: &Blocked, weights: &Transformed, path: Path, arena: &Arena) -> Blocked {
    passes::convolve::<passes::InputGradient>(g, weights, path, arena)
}

/// Where the tiles of a plane are.
#[derive(Debug, Clone, Copy)]
struct Grid {
    down: usize,
    across: usize,
}

impl Grid {
    fn of(dims: Dims) -> Self {
        Self { down: dims.height.div_ceil(TILE), across: dims.width.div_ceil(TILE) }
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
