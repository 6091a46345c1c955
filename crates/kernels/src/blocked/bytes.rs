//! Activations as bytes, on their way to another process of the same program on a processor of the same kind.
#![allow(unsafe_code)]

use std::{ops::Range, slice};

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
fn view(lanes: &[Lane]) -> &[u8] {
    // SAFETY: a vector is sixteen numbers without gaps, and any byte of it may be read.
    unsafe { slice::from_raw_parts(lanes.as_ptr().cast(), size_of_val(lanes)) }
}

/// Appends the bytes of vectors to others.
pub(crate) fn append(lanes: &[Lane], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(view(lanes));
}

/// Fills vectors from as many bytes.
pub(crate) fn fill(lanes: &mut [Lane], bytes: &[u8]) {
    // SAFETY: a vector is sixteen numbers without gaps, and any bytes are numbers.
    let view: &mut [u8] = unsafe { slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), size_of_val(lanes)) };
    view.copy_from_slice(bytes);
}

impl Blocked {
    /// How many bytes some channels of all blocks are.
    pub fn bytes(&self, channels: &Range<usize>) -> usize {
        self.dims.blocks() * channels.len() * self.dims.pixels() * SIZE
    }

    /// Appends some channels of all blocks as bytes.
    ///
    /// # Panics
    /// If there are not as many channels.
    pub fn append_to(&self, channels: Range<usize>, bytes: &mut Vec<u8>) {
        (0..self.dims.blocks()).for_each(|block| append(self.channels_of(block, &channels), bytes));
    }

    fn channels_of(&self, block: usize, channels: &Range<usize>) -> &[Lane] {
        &self.block(block)[channels.start * self.dims.pixels()..channels.end * self.dims.pixels()]
    }

    /// Activations of size `dims` from the bytes of some blocks after those of others; none if they are not of this size. Part number
    /// `place`, whose bytes are not looked at, is some channels of `own`.
    pub fn joined(
        dims: Dims,
        parts: &[&[u8]],
        (place, own, channels): (usize, &Self, Range<usize>),
        arena: &Arena,
    ) -> Option<Self> {
        let of_own = own.dims.blocks() * dims.block_len();
        let lengths = parts.iter().map(|part| part.len() / SIZE).enumerate();
        let lengths = lengths.map(|(at, length)| if at == place { of_own } else { length });
        if lengths.sum::<usize>() != dims.len() || channels.len() != dims.channels {
            return None;
        }
        let mut found = arena.blocked(dims);
        let mut rest = &mut found.data[..];
        for (at, part) in parts.iter().enumerate() {
            if at == place {
                let to = rest.split_off_mut(..of_own)?;
                for_each_part(to, dims.block_len().max(1), |block, to| {
                    to.copy_from_slice(own.channels_of(block, &channels));
                });
                continue;
            }
            let to = rest.split_off_mut(..part.len() / SIZE)?;
            let bytes = part.chunks(AT_ONCE * SIZE).collect();
            for_each_part_and(to, AT_ONCE, bytes, 1, |_, lanes, bytes| fill(lanes, bytes));
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
        let parts = [own(0..16), own(16..40)];
        let sent = |channels: Range<usize>| {
            let mut bytes = Vec::new();
            parts[1].append_to(channels.clone(), &mut bytes);
            assert_eq!(bytes.len(), parts[1].bytes(&channels));
            bytes
        };
        assert_eq!(sent(0..3).len(), 2 * 6 * 64);
        let whole = Blocked::joined(dims, &[&[], &sent(0..3)], (0, &parts[0], 0..3), &arena);
        let whole = whole.expect("three blocks");
        assert_eq!(whole.to_nchw(), values);
        assert!(Blocked::joined(dims, &[&[]], (0, &parts[0], 0..3), &arena).is_none());
        let one = Dims { channels: 1, ..dims };
        let one = Blocked::joined(one, &[&[], &sent(1..2)], (0, &parts[0], 1..2), &arena).expect("a channel");
        assert_eq!(one.to_nchw()[..4], [2.0, 3.0, 8.0, 9.0]);
        assert_eq!(one.to_nchw()[78..], [236.0, 237.0]);
    }
}
