//! What a network, and the average of its weights, give on the test images.

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

/// Evaluates the network, then its average.
///
/// # Errors
/// If an image cannot be read, or the network or a tensor operation fails.
pub(crate) fn evaluate<L: TrainableModel>(
    model: &mut L,
    average: Option<&Average>,
    source: &impl Source<Batch = L::Batch>,
) -> Result<Evaluated, Error> {
    let mut found = Evaluated::default();
    for batch in source.test() {
        let batch = batch.map_err(Error::Model)?;
        found.natural.add(&model.evaluate(&batch).map_err(Error::Model)?);
        if let Some(tally) = model.evaluate_attacked(&batch).map_err(Error::Model)? {
            found.attacked.get_or_insert_with(Tally::default).add(&tally);
        }
    }
    if let Some(average) = average {
        found.averaged = Some(of_average(model, average, source)?);
    }
    Ok(found)
}

/// The same network with the averaged weights, which are taken out again.
fn of_average<L: TrainableModel>(
    model: &mut L,
    average: &Average,
    source: &impl Source<Batch = L::Batch>,
) -> Result<Tally, Error> {
    let own = average.put_into(model.parameters().iter().chain(model.buffers()))?;
    model.weights_replaced();
    let mut tally = Tally::default();
    for batch in source.test() {
        let batch = batch.map_err(Error::Model)?;
        tally.add(&model.evaluate(&batch).map_err(Error::Model)?);
    }
    for (name, variable) in model.parameters().iter().chain(model.buffers()) {
        variable.set(&own[name])?;
    }
    model.weights_replaced();
    Ok(tally)
}
