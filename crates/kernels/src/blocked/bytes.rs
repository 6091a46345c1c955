//! Activations as bytes, on their way to another process: numbers in little-endian order.

use std::ops::Range;

use super::{
    simd::Lane,
    tensor::{Arena, Blocked, Dims},
};
use crate::parallel::{for_each_part, for_each_part_and};

/// Vectors that a thread copies at once.
const AT_ONCE: usize = 1 << 12;

/// Bytes of a vector.
const SIZE: usize = size_of::<Lane>();

/// The bytes of vectors.
pub(crate) fn of(lanes: &[Lane]) -> Vec<u8> {
    let mut bytes = vec![0; lanes.len() * SIZE];
    copy(lanes, &mut bytes);
    bytes
}

fn copy(lanes: &[Lane], bytes: &mut [u8]) {
    for (lane, bytes) in lanes.iter().zip(bytes.chunks_exact_mut(SIZE)) {
        for (value, to) in lane.0.iter().zip(bytes.chunks_exact_mut(size_of::<f32>())) {
            to.copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// Fills vectors from as many bytes.
pub(crate) fn fill(lanes: &mut [Lane], bytes: &[u8]) {
    for (lane, bytes) in lanes.iter_mut().zip(bytes.chunks_exact(SIZE)) {
        for (value, from) in lane.0.iter_mut().zip(bytes.as_chunks().0) {
            *value = f32::from_le_bytes(*from);
        }
    }
}

impl Blocked {
    /// Some channels of all blocks as bytes.
    ///
    /// # Panics
    /// If there are not as many channels.
    pub fn to_bytes(&self, channels: Range<usize>) -> Vec<u8> {
        let (first, length) = (channels.start * self.dims.pixels(), channels.len() * self.dims.pixels());
        let mut bytes = vec![0; self.dims.blocks() * length * SIZE];
        for (block, bytes) in bytes.chunks_exact_mut((length * SIZE).max(1)).enumerate() {
            let lanes = &self.block(block)[first..first + length];
            for_each_part(bytes, AT_ONCE * SIZE, |part, bytes| copy(&lanes[part * AT_ONCE..], bytes));
        }
        bytes
    }

    /// Activations of size `dims` from the bytes of some blocks after those of others; none if they are not of this size.
    pub fn from_bytes(dims: Dims, parts: &[impl AsRef<[u8]>], arena: &Arena) -> Option<Self> {
        if parts.iter().map(|part| part.as_ref().len()).sum::<usize>() != dims.len() * SIZE {
            return None;
        }
        let mut found = arena.blocked(dims);
        let mut rest = &mut found.data[..];
        for part in parts.iter().map(AsRef::as_ref) {
            let own = rest.split_off_mut(..part.len() / SIZE)?;
            let bytes = part.chunks(AT_ONCE * SIZE).collect();
            for_each_part_and(own, AT_ONCE, bytes, 1, |_, lanes, bytes| fill(lanes, bytes));
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_several_processes_are_one_batch() {
        let arena = Arena::default();
        let dims = Dims { images: 40, channels: 3, height: 2, width: 1 };
        let values: Vec<f32> = (0..240u16).map(f32::from).collect();
        let own = |images: Range<usize>| {
            let dims = Dims { images: images.len(), ..dims };
            Blocked::from_nchw(&values[images.start * 6..images.end * 6], dims, &arena)
        };
        let parts = [own(0..16), own(16..40)].map(|part| part.to_bytes(0..3));
        assert_eq!(parts[1].len(), 2 * 6 * 64);
        let whole = Blocked::from_bytes(dims, &parts, &arena).expect("three blocks");
        assert_eq!(whole.to_nchw(), values);
        assert!(Blocked::from_bytes(dims, &parts[..1], &arena).is_none());
        let one = [own(0..40).to_bytes(1..2)];
        let one = Blocked::from_bytes(Dims { channels: 1, ..dims }, &one, &arena).expect("a channel");
        assert_eq!(one.to_nchw()[..4], [2.0, 3.0, 8.0, 9.0]);
    }
}
