//! Parts of the work, dealt to ranks and added in order.

use std::{collections::VecDeque, ops::Range};

use crate::{Error, Ranks, Wire};

/// How many of its own runs of parts rank 0 computes ahead while those of others are not there yet.
const AHEAD: usize = 8;

/// Parts of the work, and who shares it. They are dealt in runs of `run` neighbours: part p falls to rank ⌊p / run⌋ modulo their number.
#[derive(Debug, Clone)]
pub struct Dealt<'a> {
    /// Who shares it.
    pub ranks: &'a Ranks,
    /// The parts.
    pub parts: Range<usize>,
    /// How many neighbours stay together; 0 counts as 1.
    pub run: usize,
}

impl Dealt<'_> {
    /// The rank that a part falls to.
    pub fn owner(&self, part: usize) -> usize {
        part / self.run.max(1) % self.ranks.size()
    }

    /// The parts of this rank, in order.
    pub fn own(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.parts.clone().filter(|&part| self.owner(part) == self.ranks.rank())
    }
}

/// Computes each part on the rank that it falls to, and adds what was found, on rank 0, in the order of the parts. Whatever `add` makes of
/// them has the same bits for any number of ranks.
///
/// `compute` is called with this rank's parts in order. On one rank every part is added before the next one is computed; on several,
/// rank 0 may be some of its own parts ahead, and is so only while others' are missing.
///
/// # Errors
/// Those of `compute` and `add`, and of messages. On rank 0 the others are not told: see [`Ranks::end`].
pub fn in_order<T: Wire, E: From<Error>>(
    dealt: &Dealt<'_>,
    mut compute: impl FnMut(usize) -> Result<T, E>,
    mut add: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let (ranks, mut own) = (dealt.ranks, dealt.own());
    if !ranks.is_first() {
        return own.try_for_each(|part| {
            // Whatever rank 0 says now, it is not to go on.
            if ranks.poll::<()>(0)?.is_some() {
                return Err(Error::Ended.into());
            }
            Ok(ranks.send(0, &compute(part)?)?)
        });
    }
    let mut ahead = VecDeque::new();
    for part in dealt.parts.clone() {
        let from = dealt.owner(part);
        let found = if from == 0 {
            match ahead.pop_front() {
                Some(found) => found,
                None => compute(own.next().unwrap_or(part))?,
            }
        } else {
            of_other(ranks, from, || {
                let next = if ahead.len() < AHEAD * dealt.run.max(1) { own.next() } else { None };
                next.map(|part| compute(part).map(|found| ahead.push_back(found))).transpose()
            })?
        };
        add(part, found)?;
    }
    Ok(())
}

/// What another rank found. Until it is there, `meanwhile` does something, as long as there is anything to do.
fn of_other<T: Wire, E: From<Error>>(
    ranks: &Ranks,
    from: usize,
    mut meanwhile: impl FnMut() -> Result<Option<()>, E>,
) -> Result<T, E> {
    loop {
        if let Some(found) = ranks.poll(from)? {
            return Ok(found);
        }
        if meanwhile()?.is_none() {
            return Ok(ranks.receive(from)?);
        }
    }
}
