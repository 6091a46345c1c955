//! Where tiles are.

use super::{
    super::tensor::Dims,
    scheme::{Place, TILE},
};

/// Where the tiles of a plane of results are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) down: usize,
    pub(super) across: usize,
}

impl Grid {
    pub(super) fn of(results: Dims) -> Self {
        Self { down: results.height.div_ceil(TILE), across: results.width.div_ceil(TILE) }
    }

    pub(super) fn tiles(self) -> usize {
        self.down * self.across
    }

    /// Block and place of a tile, counted through all blocks.
    pub(super) fn place(self, tile: usize) -> (usize, Place) {
        let (block, inside) = (tile / self.tiles(), tile % self.tiles());
        (block, Place { row: inside / self.across * TILE, column: inside % self.across * TILE })
    }
}

/// Tiles that are treated together, counted through all blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) start: usize,
    pub(super) count: usize,
}
