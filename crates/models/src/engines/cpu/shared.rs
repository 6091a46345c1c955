//! What processes that share a training batch exchange, and the sums that all of them then have.

use std::ops::Range;

use kernels::blocked::{Arena, BlockSums, Blocked, Convolution, Dims, Joining, WeightSums};
use ranks::Exchange;

use super::leaving::Leaving;
use crate::{
    error::Error,
    sharing::{Share, bytes_of},
};

/// Channels that are computed together.
const TOGETHER: usize = 16;

impl Share<'_> {
    /// Numbers of all images from those of this process's.
    pub(super) fn rows(&self, own: &[f32]) -> Result<Vec<f32>, Error> {
        let sent = self.exchanged(bytes_of(own, f32::to_le_bytes))?;
        Ok(self.all_rows(own, &slices(&sent)))
    }

    /// Sums of all blocks from those of this process's.
    pub(super) fn sums(&self, own: &BlockSums) -> Result<BlockSums, Error> {
        let sent = self.exchanged(bytes_of(own.values(), f64::to_le_bytes))?;
        Ok(self.all_sums(own, &slices(&sent)))
    }

    /// Bytes that each process sends of a gradient.
    pub(super) fn lengths(&self, leaving: &Leaving<'_>) -> Vec<usize> {
        let of_sums = |sums: &BlockSums| sums.each() * size_of::<f64>();
        match leaving {
            Leaving::Whole(_) => vec![0; self.shares.len()],
            Leaving::Sums(sums, _) => self.shares.iter().map(|blocks| blocks.len() * of_sums(sums)).collect(),
            Leaving::OneEach(sums, _) => vec![of_sums(sums); self.shares.len()],
            Leaving::Parts { own, counts, .. } => counts.iter().map(|count| count * own[0].bytes()).collect(),
            Leaving::Rows { counts, .. } => counts.iter().map(|count| count * size_of::<f32>()).collect(),
        }
    }

    /// What all have, in the order of the processes: numbers of this one, and bytes of the others.
    fn in_order<T: Copy, const N: usize>(
        &self,
        own: &[T],
        sent: &[&[u8]],
        number: fn([u8; N]) -> T,
    ) -> Vec<T> {
        let length = own.len() + sent.iter().map(|bytes| bytes.len() / N).sum::<usize>();
        let mut all = Vec::with_capacity(length);
        for (rank, bytes) in sent.iter().enumerate() {
            if rank == self.ranks().rank() {
                all.extend_from_slice(own);
            }
            // None are of this process.
            all.extend(bytes.as_chunks().0.iter().map(|bytes| number(*bytes)));
        }
        all
    }

    /// Numbers of all images, or outputs.
    pub(super) fn all_rows(&self, own: &[f32], sent: &[&[u8]]) -> Vec<f32> {
        self.in_order(own, sent, f32::from_le_bytes)
    }

    /// Sums of all blocks.
    pub(super) fn all_sums(&self, own: &BlockSums, sent: &[&[u8]]) -> BlockSums {
        BlockSums::new(own.each(), self.in_order(own.values(), sent, f64::from_le_bytes))
    }

    /// Sums of all parts of a batch, of which each process has made some.
    pub(super) fn all_parts(
        &self,
        own: Vec<WeightSums>,
        sent: &[&[u8]],
        counts: &[usize],
        arena: &Arena,
    ) -> Result<Vec<WeightSums>, Error> {
        let (mut all, before): (Vec<_>, usize) = (Vec::new(), counts[..self.ranks().rank()].iter().sum());
        for bytes in sent.iter().filter(|bytes| !bytes.is_empty()) {
            let found = bytes.chunks_exact(own[0].bytes()).map(|bytes| own[0].from_bytes(bytes, arena));
            all.extend(found.collect::<Option<Vec<_>>>().ok_or_else(|| self.misfit(bytes.len()))?);
        }
        all.splice(before..before, own);
        Ok(all)
    }

    /// Begins the gradient of a convolution's weights for the whole batch.
    pub(super) fn begin<'c>(
        &self,
        (name, convolution): (String, &'c Convolution),
        x: &Blocked,
        g: &Blocked,
        arena: &Arena,
    ) -> Result<Begun<'c>, Error> {
        let whole = |own: Dims| Dims { images: self.images, ..own };
        Ok(match convolution.joining(whole(x.dims()), whole(g.dims()), &self.shares) {
            Joining::Blocks => {
                let sums = convolution.weight_block_sums(x, g, arena);
                Begun::Left(Leaving::sums(sums, |all| vec![(name, all.singles())]))
            }
            Joining::Parts(parts) => Begun::Left(self.parts((name, convolution), x, g, (&parts, arena))),
            Joining::Outputs => Begun::Outputs(name, convolution, self.send(x, g, true)?),
            Joining::Whole => Begun::Whole(name, convolution, self.send(x, g, false)?),
        })
    }

    /// What is made of it here, once the others' part of the batch is here.
    pub(super) fn end<'c>(
        &self,
        begun: Begun<'c>,
        x: &Blocked,
        g: &Blocked,
        arena: &Arena,
    ) -> Result<Leaving<'c>, Error> {
        match begun {
            Begun::Left(leaving) => Ok(leaving),
            Begun::Outputs(name, convolution, exchange) => {
                let own = self.outputs(g.dims().channels, self.ranks().rank());
                let [x, g] = self.gathered(exchange, (x, g), own, arena)?;
                let rows = if g.dims().channels == 0 {
                    Vec::new()
                } else {
                    convolution.weight_gradient_of_outputs(&x, &g, arena)
                };
                [x, g].into_iter().for_each(|all| arena.recycle(all));
                let of_output = convolution.weights() / convolution.outputs();
                let count = |rank: usize| of_output * self.outputs(convolution.outputs(), rank).len();
                Ok(Leaving::Rows { name, own: rows, counts: (0..self.shares.len()).map(count).collect() })
            }
            Begun::Whole(name, convolution, exchange) => {
                let [x, g] = self.gathered(exchange, (x, g), 0..g.dims().channels, arena)?;
                let gradient = convolution.weight_gradient(&x, &g, arena);
                [x, g].into_iter().for_each(|all| arena.recycle(all));
                Ok(Leaving::one(name, gradient))
            }
        }
    }

    /// The sums of the parts that are here.
    fn parts<'c>(
        &self,
        (name, convolution): (String, &'c Convolution),
        x: &Blocked,
        g: &Blocked,
        (parts, arena): (&[Range<usize>], &Arena),
    ) -> Leaving<'c> {
        let of = |share: &Range<usize>| parts.iter().filter(|part| share.contains(&part.start)).count();
        let (first, blocks) = (self.first_block(), &self.shares[self.ranks().rank()]);
        let here = parts.iter().filter(|part| blocks.contains(&part.start));
        let here: Vec<_> = here.map(|part| part.start - first..part.end - first).collect();
        let own = convolution.weight_parts(x, g, &here, arena);
        Leaving::Parts { name, convolution, own, counts: self.shares.iter().map(of).collect() }
    }

    /// The outputs whose filters a process computes, of so many.
    fn outputs(&self, channels: usize, rank: usize) -> Range<usize> {
        let (groups, size) = (channels.div_ceil(TOGETHER), self.shares.len());
        let edge = |rank: usize| channels.min(rank * groups / size * TOGETHER);
        edge(rank)..edge(rank + 1)
    }

    /// Sends each process the input and the gradient: of all outputs, or of those that it computes.
    fn send(&self, x: &Blocked, g: &Blocked, by_outputs: bool) -> Result<Exchange, Error> {
        let bytes = |to: usize| {
            if to == self.ranks().rank() {
                return Vec::new();
            }
            let channels = g.dims().channels;
            let outputs = if by_outputs { self.outputs(channels, to) } else { 0..channels };
            let inputs = 0..x.dims().channels;
            let mut bytes = self.ranks().buffer(x.bytes(&inputs) + g.bytes(&outputs) + 1);
            x.append_to(inputs, &mut bytes);
            g.append_to(outputs, &mut bytes);
            bytes
        };
        Ok(self.ranks().begin_each((0..self.shares.len()).map(bytes).collect())?)
    }

    /// The input of all images, and some channels of the gradient, from what is here and what was sent.
    fn gathered(
        &self,
        exchange: Exchange,
        (x, g): (&Blocked, &Blocked),
        outputs: Range<usize>,
        arena: &Arena,
    ) -> Result<[Blocked; 2], Error> {
        let sent = self.ranks().end_exchange(exchange)?;
        let found: usize = sent.iter().map(Vec::len).sum();
        let inputs = 0..x.dims().channels;
        let of_block = x.bytes(&inputs) / x.dims().blocks();
        let cut = |(bytes, blocks): (&'_ Vec<u8>, &Range<usize>)| bytes.len().min(blocks.len() * of_block);
        let cuts: Vec<usize> = sent.iter().zip(&self.shares).map(cut).collect();
        let [of_x, of_g]: [Vec<&[u8]>; 2] = [
            sent.iter().zip(&cuts).map(|(bytes, &cut)| &bytes[..cut]).collect(),
            sent.iter().zip(&cuts).map(|(bytes, &cut)| &bytes[cut..]).collect(),
        ];
        let all = |own: &Blocked, channels: Range<usize>, sent: &[&[u8]]| {
            let whole = Dims { images: self.images, channels: channels.len(), ..own.dims() };
            let own = (self.ranks().rank(), own, channels);
            Blocked::joined(whole, sent, own, arena).ok_or_else(|| self.misfit(found))
        };
        let gathered = [all(x, inputs, &of_x)?, all(g, outputs, &of_g)?];
        sent.into_iter().for_each(|bytes| self.ranks().give_back(bytes));
        Ok(gathered)
    }
}

fn slices(all: &[Vec<u8>]) -> Vec<&[u8]> {
    all.iter().map(Vec::as_slice).collect()
}

/// A gradient of weights that was begun.
pub(super) enum Begun<'a> {
    /// All is done that is done here.
    Left(Leaving<'a>),
    /// Each is to have the whole input, and computes the rows of some outputs.
    Outputs(String, &'a Convolution, Exchange),
    /// Each is to have the whole batch.
    Whole(String, &'a Convolution, Exchange),
}
