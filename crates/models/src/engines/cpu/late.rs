//! Gradients of parameters that are sums over a batch which processes share: they travel while the backward pass goes on.

use std::collections::BTreeMap;

use kernels::blocked::Arena;
use ranks::Exchange;

use super::leaving::{Leaving, Named};
use crate::{
    error::Error,
    sharing::{self, Share},
};

/// Bytes of all processes that make a message worth its way.
const BUCKET: usize = 8 << 20;

/// The gradients of the parameters of a pass. What other processes add to them is asked for at the end of the pass; until then it travels
/// in buckets: messages for as many gradients as make a large one.
pub(super) struct Late<'a> {
    share: Option<&'a Share<'a>>,
    arena: &'a Arena,
    /// Those that nobody adds to.
    found: Found,
    buckets: Vec<Bucket<'a>>,
    bytes: Vec<u8>,
    /// Bytes of the last bucket, of all processes: whether it is full must be the same for all.
    length: usize,
}

/// Gradients in the order in which steps left them, and the message that most of them are part of.
#[derive(Default)]
struct Bucket<'a> {
    leavings: Vec<Leaving<'a>>,
    exchange: Option<Exchange>,
}

/// The gradients of parameters so far.
#[derive(Debug, Default)]
struct Found(BTreeMap<String, Vec<f32>>);

impl Found {
    /// Keeps the gradient of a parameter, or adds it to what another step that reads the parameter has left.
    fn add(&mut self, gradients: Named) {
        for (name, gradient) in gradients {
            match self.0.get_mut(&name) {
                Some(sum) => sum.iter_mut().zip(gradient).for_each(|(sum, more)| *sum += more),
                None => drop(self.0.insert(name, gradient)),
            }
        }
    }
}

impl<'a> Late<'a> {
    /// None yet.
    pub(super) fn new(share: Option<&'a Share<'a>>, arena: &'a Arena) -> Self {
        let (found, buckets) = (Found::default(), vec![Bucket::default()]);
        Self { share, arena, found, buckets, bytes: Vec::new(), length: 0 }
    }

    /// Takes what a step leaves; what others need of it is sent once there is enough of it.
    pub(super) fn leave(&mut self, leaving: Leaving<'a>) -> Result<(), Error> {
        let Some(share) = self.share else {
            self.found.add(alone(leaving, self.arena));
            return Ok(());
        };
        let length: usize = share.lengths(&leaving).iter().sum();
        if self.bytes.capacity() == 0 {
            self.bytes = share.ranks().buffer(length.max(BUCKET) + 1);
        }
        append(&leaving, &mut self.bytes);
        self.length += length;
        self.last().leavings.push(leaving);
        if self.length >= BUCKET { self.send() } else { Ok(()) }
    }

    fn last(&mut self) -> &mut Bucket<'a> {
        if self.buckets.last().is_none_or(|bucket| bucket.exchange.is_some()) {
            self.buckets.push(Bucket::default());
        }
        let last = self.buckets.len() - 1;
        &mut self.buckets[last]
    }

    fn send(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(share) = self.share.filter(|_| self.length > 0) {
            self.length = 0;
            self.last().exchange = Some(share.ranks().begin(bytes)?);
        }
        Ok(())
    }

    /// The gradients by name, once the others' parts of them are here.
    pub(super) fn finish(mut self) -> Result<BTreeMap<String, Vec<f32>>, Error> {
        self.send()?;
        let mut found = self.found;
        for Bucket { leavings, exchange } in self.buckets {
            let Some((share, exchange)) = self.share.zip(exchange) else {
                leavings.into_iter().for_each(|leaving| found.add(alone(leaving, self.arena)));
                continue;
            };
            let sent = share.ranks().end_exchange(exchange)?;
            let (mut places, here) = (vec![0; sent.len()], share.ranks().rank());
            for leaving in leavings {
                let lengths = share.lengths(&leaving);
                let mut parts = Vec::new();
                for (rank, (bytes, length)) in sent.iter().zip(lengths).enumerate() {
                    let range = places[rank]..places[rank] + length;
                    places[rank] = range.end;
                    // Of this process there are none: it has the numbers.
                    let part = if rank == here { Some(&[][..]) } else { bytes.get(range) };
                    parts.push(part.ok_or_else(|| share.misfit(bytes.len()))?);
                }
                found.add(joined(leaving, &parts, share, self.arena)?);
            }
            sent.into_iter().for_each(|bytes| share.ranks().give_back(bytes));
        }
        Ok(found.0)
    }
}

/// The bytes that others need of what is here.
fn append(leaving: &Leaving<'_>, bytes: &mut Vec<u8>) {
    match leaving {
        Leaving::Whole(_) => {}
        Leaving::Sums(sums, _) | Leaving::OneEach(sums, _) => {
            sharing::append(sums.values(), f64::to_le_bytes, bytes);
        }
        Leaving::Parts { own, .. } => own.iter().for_each(|sums| sums.append_to(bytes)),
        Leaving::Rows { own, .. } => sharing::append(own, f32::to_le_bytes, bytes),
    }
}

/// Gradients for a process that has the whole batch.
fn alone(leaving: Leaving<'_>, arena: &Arena) -> Named {
    match leaving {
        Leaving::Whole(gradients) => gradients,
        Leaving::Sums(sums, made) | Leaving::OneEach(sums, made) => made(&sums),
        Leaving::Parts { name, convolution, own, .. } => {
            vec![(name, convolution.weight_gradient_of_parts(own, arena))]
        }
        Leaving::Rows { name, own, .. } => vec![(name, own)],
    }
}

/// Gradients for the whole batch, from what is here and what others have sent.
fn joined(leaving: Leaving<'_>, sent: &[&[u8]], share: &Share<'_>, arena: &Arena) -> Result<Named, Error> {
    Ok(match leaving {
        Leaving::Whole(gradients) => gradients,
        Leaving::Sums(own, made) | Leaving::OneEach(own, made) => made(&share.all_sums(&own, sent)),
        Leaving::Parts { name, convolution, own, counts } => {
            let all = share.all_parts(own, sent, &counts, arena)?;
            vec![(name, convolution.weight_gradient_of_parts(all, arena))]
        }
        Leaving::Rows { name, own, .. } => vec![(name, share.all_rows(&own, sent))],
    })
}
