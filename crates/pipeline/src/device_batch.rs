//! Batches on the device that runs the networks: one is under way while the one before it is computed.

use std::cell::RefCell;

use candle_core::{Device, Tensor};
use datasets::Batch;
use kernels::device::Uploads;
use models::Backend;

use crate::{Error, out_of_memory};

/// A batch as networks take it, on their device.
#[derive(Debug)]
pub struct DeviceBatch {
    /// Pixels in [0, 1], (B, C, H, W).
    pub images: Tensor,
    /// Class number of each image.
    pub labels: Vec<u32>,
}

impl DeviceBatch {
    /// A batch in the host's memory.
    ///
    /// # Errors
    /// If it is not as long as its shape says.
    pub fn on_host(batch: Batch) -> Result<Self, Error> {
        let dims = dims(&batch);
        Ok(Self { images: Tensor::from_vec(batch.images, dims, &Device::Cpu)?, labels: batch.labels })
    }

    /// Number of images B.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

fn dims(batch: &Batch) -> (usize, usize, usize, usize) {
    let shape = batch.shape;
    (batch.len(), shape.channels, shape.height, shape.width)
}

/// Batches in the host's memory, for the CPU's own engine and for who changes them first.
pub fn on_host<'a, E: From<Error>>(
    batches: impl Iterator<Item = Result<Batch, E>> + 'a,
) -> impl Iterator<Item = Result<DeviceBatch, E>> + 'a {
    batches.map(|batch| Ok(DeviceBatch::on_host(batch?)?))
}

/// Batches on their way; an error comes in the place of the batch that it is of.
pub type DeviceBatches<'a, E> = Box<dyn Iterator<Item = Result<DeviceBatch, E>> + 'a>;

/// The way to a device.
#[derive(Debug, Default)]
pub struct DeviceFeed {
    /// None for the CPU's own engine, which takes images where they are.
    device: Option<Device>,
    /// Its buffers, while no batches are under way.
    idle: RefCell<Option<Uploads>>,
}

impl DeviceFeed {
    /// The way to the device of a backend.
    pub fn to(backend: &Backend) -> Self {
        let device = match backend {
            Backend::Cpu(_) => None,
            Backend::Candle { device, .. } => Some(device.clone()),
        };
        Self { device, idle: RefCell::default() }
    }

    /// The same batches in the same order, where the networks run. Of a device's, each is under way while the one before it is
    /// computed; an error comes after the batches before it.
    ///
    /// # Errors
    /// If the device has no room for buffers.
    pub fn batches<'a, E: From<Error> + 'a>(
        &'a self,
        batches: impl Iterator<Item = Result<Batch, E>> + 'a,
    ) -> Result<DeviceBatches<'a, E>, Error> {
        let Some(device) = &self.device else { return Ok(Box::new(on_host(batches))) };
        let uploads = match self.idle.take() {
            Some(uploads) => uploads,
            None => Uploads::new(device)?,
        };
        let buffers = BorrowedBuffers { uploads: Some(uploads), feed: self };
        Ok(Box::new(Prefetching { batches, buffers, next_batch: InFlight::Nothing }))
    }
}

/// Buffers that go back where they came from.
struct BorrowedBuffers<'a> {
    /// Always there until it is dropped.
    uploads: Option<Uploads>,
    feed: &'a DeviceFeed,
}

impl BorrowedBuffers<'_> {
    fn uploads(&mut self) -> &mut Uploads {
        self.uploads.as_mut().expect("buffers are given back last")
    }
}

impl Drop for BorrowedBuffers<'_> {
    fn drop(&mut self) {
        if let Some(mut uploads) = self.uploads.take() {
            uploads.discard();
            self.feed.idle.replace(Some(uploads));
        }
    }
}

/// What follows the batch that is computed.
enum InFlight<E> {
    /// Nobody has asked for a batch yet.
    Nothing,
    /// A batch with these labels is under way, or did not get there.
    Batch(Result<Vec<u32>, E>),
    /// There is none.
    End,
}

struct Prefetching<'a, I, E> {
    batches: I,
    buffers: BorrowedBuffers<'a>,
    next_batch: InFlight<E>,
}

