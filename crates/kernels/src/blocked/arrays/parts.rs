//! How work on arrays is divided among threads.

use super::super::tensor::Dims;

/// Vectors that a thread takes at once.
pub(super) const AT_ONCE: usize = 4096;

/// So many elements as channels of one pixel.
pub(super) fn column(images: usize, elements: usize) -> Dims {
    Dims { images, channels: elements, height: 1, width: 1 }
}
