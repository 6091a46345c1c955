//! A file that is being read, and the images read so far.

use std::path::Path;

use crate::ImageShape;

/// A file that is being read, unpacked or in an archive.
pub(super) struct Source<'a, R> {
    /// Its path, for messages.
    pub(super) path: &'a Path,
    /// Its size, as folder or archive say.
    pub(super) size: u64,
    /// Bytes for which room may be made ahead: the size, but no more than the file or archive on disk has.
    pub(super) reserve: u64,
    pub(super) content: R,
}

/// Images read so far.
#[derive(Default)]
pub(super) struct Part {
    /// (N, 3, 32, 32).
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u32>,
}

impl Part {
    /// Appends another part.
    pub(super) fn append(&mut self, mut other: Self) {
        if self.labels.is_empty() {
            return *self = other;
        }
        self.pixels.append(&mut other.pixels);
        self.labels.append(&mut other.labels);
    }

    /// Keeps the first images.
    pub(super) fn limit(&mut self, limit: Option<usize>) {
        let limit = limit.map_or(self.labels.len(), |limit| limit.min(self.labels.len()));
        self.labels.truncate(limit);
        self.pixels.truncate(limit * ImageShape::RGB32.len());
    }
}
