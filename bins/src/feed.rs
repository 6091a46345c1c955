//! How images get to the device that runs the networks: a batch ahead of the one that is computed.

use std::cell::RefCell;

use candle_core::{Device, Tensor};
use datasets::Batch;
use kernels::device::Uploads;
use models::Backend;

use crate::backend::explained;

/// A batch as networks take it.
#[derive(Debug)]
pub(crate) struct Fed {
    /// Pixels in [0, 1], (B, C, H, W).
    pub images: Tensor,
    /// Class number of each image.
    pub labels: Vec<u32>,
}

impl Fed {
    /// A batch in the host's memory.
    ///
    /// # Errors
    /// If it is not as long as its shape says.
    pub(crate) fn on_host(batch: Batch) -> candle_core::Result<Self> {
        let dims = dims(&batch);
        Ok(Self { images: Tensor::from_vec(batch.images, dims, &Device::Cpu)?, labels: batch.labels })
    }

    /// Number of images B.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }
}

fn dims(batch: &Batch) -> (usize, usize, usize, usize) {
    let shape = batch.shape;
    (batch.len(), shape.channels, shape.height, shape.width)
}

/// Batches in the host's memory, for the CPU's own engine and for who changes them first.
pub(crate) fn on_host<'a, E: From<candle_core::Error>>(
    batches: impl Iterator<Item = Result<Batch, E>> + 'a,
) -> impl Iterator<Item = Result<Fed, E>> + 'a {
    batches.map(|batch| Ok(Fed::on_host(batch?)?))
}

/// The way to a device.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// None for the CPU's own engine, which takes images where they are.
    device: Option<Device>,
    /// Its buffers, while no batches are under way.
    idle: RefCell<Option<Uploads>>,
}

impl Feed {
    /// The way to the device of a backend.
    pub(crate) fn to(backend: &Backend) -> Self {
        let device = match backend {
            Backend::Blocked(_) => None,
            Backend::Tensors { device, .. } => Some(device.clone()),
        };
        Self { device, idle: RefCell::default() }
    }

    /// The same batches in the same order, where the networks run. Of a device's, each is under way while the one before it is
    /// computed; an error comes after the batches before it.
    ///
    /// # Errors
    /// If the device has no room for buffers.
    pub(crate) fn batches<'a, E: From<candle_core::Error> + 'a>(
        &'a self,
        batches: impl Iterator<Item = Result<Batch, E>> + 'a,
    ) -> candle_core::Result<Box<dyn Iterator<Item = Result<Fed, E>> + 'a>> {
        let Some(device) = &self.device else { return Ok(Box::new(on_host(batches))) };
        let uploads = match self.idle.take() {
            Some(uploads) => uploads,
            None => Uploads::new(device)?,
        };
        let lent = Lent { uploads: Some(uploads), feed: self };
        Ok(Box::new(Ahead { batches, lent, begun: Begun::Nothing }))
    }
}

/// Buffers that go back where they came from.
struct Lent<'a> {
    /// Always there until it is dropped.
    uploads: Option<Uploads>,
    feed: &'a Feed,
}

impl Lent<'_> {
    fn uploads(&mut self) -> &mut Uploads {
        self.uploads.as_mut().expect("buffers are given back last")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(mut uploads) = self.uploads.take() {
            uploads.discard();
            self.feed.idle.replace(Some(uploads));
        }
    }
}

/// What follows the batch that is computed.
enum Begun<E> {
    /// Nobody has asked for a batch yet.
    Nothing,
    /// A batch with these labels is under way, or did not get there.
    Batch(Result<Vec<u32>, E>),
    /// There is none.
    End,
}

struct Ahead<'a, I, E> {
    batches: I,
    lent: Lent<'a>,
    begun: Begun<E>,
}

impl<I: Iterator<Item = Result<Batch, E>>, E: From<candle_core::Error>> Ahead<'_, I, E> {
    fn begin(&mut self) -> Begun<E> {
        let batch = match self.batches.next() {
            None => return Begun::End,
            Some(Err(error)) => return Begun::Batch(Err(error)),
            Some(Ok(batch)) => batch,
        };
        let begun = self.lent.uploads().begin(&batch.images, dims(&batch));
        let begun = begun.map_err(|error| explained(error.into(), batch.len()).into());
        Begun::Batch(begun.map(|()| batch.labels))
    }

    fn take(&mut self, labels: Vec<u32>) -> Result<Fed, E> {
        let images = self.lent.uploads().take();
        let images = images.map_err(|error| explained(error.into(), labels.len()))?;
        Ok(Fed { images, labels })
    }
}

impl<I: Iterator<Item = Result<Batch, E>>, E: From<candle_core::Error>> Iterator for Ahead<'_, I, E> {
    type Item = Result<Fed, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Begun::Nothing = self.begun {
            self.begun = self.begin();
        }
        let Begun::Batch(begun) = std::mem::replace(&mut self.begun, Begun::End) else { return None };
        let taken = begun.and_then(|labels| self.take(labels));
        if taken.is_ok() {
            self.begun = self.begin();
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

    fn numbers(fed: &Fed) -> candle_core::Result<Vec<f32>> {
        fed.images.flatten_all()?.to_vec1()
    }

    #[test]
    fn batches_arrive_as_they_are() -> anyhow::Result<()> {
        let set = set()?;
        for backend in [Backend::default(), Backend::plain()] {
            let feed = Feed::to(&backend);
            // Those of an earlier time that was broken off are not mixed in.
            feed.batches(batches(&set))?.next().expect("a batch")?;
            let fed: Vec<Fed> = feed.batches(batches(&set))?.collect::<anyhow::Result<_>>()?;
            assert_eq!(fed.iter().map(Fed::len).collect::<Vec<_>>(), [4, 4, 3]);
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
        let (set, feed, begun) = (set()?, Feed::to(&Backend::plain()), Cell::new(0));
        let mut fed = feed.batches(batches(&set).inspect(|_| begun.set(begun.get() + 1)))?;
        assert_eq!(begun.get(), 0, "nothing is read that nobody asked for");
        for expected in [2, 3, 3] {
            fed.next().expect("a batch")?;
            assert_eq!(begun.get(), expected);
        }
        assert!(fed.next().is_none() && fed.next().is_none());
        Ok(())
    }

    #[test]
    fn an_error_comes_after_the_batches_before_it() -> anyhow::Result<()> {
        let (set, feed) = (set()?, Feed::to(&Backend::plain()));
        let broken = batches(&set).take(2).chain([Err(anyhow::anyhow!("a damaged image"))]);
        let fed: Vec<anyhow::Result<Fed>> = feed.batches(broken)?.collect();
        assert_eq!(fed.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
        assert!(fed[2].as_ref().is_err_and(|error| error.to_string() == "a damaged image"));
        Ok(())
    }
}
