//! What processes that share a training batch exchange, and the sums that all of them then have.

use std::ops::Range;

use kernels::blocked::{Arena, BlockSums, Blocked, Convolution, Dims, Joining};
use ranks::Ranks;

use crate::{
    error::Error,
    sharing::{Sharing, images_of},
};

/// A batch that processes share.
#[derive(Debug)]
pub(super) struct Share<'a> {
    sharing: &'a Sharing,
    /// The blocks of each process.
    shares: Vec<Range<usize>>,
    /// Images of the whole batch.
    images: usize,
}

/// Channels that are computed together.
const TOGETHER: usize = 16;

impl<'a> Share<'a> {
    /// The share of a batch of so many images; none if this process has all of it.
    pub(super) fn of(sharing: &'a Sharing, images: usize) -> Option<Self> {
        sharing.shares(images).map(|shares| Self { sharing, shares, images })
    }

    fn ranks(&self) -> &Ranks {
        &self.sharing.ranks
    }

    /// The images of this process.
    pub(super) fn own_images(&self) -> Range<usize> {
        images_of(&self.shares[self.ranks().rank()], self.images)
    }

    /// Its first block.
    pub(super) fn first_block(&self) -> usize {
        self.shares[self.ranks().rank()].start
    }

    /// Numbers of all images from those of this process's.
    pub(super) fn rows(&self, own: &[f32]) -> Result<Vec<f32>, Error> {
        let mut bytes = vec![0; size_of_val(own)];
        own.iter().zip(bytes.as_chunks_mut().0).for_each(|(value, to)| *to = value.to_le_bytes());
        let bytes = self.ranks().exchange(bytes)?;
        Ok(bytes.concat().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Sums of all blocks from those of this process's.
    pub(super) fn sums(&self, own: BlockSums) -> Result<BlockSums, Error> {
        let all =
            self.ranks().exchange(own.values().iter().flat_map(|value| value.to_le_bytes()).collect())?;
        let values = all.concat().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        Ok(BlockSums::new(own.each(), values))
    }

    /// Whether batch-norm sees the images of this process alone.
    pub(super) fn has_own_statistics(&self) -> bool {
        self.sharing.own_statistics
    }

    /// How many images the whole batch has.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// What rank 0 has, where each has statistics of its own.
    pub(super) fn of_first(&self, own: Vec<f64>) -> Result<Vec<f64>, Error> {
        if self.sharing.own_statistics { Ok(self.ranks().broadcast(own)?) } else { Ok(own) }
    }

    /// The gradient of a convolution's weights for the whole batch.
    pub(super) fn weight_gradient(
        &self,
        convolution: &Convolution,
        x: &Blocked,
        g: &Blocked,
        arena: &Arena,
    ) -> Result<Vec<f32>, Error> {
        let whole = |own: Dims| Dims { images: self.images, ..own };
        match convolution.joining(whole(x.dims()), whole(g.dims()), &self.shares) {
            Joining::Blocks => Ok(self.sums(convolution.weight_block_sums(x, g, arena))?.singles()),
            Joining::Parts(parts) => self.of_parts(convolution, x, g, (&parts, arena)),
            Joining::Outputs => self.of_outputs(convolution, x, g, arena),
            Joining::Whole => {
                let [x, g] = [self.all(x, arena)?, self.all(g, arena)?];
                let gradient = convolution.weight_gradient(&x, &g, arena);
                arena.recycle(x);
                arena.recycle(g);
                Ok(gradient)
            }
        }
    }

    /// Each makes the sums of its parts, and has those of the others.
    fn of_parts(
        &self,
        convolution: &Convolution,
        x: &Blocked,
        g: &Blocked,
        (parts, arena): (&[Range<usize>], &Arena),
    ) -> Result<Vec<f32>, Error> {
        let rank = self.ranks().rank();
        let of = |share: &Range<usize>| parts.iter().filter(|part| share.contains(&part.start)).count();
        let (first, own) = (self.first_block(), &self.shares[rank]);
        let here = parts.iter().filter(|part| own.contains(&part.start));
        let here: Vec<_> = here.map(|part| part.start - first..part.end - first).collect();
        let made = convolution.weight_parts(x, g, &here, arena);
        let mut bytes = Vec::new();
        made.iter().for_each(|sums| sums.append_to(&mut bytes));
        let sent = self.ranks().exchange(bytes)?;
        let mut all = Vec::with_capacity(parts.len());
        for (share, bytes) in self.shares.iter().zip(&sent) {
            let each = bytes.len() / of(share).max(1);
            let found = bytes.chunks_exact(each.max(1)).map(|bytes| made[0].from_bytes(bytes, arena));
            all.extend(found.collect::<Option<Vec<_>>>().ok_or_else(|| self.misfit(bytes.len()))?);
        }
        made.into_iter().for_each(|sums| sums.give_back(arena));
        Ok(convolution.weight_gradient_of_parts(all, arena))
    }

    /// Each has the whole input, and computes the rows of some outputs.
    fn of_outputs(
        &self,
        convolution: &Convolution,
        x: &Blocked,
        g: &Blocked,
        arena: &Arena,
    ) -> Result<Vec<f32>, Error> {
        let (ranks, channels) = (self.ranks(), g.dims().channels);
        let groups = channels.div_ceil(TOGETHER);
        let edge = |rank: usize| channels.min(rank * groups / ranks.size() * TOGETHER);
        let outputs = |rank: usize| edge(rank)..edge(rank + 1);
        let sent = self.sent(g, outputs)?;
        let own = outputs(ranks.rank());
        let x = self.all(x, arena)?;
        let rows = if own.is_empty() {
            Vec::new()
        } else {
            let g = self.joined(g, own, &sent, arena)?;
            let rows = convolution.weight_gradient_of_outputs(&x, &g, arena);
            arena.recycle(g);
            rows
        };
        arena.recycle(x);
        self.rows(&rows)
    }

    /// The values of all images.
    fn all(&self, own: &Blocked, arena: &Arena) -> Result<Blocked, Error> {
        let channels = 0..own.dims().channels;
        let sent = self.sent(own, |_| channels.clone())?;
        self.joined(own, channels, &sent, arena)
    }

    /// Sends each process some channels of what is here; the bytes that the others have sent.
    fn sent(&self, own: &Blocked, channels: impl Fn(usize) -> Range<usize>) -> Result<Vec<Vec<u8>>, Error> {
        let rank = self.ranks().rank();
        let bytes = |to: usize| if to == rank { Vec::new() } else { own.to_bytes(channels(to)) };
        Ok(self.ranks().exchange_each((0..self.shares.len()).map(bytes).collect())?)
    }

    /// Some channels of all images from what is here and what was sent.
    fn joined(
        &self,
        own: &Blocked,
        channels: Range<usize>,
        sent: &[Vec<u8>],
        arena: &Arena,
    ) -> Result<Blocked, Error> {
        let found = sent.iter().map(Vec::len).sum();
        let whole = Dims { images: self.images, channels: channels.len(), ..own.dims() };
        let own = (self.ranks().rank(), own, channels);
        Blocked::joined(whole, sent, own, arena).ok_or_else(|| self.misfit(found))
    }

    fn misfit(&self, found: usize) -> Error {
        let expected = "its part of a batch";
        ranks::Error::Message { place: "a rank".to_owned(), found: format!("{found} bytes"), expected }.into()
    }
}
