//! The batches of a data set as the trainer asks for them.

use datasets::{Batch, Dataset, Distortions, Order};
use models::Attack;
use training::{BoxError, Source};

use crate::{
    Adversary, DatasetProfile, DeviceBatch, DeviceFeed, Error,
    batches::{some_batches, test_indices, training_batches},
    device_batch::{DeviceBatches, on_host},
    resident::ResidentSets,
};

/// The images of a run, on their way to the device.
#[derive(Debug)]
pub(crate) struct DatasetSource<'a> {
    /// The images.
    pub(crate) dataset: &'a Dataset,
    /// Batch size and workers.
    pub(crate) profile: &'a DatasetProfile,
    /// The seed of order and augmentation.
    pub(crate) seed: u64,
    /// Who changes images before the network sees them.
    pub(crate) adversary: Adversary,
    /// What else is done to training images.
    pub(crate) distortions: Distortions,
    /// The way to the device.
    pub(crate) feed: DeviceFeed,
    /// The images, if they are on the device already.
    pub(crate) resident: Option<ResidentSets>,
}

impl DatasetSource<'_> {
    /// Where batches with pixels go: those that an adversary changes stay with it.
    fn fed<'a>(
        &'a self,
        batches: impl Iterator<Item = Result<Batch, BoxError>> + 'a,
        attack: Option<&Attack>,
    ) -> DeviceBatches<'a, BoxError> {
        if attack.is_some() {
            return Box::new(on_host(batches));
        }
        self.feed.batches(batches).unwrap_or_else(|error: Error| Box::new(std::iter::once(Err(error.into()))))
    }
}

impl Source for DatasetSource<'_> {
    type Batch = DeviceBatch;

    fn train(&self, epoch: usize, start: usize) -> impl Iterator<Item = Result<DeviceBatch, BoxError>> {
        let (train, pixels) = (&self.dataset.train, self.resident.is_none());
        let order = Order::Shuffled { seed: self.seed, epoch: epoch as u64 };
        let batches = training_batches(train, self.profile, order, self.distortions, start, pixels);
        match &self.resident {
            Some(resident) => {
                Box::new(batches.map(|batch| Ok(resident.train(batch?)?))) as DeviceBatches<'_, BoxError>
            }
            None => self.fed(batches.map(|batch| Ok(batch?)), self.adversary.training.as_ref()),
        }
    }

    fn train_batches(&self) -> usize {
        self.dataset.train.len().div_ceil(self.profile.batch_size)
    }

    fn train_images(&self) -> usize {
        self.dataset.train.len()
    }

    fn test_images(&self) -> usize {
        self.dataset.test.len()
    }

    fn images_checksum(&self) -> u32 {
        self.dataset.checksum()
    }

    fn test(&self, first: usize, every: usize) -> impl Iterator<Item = Result<DeviceBatch, BoxError>> {
        let (test, size) = (&self.dataset.test, self.profile.batch_size);
        match &self.resident {
            Some(resident) => {
                let batches = test_indices(test, size).skip(first).step_by(every);
                Box::new(batches.map(|batch| Ok(resident.test(batch?)?))) as DeviceBatches<'_, BoxError>
            }
            None => {
                let batches = some_batches(test, size, self.profile.workers, [first, every]);
                self.fed(batches.map(|batch| Ok(batch?)), self.adversary.testing.as_ref())
            }
        }
    }
}
