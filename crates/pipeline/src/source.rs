//! The batches of a data set as the trainer asks for them.

use datasets::{Batch, BatchOptions, Dataset, Distortions, Mixing, Order};
use models::{Attack, Sharing};
use training::{BoxError, Source};

use crate::{
    Adversary, DatasetProfile, DeviceBatch, DeviceFeed, Error,
    batches::{some_batches, test_indices, training_options},
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
    /// How the network mixes batches.
    pub(crate) mixing: Mixing,
    /// Who shares them.
    pub(crate) sharing: Sharing,
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

    /// Which images of a training batch this process looks at: its own, and those that are mixed with them, which come before them.
    fn needs(&self) -> impl Fn(usize, usize) -> bool + Send + Sync + 'static {
        needs(self.sharing.clone(), !self.mixing.is_none())
    }
}

fn needs(sharing: Sharing, is_mixed: bool) -> impl Fn(usize, usize) -> bool + Send + Sync + 'static {
    move |at, images| {
        let own = sharing.own_images(images);
        own.contains(&at) || is_mixed && own.contains(&((at + 1) % images))
    }
}

impl Source for DatasetSource<'_> {
    type Batch = DeviceBatch;

    fn train(&self, epoch: usize, start: usize) -> impl Iterator<Item = Result<DeviceBatch, BoxError>> {
        let order = Order::Shuffled { seed: self.seed, epoch: epoch as u64 };
        let (train, options) =
            (&self.dataset.train, training_options(self.profile, order, self.distortions, start));
        match &self.resident {
            Some(resident) => {
                let batches = train.batches(BatchOptions { pixels: false, ..options });
                Box::new(batches.map(|batch| Ok(resident.train(batch?)?))) as DeviceBatches<'_, BoxError>
            }
            None => {
                let batches = train.batches_in_part(options, self.needs());
                self.fed(batches.map(|batch| Ok(batch?)), self.adversary.training.as_ref())
            }
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

#[cfg(test)]
mod tests {
    use ranks::Simulation;

    use super::*;

    #[test]
    fn each_rank_needs_its_own_images_and_those_that_are_mixed_with_them() {
        let needed = |images: usize, is_mixed: bool| {
            Simulation::new(3, 0).run(|ranks| {
                let needs = needs(Sharing::among(ranks), is_mixed);
                (0..images).filter(|&at| needs(at, images)).collect::<Vec<_>>()
            })
        };
        let [first, second, third] = [0..16, 16..48, 48..100].map(|own| own.collect::<Vec<_>>());
        assert_eq!(needed(100, false), [first.clone(), second.clone(), third.clone()]);
        let beside = [[first, vec![99]].concat(), [vec![15], second].concat(), [vec![47], third].concat()];
        assert_eq!(needed(100, true), beside);
        // Too few to be shared.
        assert_eq!(needed(20, false), [(); 3].map(|()| (0..20).collect::<Vec<_>>()));
    }
}
