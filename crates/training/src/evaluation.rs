//! What a network, and the average of its weights, give on the test images.

use std::sync::atomic::{AtomicBool, Ordering};

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

/// Evaluates the network, then its average; nothing once `interrupt` is set, which is looked at before each batch.
///
/// # Errors
/// If an image cannot be read, or the network or a tensor operation fails.
pub(crate) fn evaluate<L: TrainableModel>(
    model: &mut L,
    average: Option<&Average>,
    source: &impl Source<Batch = L::Batch>,
    interrupt: &AtomicBool,
) -> Result<Option<Evaluated>, Error> {
    let mut found = Evaluated::default();
    for batch in source.test() {
        if interrupt.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let batch = batch.map_err(Error::Model)?;
        found.natural.add(&model.evaluate(&batch).map_err(Error::Model)?);
        if let Some(tally) = model.evaluate_attacked(&batch).map_err(Error::Model)? {
            found.attacked.get_or_insert_with(Tally::default).add(&tally);
        }
    }
    if let Some(average) = average {
        let Some(averaged) = of_average(model, average, source, interrupt)? else { return Ok(None) };
        found.averaged = Some(averaged);
    }
    Ok(Some(found))
}

/// The same network with the averaged weights, which are taken out again, whatever happens.
fn of_average<L: TrainableModel>(
    model: &mut L,
    average: &Average,
    source: &impl Source<Batch = L::Batch>,
    interrupt: &AtomicBool,
) -> Result<Option<Tally>, Error> {
    let own = average.put_into(model.parameters().iter().chain(model.buffers()))?;
    model.weights_replaced();
    let tally = of_all(model, source, interrupt);
    for (name, variable) in model.parameters().iter().chain(model.buffers()) {
        variable.set(&own[name])?;
    }
    model.weights_replaced();
    tally
}

fn of_all<L: TrainableModel>(
    model: &mut L,
    source: &impl Source<Batch = L::Batch>,
    interrupt: &AtomicBool,
) -> Result<Option<Tally>, Error> {
    let mut tally = Tally::default();
    for batch in source.test() {
        if interrupt.load(Ordering::SeqCst) {
            return Ok(None);
        }
        tally.add(&model.evaluate(&batch.map_err(Error::Model)?).map_err(Error::Model)?);
    }
    Ok(Some(tally))
}