impl<I: Iterator<Item = Result<Batch, E>>, E: From<Error>> Prefetching<'_, I, E> {
    fn begin(&mut self) -> InFlight<E> {
        let batch = match self.batches.next() {
            None => return InFlight::End,
            Some(Err(error)) => return InFlight::Batch(Err(error)),
            Some(Ok(batch)) => batch,
        };
        let next_batch = self.buffers.uploads().begin(&batch.images, dims(&batch));
        let next_batch = next_batch.map_err(|error| out_of_memory(error.into(), batch.len()).into());
        InFlight::Batch(next_batch.map(|()| batch.labels))
    }

    fn take(&mut self, labels: Vec<u32>) -> Result<DeviceBatch, E> {
        let images = self.buffers.uploads().take();
        let images = images.map_err(|error| out_of_memory(error.into(), labels.len()))?;
        Ok(DeviceBatch { images, labels })
    }
}

impl<I: Iterator<Item = Result<Batch, E>>, E: From<Error>> Iterator for Prefetching<'_, I, E> {
    type Item = Result<DeviceBatch, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let InFlight::Nothing = self.next_batch {
            self.next_batch = self.begin();
        }
        let InFlight::Batch(next_batch) = std::mem::replace(&mut self.next_batch, InFlight::End) else {
            return None;
        };
        let taken = next_batch.and_then(|labels| self.take(labels));
        if taken.is_ok() {
            self.next_batch = self.begin();
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use datasets::{BatchOptions, ImageSet, ImageShape};

    use super::*;

    fn set() -> anyhow::Result<ImageSet> {
        let shape = ImageShape { channels: 3, height: 5, width: 4 };
        let bytes: Vec<u8> = (0..11 * shape.len()).map(|at| (at * at % 251) as u8).collect();
        let labels = (0..11).map(|label| label % 2).collect();
        Ok(ImageSet::new(bytes, labels, ["a".to_owned(), "b".to_owned()].into(), shape)?)
    }

    fn batches(set: &ImageSet) -> impl Iterator<Item = anyhow::Result<Batch>> + use<> {
        let options = BatchOptions { batch_size: 4, ..BatchOptions::default() };
        set.batches(options).map(|batch| Ok(batch?))
    }

    fn numbers(fed: &DeviceBatch) -> candle_core::Result<Vec<f32>> {
        fed.images.flatten_all()?.to_vec1()
    }

    #[test]
    fn batches_arrive_as_they_are() -> anyhow::Result<()> {
        let set = set()?;
        for backend in [Backend::default(), Backend::candle_cpu()] {
            let feed = DeviceFeed::to(&backend);
            // Those of an earlier time that was broken off are not mixed in.
            feed.batches(batches(&set))?.next().expect("a batch")?;
            let fed: Vec<DeviceBatch> = feed.batches(batches(&set))?.collect::<anyhow::Result<_>>()?;
            assert_eq!(fed.iter().map(DeviceBatch::len).collect::<Vec<_>>(), [4, 4, 3]);
            for (fed, batch) in fed.iter().zip(batches(&set)) {
                let batch = batch?;
                assert_eq!(fed.images.dims(), [batch.len(), 3, 5, 4]);
                assert_eq!((numbers(fed)?, &fed.labels), (batch.images, &batch.labels), "{backend}");
            }
        }
        Ok(())
    }

    #[test]
    fn one_batch_is_under_way_while_another_is_computed() -> anyhow::Result<()> {
        let (set, feed, next_batch) = (set()?, DeviceFeed::to(&Backend::candle_cpu()), Cell::new(0));
        let mut fed = feed.batches(batches(&set).inspect(|_| next_batch.set(next_batch.get() + 1)))?;
        assert_eq!(next_batch.get(), 0, "nothing is read that nobody asked for");
        for expected in [2, 3, 3] {
            fed.next().expect("a batch")?;
            assert_eq!(next_batch.get(), expected);
        }
        assert!(fed.next().is_none() && fed.next().is_none());
        Ok(())
    }

    #[test]
    fn an_error_comes_after_the_batches_before_it() -> anyhow::Result<()> {
        let (set, feed) = (set()?, DeviceFeed::to(&Backend::candle_cpu()));
        let broken = batches(&set).take(2).chain([Err(anyhow::anyhow!("a damaged image"))]);
        let fed: Vec<anyhow::Result<DeviceBatch>> = feed.batches(broken)?.collect();
        assert_eq!(fed.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
        assert!(fed[2].as_ref().is_err_and(|error| error.to_string() == "a damaged image"));
        Ok(())
    }
}
