//! What a measure is, to the loop that runs it.

use candle_core::{Device, Tensor};
use datasets::{Batch, Order};
use evaluation::predictions;
use models::Frozen;
use pipeline::out_of_memory;
use ranks::Wire;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::findings::Findings;
use crate::Error;

/// A definition of what is measured of a network on images.
///
/// Of every batch so many steps are computed, and what they find is added to sums, in the order of batches and steps; a row is made of
/// the sums of all batches. Sums are written to disk, so a measurement can be stopped after any step. Finding and adding are two
/// functions, for steps may be found on other ranks, and in any order. What is random follows from a seed and an image's place in
/// its set: neither the sizes of batches nor the number of threads or ranks change it.
pub trait Measure {
    /// What commands, folders and files call it.
    const NAME: &'static str;
    /// What is kept between steps. Lists have the same lengths at any time; what the first batch makes known is null before.
    type Sums: Serialize + DeserializeOwned;
    /// What a step finds in a batch: small enough to be sent, and by image where sums depend on their order.
    type Found: Wire;
    /// What is found of a network.
    type Row: Serialize + DeserializeOwned;

    /// All that the numbers depend on beside images and network, as results have it.
    fn settings(&self) -> Value;

    /// Steps of a batch.
    fn steps(&self) -> usize {
        1
    }

    /// How often the images are gone through, and the steps of each batch then.
    fn passes(&self) -> Vec<usize> {
        vec![self.steps()]
    }

    /// What is made of the sums before the images are gone through again.
    fn next_pass(&self, _sums: &mut Self::Sums) {}

    /// In which order the images are gone through.
    fn order(&self, _pass: usize) -> Order {
        Order::Sequential
    }

    /// Whether ranks share a pass: it has the usual order, and no step that depends on what others of it have found.
    fn is_shared(&self, _pass: usize) -> bool {
        true
    }

    /// Whether no further batch of this pass adds anything.
    fn is_known(&self, _sums: &Self::Sums) -> bool {
        false
    }

    /// Sums of nothing.
    fn start(&self) -> Self::Sums;

    /// What a step finds in a batch. Of the sums only what [`Measure::start`] and [`Measure::next_pass`] made of them is known: the rest
    /// depends on the rank.
    ///
    /// # Errors
    /// If the batch does not suit the network, or the network gives no numbers.
    fn find(
        &self,
        network: &Frozen,
        batch: &Batch,
        step: usize,
        sums: &Self::Sums,
    ) -> Result<Self::Found, Error>;

    /// Adds what a step has found in a batch, which is without its pixels.
    fn add(&self, batch: &Batch, step: usize, found: Self::Found, sums: &mut Self::Sums);

    /// The row of all batches; `what` names the network in errors.
    ///
    /// # Errors
    /// If nothing could be measured.
    fn row(&self, sums: Self::Sums, what: &str) -> Result<Self::Row, Error>;

    /// The columns of [`Measure::line`].
    fn head(&self) -> String;

    /// A row in short, for people.
    fn line(&self, row: &Self::Row) -> String;

    /// What is written of all rows; `epochs` say which each is of, `subject` what all are of.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    fn findings(&self, rows: &[&Self::Row], epochs: &[usize], subject: &str) -> Result<Findings, Error>;
}

/// Pixels of a batch's shape as networks take them.
pub(crate) fn tensor(batch: &Batch, pixels: Vec<f32>) -> Result<Tensor, Error> {
    let shape = batch.shape;
    let dims = (batch.len(), shape.channels, shape.height, shape.width);
    Ok(Tensor::from_vec(pixels, dims, &Device::Cpu)?)
}

/// (images, classes), row by row, of a batch whose pixels may have been changed.
pub(crate) fn logits(network: &Frozen, batch: &Batch, pixels: Vec<f32>) -> Result<Vec<f32>, Error> {
    let logits = network.logits(&tensor(batch, pixels)?);
    Ok(logits.map_err(|error| out_of_memory(error, batch.len()))?.flatten_all()?.to_vec1()?)
}

/// Which class the network takes each image of a batch for, whose pixels may have been changed.
pub(crate) fn guesses(network: &Frozen, batch: &Batch, pixels: Vec<f32>) -> Result<Vec<u32>, Error> {
    Ok(predictions(&logits(network, batch, pixels)?, network.classes())?)
}

/// How many guesses are wrong.
pub(crate) fn labels_differ(guesses: &[u32], labels: &[u32]) -> u64 {
    guesses.iter().zip(labels).filter(|(guess, label)| guess != label).count() as u64
}
