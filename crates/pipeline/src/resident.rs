//! Images of a run that stay on the device that trains on them: of a batch only the choice of crops goes there.

use candle_core::Device;
use datasets::{Batch, Dataset, Distortions, ImageSet};
use kernels::device::ResidentImages;
use models::Backend;

use crate::{Adversary, DeviceBatch, Error, Session, memory::is_full};

/// Sets of more bytes go to the device batch by batch.
const MOST_BYTES: usize = 2 << 30;

/// Both sets of a run on its device.
#[derive(Debug)]
pub(crate) struct ResidentSets {
    train: ResidentImages,
    test: ResidentImages,
}

/// Whether somebody changes pixels on their way to the network, so that they cannot stay on its device.
pub(crate) fn are_changed(adversary: &Adversary, distortions: &Distortions) -> bool {
    adversary.attacks().next().is_some() || !distortions.is_none()
}

impl ResidentSets {
    /// The sets on a device other than the CPU's own engine, if they are bytes in memory and not too many. Where the device's memory does not hold them that is said, and they stay where they are.
    ///
    /// # Errors
    /// If the device fails otherwise.
    pub(crate) fn from_dataset(dataset: &Dataset, session: &Session) -> candle_core::Result<Option<Self>> {
        let Backend::Candle { device, .. } = &session.backend else { return Ok(None) };
        match (dataset.train.all_bytes(), dataset.test.all_bytes()) {
            (Some(train), Some(test)) if train.len() + test.len() <= MOST_BYTES => {
                let both = || {
                    let train = resident(&dataset.train, train, device)?;
                    Ok(Self { train, test: resident(&dataset.test, test, device)? })
                };
                unless_full(both(), train.len() + test.len(), |note| session.progress.note(note))
            }
            _ => Ok(None),
        }
    }

    /// A batch of training images that came without pixels.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn train(&self, batch: Batch) -> Result<DeviceBatch, Error> {
        gather(&self.train, batch)
    }

    /// The same of test images.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn test(&self, batch: Batch) -> Result<DeviceBatch, Error> {
        gather(&self.test, batch)
    }
}

/// What a device holds; nothing, with a note, if its memory was full.
fn unless_full<T>(
    held: candle_core::Result<T>,
    bytes: usize,
    note: impl FnOnce(&str),
) -> candle_core::Result<Option<T>> {
    match held {
        Err(error) if is_full(&error.to_string()) => {
            let megabytes = bytes.div_ceil(1 << 20);
            note(&format!(
                "the GPU's memory does not hold the {megabytes} MB of images; they go to it batch by batch"
            ));
            Ok(None)
        }
        held => held.map(Some),
    }
}

fn resident(set: &ImageSet, bytes: &[u8], device: &Device) -> candle_core::Result<ResidentImages> {
    let shape = set.shape();
    ResidentImages::new(bytes, [shape.channels, shape.height, shape.width], device)
}

fn gather(images: &ResidentImages, batch: Batch) -> Result<DeviceBatch, Error> {
    let small = |numbers: Vec<usize>| numbers.into_iter().map(|number| number as u32).collect::<Vec<_>>();
    let rows = batch.views.iter().flat_map(|view| view.rows(batch.shape.height)).collect();
    let columns = batch.views.iter().flat_map(|view| view.columns(batch.shape.width)).collect();
    let images = images.gather(&small(batch.indices), &small(rows), &small(columns))?;
    Ok(DeviceBatch { images, labels: batch.labels })
}

#[cfg(test)]
mod tests {
    use datasets::{Augmentation, BatchOptions, ImageShape, Order};

    use super::*;

    #[test]
    fn batches_are_the_hosts_bit_for_bit() -> anyhow::Result<()> {
        let shape = ImageShape { channels: 3, height: 9, width: 7 };
        let bytes: Vec<u8> = (0..20 * shape.len()).map(|at| (at * at % 251) as u8).collect();
        let set = ImageSet::new(bytes.clone(), vec![0; 20], ["a".to_owned()].into(), shape)?;
        let on_device = resident(&set, &bytes, &Device::Cpu)?;
        let options = BatchOptions {
            batch_size: 8,
            order: Order::Shuffled { seed: 3, epoch: 1 },
            augmentation: Some(Augmentation::default()),
            ..BatchOptions::default()
        };
        let without = set.batches(BatchOptions { pixels: false, ..options });
        for (with, without) in set.batches(options).zip(without) {
            let (with, without) = (with?, without?);
            assert!(without.images.is_empty() && without.labels == with.labels);
            let gathered = gather(&on_device, without)?;
            assert_eq!(gathered.images.flatten_all()?.to_vec1::<f32>()?, with.images);
            assert_eq!(gathered.labels, with.labels);
        }
        Ok(())
    }

    #[test]
    fn images_that_a_device_does_not_hold_stay_where_they_are() {
        let said = std::cell::RefCell::default();
        let held = |outcome: candle_core::Result<u8>| {
            unless_full(outcome, 5 << 20, |note| said.replace(note.to_owned()).clear())
        };
        let failed = |words: &str| Err(candle_core::Error::Msg(words.to_owned()));
        assert!(matches!(held(Ok(1)), Ok(Some(1))) && said.borrow().is_empty());
        assert!(held(failed("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)")).is_err() && said.borrow().is_empty());
        assert!(matches!(held(failed("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")")), Ok(None)));
        assert!(said.borrow().contains("5 MB of images"), "{}", said.borrow());
    }
}
