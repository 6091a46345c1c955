//! Parts of a batch whose sums are made apart and then added up in their order: by threads, or by processes that share the batch.

use std::ops::Range;

use super::{
    bytes,
    simd::Lane,
    tensor::{Arena, Dims},
};

/// Parts that are summed apart, however many threads there are: the bits must not depend on them.
pub(crate) const PARTS: usize = 4;

/// Which part of the gradient of a convolution's weights is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion<'a> {
    /// Blocks that are summed apart, counted from the first that is here; absent where all blocks of the batch are here.
    pub(crate) parts: Option<&'a [Range<usize>]>,
    /// All outputs of the convolution: gradients may be those of some of them, whose sums must be made as if all were here.
    pub(crate) outputs: usize,
}

impl Portion<'_> {
    /// All of a batch, and of these outputs.
    pub(crate) fn whole(outputs: usize) -> Self {
        Self { parts: None, outputs }
    }

    /// What is summed apart, in units of which each block has so many.
    pub(crate) fn ranges(&self, blocks: usize, units: usize) -> Vec<Range<usize>> {
        match self.parts {
            Some(parts) => parts.iter().map(|part| part.start * units..part.end * units).collect(),
            None => ranges(blocks, units),
        }
    }
}

/// The usual parts of so many blocks, in units of which each block has so many: whole blocks, if there are enough for all parts.
fn ranges(blocks: usize, units: usize) -> Vec<Range<usize>> {
    let parts = PARTS.min(blocks * units);
    let unit = if blocks < parts { units } else { 1 };
    let edge = |index: usize| index * blocks * unit / parts * (units / unit);
    (0..parts).map(|part| edge(part)..edge(part + 1)).collect()
}

/// How processes that have parts of a batch each come to the gradient of a convolution's weights that one with all of it computes,
/// bit for bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining {
    /// The sums of all blocks are added up.
    Blocks,
    /// Sums over these ranges of blocks are added up; each must be made by one process.
    Parts(Vec<Range<usize>>),
    /// Each process needs the whole batch, and of the gradients only the outputs that it computes: any number of whole vectors of them.
    Outputs,
    /// Each process needs the whole batch, and computes everything.
    Whole,
}

impl Joining {
    /// [`Joining::Parts`] where a batch has a block for each of them, and each is made by one process: `shares` are the blocks of each.
    pub(crate) fn parts(batch: Dims, shares: &[Range<usize>]) -> Option<Self> {
        let parts = ranges(batch.blocks(), 1);
        let is_in =
            |part: &Range<usize>, share: &Range<usize>| share.start <= part.start && part.end <= share.end;
        let are_in = parts.iter().all(|part| shares.iter().any(|share| is_in(part, share)));
        (batch.blocks() >= PARTS && are_in).then_some(Self::Parts(parts))
    }
}

/// What a part of a batch gives to the gradient of a convolution's weights: sums for each group of channels.
#[derive(Debug)]
pub struct WeightSums(pub(crate) Vec<Vec<Lane>>);

impl WeightSums {
    /// How many bytes they are.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|sums| size_of_val(&sums[..])).sum()
    }

    /// Appends them as bytes, on their way to another process.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        self.0.iter().for_each(|sums| bytes::append(sums, bytes));
    }

    /// From bytes, for sums like these; none if there are not as many.
    pub fn from_bytes(&self, bytes: &[u8], arena: &Arena) -> Option<Self> {
        if bytes.len() != self.bytes() {
            return None;
        }
        let mut rest = bytes;
        let group = |sums: &Vec<Lane>| {
            let own = rest.split_off(..size_of_val(&sums[..]))?;
            let mut found = arena.take(sums.len());
            bytes::fill(&mut found, own);
            Some(found)
        };
        self.0.iter().map(group).collect::<Option<_>>().map(Self)
    }

    /// Gives the buffers back.
    pub fn give_back(self, arena: &Arena) {
        self.0.into_iter().for_each(|sums| arena.give(sums));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_blocks_where_there_are_enough() {
        assert_eq!(ranges(9, 3), [0..6, 6..12, 12..18, 18..27]);
        assert_eq!(ranges(3, 4), [0..3, 3..6, 6..9, 9..12]);
        assert_eq!(ranges(1, 2), [0..1, 1..2]);
    }

    #[test]
    fn sums_travel_as_bytes() {
        let arena = Arena::default();
        let sums = WeightSums(vec![vec![Lane([1.5; 16]); 3], vec![Lane([-0.0; 16]); 3]]);
        let mut bytes = Vec::new();
        sums.append_to(&mut bytes);
        assert_eq!(bytes.len(), 6 * 64);
        let found = sums.from_bytes(&bytes, &arena).expect("as many");
        let bits = |sums: &WeightSums| {
            sums.0.concat().iter().flat_map(|lane| lane.0.map(f32::to_bits)).collect::<Vec<_>>()
        };
        assert_eq!(bits(&found), bits(&sums));
        assert!(sums.from_bytes(&bytes[1..], &arena).is_none());
    }
}
