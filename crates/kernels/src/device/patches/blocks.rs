//! How a batch is cut into blocks of output pixels whose patches stay in the second-level cache.
//!
//! The cut depends on the geometry alone, never on the number of threads, and so do the roundings.

use super::geometry::Geometry;

/// Patch values that a block aims at: 1 MB of f32, about a core's second-level cache.
const PATCH_VALUES: usize = 1 << 18;

/// Fewest and most pixels that a block aims at: fewer waste the packing of the weights, more bring nothing.
const PIXELS: (usize, usize) = (256, 1024);

/// Output pixels of one large image: some of its rows; or several small images whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) image: usize,
    pub(crate) images: usize,
    pub(crate) row: usize,
    pub(crate) rows: usize,
}

/// The cut of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks {
    /// Images that one task works on.
    pub(crate) images: usize,
    rows: usize,
    batch: usize,
    height: usize,
}

impl Blocks {
    /// Cuts a batch so that blocks of patches have a good size.
    pub(crate) fn new(geometry: &Geometry) -> Self {
        let pixels = (PATCH_VALUES / geometry.depth()).clamp(PIXELS.0, PIXELS.1);
        let [height, width] = geometry.out;
        // A pointwise convolution reads a single image in place.
        let single = if geometry.is_pointwise() { 64 } else { pixels };
        let (images, rows) = if height * width >= single {
            // As many blocks as pixels need, all of about the same height.
            (1, height.div_ceil((height * width).div_ceil(pixels)))
        } else {
            ((pixels / (height * width)).min(geometry.images), height)
        };
        Self { images, rows, batch: geometry.images, height }
    }

    /// How many tasks there are; each has its own images.
    pub(crate) fn tasks(&self) -> usize {
        self.batch.div_ceil(self.images)
    }

    /// The blocks of a task, from top to bottom.
    pub(crate) fn of_task(&self, task: usize) -> impl Iterator<Item = Block> + use<> {
        let Self { rows, height, .. } = *self;
        let image = task * self.images;
        let images = self.images.min(self.batch - image);
        (0..height).step_by(rows).map(move |row| Block { image, images, row, rows: rows.min(height - row) })
    }

    /// Pixels of the largest block.
    pub(crate) fn most_pixels(&self, geometry: &Geometry) -> usize {
        self.images * self.rows * geometry.out[1]
    }
}

impl Block {
    /// Output pixels.
    pub(crate) fn pixels(&self, geometry: &Geometry) -> usize {
        self.images * self.rows * geometry.out[1]
    }

    /// Rows of the padded input that the windows of this block cover.
    pub(crate) fn source_rows(&self, geometry: &Geometry) -> usize {
        (self.rows - 1) * geometry.stride + geometry.kernel[0]
    }
}
