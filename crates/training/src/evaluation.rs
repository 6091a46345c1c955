//! What a network, and the average of its weights, give on the test images, which processes may share.

use std::sync::atomic::{AtomicBool, Ordering};

use ranks::{Ranks, Wire};

use crate::{Error, Source, Tally, TrainableModel, average::Average};

/// What the test images gave.
#[derive(Debug, Default)]
pub(crate) struct Evaluated {
    pub(crate) natural: Tally,
    /// As an adversary changed them, if one does.
    pub(crate) attacked: Option<Tally>,
    /// With the averaged weights, if there are any.
    pub(crate) averaged: Option<Tally>,
}

/// Who evaluates, and what stops it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluators<'a> {
    pub(crate) ranks: &'a Ranks,
    pub(crate) interrupt: &'a AtomicBool,
}

/// Evaluates the network, then its average; nothing once `interrupt` is set on any rank, which is looked at before each batch.
///
/// # Errors
/// If an image cannot be read, the network or a tensor operation fails, or another rank does.
pub(crate) fn evaluate<L: TrainableModel>(
    model: &mut L,
    average: Option<&Average>,
    source: &impl Source<Batch = L::Batch>,
    evaluators: Evaluators<'_>,
) -> Result<Option<Evaluated>, Error> {
    let mut found = Evaluated::default();
    let is_whole = evaluators.each(
        source,
        |batch: &L::Batch| {
            let natural = model.evaluate(batch).map_err(Error::Model)?;
            Ok((natural, model.evaluate_attacked(batch).map_err(Error::Model)?))
        },
        |(natural, attacked)| {
            found.natural.add(&natural);
            if let Some(tally) = attacked {
                found.attacked.get_or_insert_with(Tally::default).add(&tally);
            }
        },
    )?;
    if !is_whole {
        return Ok(None);
    }
    if let Some(average) = average {
        let Some(averaged) = of_average(model, average, source, evaluators)? else { return Ok(None) };
        found.averaged = Some(averaged);
    }
    Ok(Some(found))
}

/// The same network with the averaged weights, which are taken out again, whatever happens.
fn of_average<L: TrainableModel>(
    model: &mut L,
    average: &Average,
    source: &impl Source<Batch = L::Batch>,
    evaluators: Evaluators<'_>,
) -> Result<Option<Tally>, Error> {
    let own = average.put_into(model.parameters().iter().chain(model.buffers()))?;
    model.weights_replaced();
    let mut tally = Tally::default();
    let is_whole = evaluators.each(
        source,
        |batch: &L::Batch| model.evaluate(batch).map_err(Error::Model),
        |found| tally.add(&found),
    );
    for (name, variable) in model.parameters().iter().chain(model.buffers()) {
        variable.set(&own[name])?;
    }
    model.weights_replaced();
    Ok(is_whole?.then_some(tally))
}

impl Evaluators<'_> {
    /// What `compute` makes of each batch, in the order of batches, on every rank; false if one of them was interrupted before the last.
    fn each<B, T: Wire>(
        self,
        source: &impl Source<Batch = B>,
        mut compute: impl FnMut(&B) -> Result<T, Error>,
        mut add: impl FnMut(T),
    ) -> Result<bool, Error> {
        let ranks = self.ranks;
        let mut batches = source.test(ranks.rank(), ranks.size());
        loop {
            if ranks.any(self.interrupt.load(Ordering::SeqCst))? {
                return Ok(false);
            }
            let own = batches.next().map(|batch| compute(&batch.map_err(Error::Model)?)).transpose()?;
            let mut is_last = own.is_none();
            for found in ranks.exchange_values(own)? {
                is_last |= found.is_none();
                found.into_iter().for_each(&mut add);
            }
            if is_last {
                return Ok(true);
            }
        }
    }
}
