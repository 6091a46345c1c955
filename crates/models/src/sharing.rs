//! Training batches that several processes share.

use std::ops::Range;

use ranks::Ranks;

use crate::error::Error;

/// Images that stay together: those of a vector of the CPU engine.
const TOGETHER: usize = 16;

/// Parts that every batch of as many blocks is summed in: processes have whole ones, if there are enough.
const PARTS: usize = 4;

/// The processes that share each training batch, and what they share of it. By default there is one, which has all.
///
/// Each computes the network for its own images. What is summed over a batch, they exchange: gradients of weights, and statistics of
/// batch-norm. On the CPU engine the sums are made as one process makes them, so that all have its gradients, bit for bit. On candle's
/// tensors each process's sums are added in the order of the processes: all have the same bits, and other ones for other numbers of
/// processes.
#[derive(Debug, Clone, Default)]
pub struct Sharing {
    /// The processes.
    pub ranks: Ranks,
    /// Whether batch-norm sees each process's own images alone, as PyTorch's `DistributedDataParallel` has it. The results then depend on
    /// the number of processes; the running statistics are those of rank 0.
    pub own_statistics: bool,
}

impl Sharing {
    /// Among these processes, with the statistics of whole batches.
    pub fn among(ranks: Ranks) -> Self {
        Self { ranks, own_statistics: false }
    }

    /// The images of a batch that this process computes. All of them, where there are too few for every process to have a block of
    /// sixteen: then each computes all, and nothing is exchanged.
    ///
    /// ```
    /// use models::Sharing;
    ///
    /// let own = ranks::Simulation::new(2, 0).run(|ranks| Sharing::among(ranks).own_images(100));
    /// assert_eq!(own, [0..48, 48..100]);
    /// assert_eq!(Sharing::default().own_images(100), 0..100);
    /// ```
    pub fn own_images(&self, images: usize) -> Range<usize> {
        match self.shares(images) {
            Some(shares) => images_of(&shares[self.ranks.rank()], images),
            None => 0..images,
        }
    }

    /// The blocks of sixteen images of each process; none if they do not share a batch of this size.
    pub(crate) fn shares(&self, images: usize) -> Option<Vec<Range<usize>>> {
        let (size, blocks) = (self.ranks.size(), images.div_ceil(TOGETHER));
        if size == 1 || blocks < size {
            return None;
        }
        let parts = if size <= PARTS && blocks >= PARTS { PARTS } else { size };
        let edge = |rank: usize| rank * parts / size * blocks / parts;
        Some((0..size).map(|rank| edge(rank)..edge(rank + 1)).collect())
    }
}

/// A batch that processes share.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    pub(crate) sharing: &'a Sharing,
    /// The blocks of each process.
    pub(crate) shares: Vec<Range<usize>>,
    /// Images of the whole batch.
    pub(crate) images: usize,
}

impl<'a> Share<'a> {
    /// The share of a batch of so many images; none if this process has all of it.
    pub(crate) fn of(sharing: &'a Sharing, images: usize) -> Option<Self> {
        sharing.shares(images).map(|shares| Self { sharing, shares, images })
    }

    pub(crate) fn ranks(&self) -> &Ranks {
        &self.sharing.ranks
    }

    /// The images of this process.
    pub(crate) fn own_images(&self) -> Range<usize> {
        images_of(&self.shares[self.ranks().rank()], self.images)
    }

    /// Its first block.
    pub(crate) fn first_block(&self) -> usize {
        self.shares[self.ranks().rank()].start
    }

    /// Whether batch-norm sees the images of this process alone.
    pub(crate) fn has_own_statistics(&self) -> bool {
        self.sharing.own_statistics
    }

    /// What the others have sent, for these bytes.
    pub(crate) fn exchanged(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.ranks().end_exchange(self.ranks().begin(own)?)?)
    }

    /// What rank 0 has, where each has statistics of its own: PyTorch keeps those of the first.
    pub(crate) fn of_first(&self, own: Vec<f64>) -> Result<Vec<f64>, Error> {
        if self.has_own_statistics() { Ok(self.ranks().broadcast(own)?) } else { Ok(own) }
    }

    /// That somebody sent so many bytes, and others were to come.
    pub(crate) fn misfit(&self, found: usize) -> Error {
        let expected = "its part of a batch";
        ranks::Error::Message { place: "a rank".to_owned(), found: format!("{found} bytes"), expected }.into()
    }
}

/// Numbers as bytes.
pub(crate) fn bytes_of<T: Copy, const N: usize>(numbers: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut found = Vec::with_capacity(size_of_val(numbers) + 1);
    append(numbers, bytes, &mut found);
    found
}

/// Appends numbers as bytes.
pub(crate) fn append<T: Copy, const N: usize>(numbers: &[T], bytes: fn(T) -> [u8; N], to: &mut Vec<u8>) {
    let start = to.len();
    to.resize(start + N * numbers.len(), 0);
    to[start..].as_chunks_mut().0.iter_mut().zip(numbers).for_each(|(to, number)| *to = bytes(*number));
}

/// The images of some blocks of a batch.
fn images_of(blocks: &Range<usize>, images: usize) -> Range<usize> {
    TOGETHER * blocks.start..images.min(TOGETHER * blocks.end)
}

#[cfg(test)]
mod tests {
    use ranks::Simulation;

    use super::*;

    #[test]
    fn every_image_has_one_process() {
        for size in 1..7 {
            for images in [1, 16, 17, 60, 128, 147] {
                let own = Simulation::new(size, 0).run(|ranks| Sharing::among(ranks).own_images(images));
                if images.div_ceil(16) < size || size == 1 {
                    assert!(own.iter().all(|own| *own == (0..images)), "{images} on {size}: {own:?}");
                    continue;
                }
                let mut next = 0;
                for own in own {
                    assert!(own.start == next && !own.is_empty(), "{images} on {size}");
                    next = own.end;
                }
                assert_eq!(next, images);
            }
        }
    }
}
