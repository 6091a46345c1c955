//! Batches of a set, in order, the same for any number of threads.

use std::sync::Arc;

use rayon::prelude::*;

use crate::{
    Augmentation, Distortions, Error, ImageSet, ImageShape, Look, OnCorrupt, View,
    prefetch::Prefetch,
    random::{Purpose, permutation, stream},
};

/// Batches ready at most per loader thread before it waits for the consumer.
const QUEUE: usize = 2;

/// Images ready for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Pixels in [0, 1], (B, C, H, W); of bytes the quotient by 255, in f32. Empty if the batch was asked for without.
    pub images: Vec<f32>,
    /// Class number of each image.
    pub labels: Vec<u32>,
    /// Position of each image in its set's own order.
    pub indices: Vec<usize>,
    /// The view of each image, in a batch without pixels; empty otherwise.
    pub views: Vec<View>,
    /// Shape of each image (C, H, W).
    pub shape: ImageShape,
}

impl Batch {
    /// Number of images B.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the batch has no image; batches from [`Batches`] always have some.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// In which order the images come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The set's own order.
    #[default]
    Sequential,
    /// A permutation (Fisher–Yates) that depends on seed, epoch and the number of images alone.
    Shuffled {
        /// The run's seed.
        seed: u64,
        /// The epoch: each has its own order and its own augmentation.
        epoch: u64,
    },
}

impl Order {
    /// Seed and epoch that augmentation draws from; zero for the sequential order.
    fn key(self) -> (u64, u64) {
        match self {
            Self::Sequential => (0, 0),
            Self::Shuffled { seed, epoch } => (seed, epoch),
        }
    }

    /// By place in the order: the image in the set; none for the set's own order.
    ///
    /// ```
    /// use datasets::Order;
    /// assert_eq!(Order::Sequential.permutation(3), None);
    /// let mut images = Order::Shuffled { seed: 1, epoch: 0 }.permutation(50).expect("an order");
    /// assert_ne!(images, (0..50).collect::<Vec<_>>());
    /// images.sort_unstable();
    /// assert_eq!(images, (0..50).collect::<Vec<_>>());
    /// ```
    pub fn permutation(self, n: usize) -> Option<Vec<usize>> {
        match self {
            Self::Sequential => None,
            Self::Shuffled { seed, epoch } => {
                Some(permutation(n, &mut stream(seed, Purpose::Order, epoch, 0)))
            }
        }
    }
}

/// How a set is cut into batches; the default is 128 images in the set's own order, unchanged, on the caller's thread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchOptions {
    /// Images per batch; 0 counts as 1.
    pub batch_size: usize,
    /// In which order.
    pub order: Order,
    /// Random crops and flips, drawn from the order's seed and epoch (zero for the sequential order).
    pub augmentation: Option<Augmentation>,
    /// What is done to the pixels after that, drawn likewise. Batches without pixels know nothing of it.
    pub distortions: Distortions,
    /// Whether to leave out a last batch that is not full.
    pub drop_last: bool,
    /// The first batch to deliver. Those before it cost nothing, so a run can be resumed in the middle of an epoch.
    pub start_batch: usize,
    /// Deliver every so-manieth batch from there on, as one of several processes does that share the batches; 0 counts as 1.
    pub every: usize,
    /// Threads that prepare batches ahead of the consumer; with 0 the consumer's thread does it.
    pub workers: usize,
    /// Whether batches have pixels; without, their indices and views say which, for images in memory that are elsewhere already.
    pub pixels: bool,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            batch_size: 128,
            order: Order::Sequential,
            augmentation: None,
            distortions: Distortions::default(),
            drop_last: false,
            start_batch: 0,
            every: 1,
            workers: 0,
            pixels: true,
        }
    }
}

impl ImageSet {
    /// The images in batches: see [`BatchOptions`].
    pub fn batches(&self, options: BatchOptions) -> Batches {
        Batches::new(self.clone(), options, None)
    }

    /// The same batches with the pixels of some images alone, as one of several processes needs them that share each batch: those in the
    /// places `at` of a batch of so many images for which `needs(at, images)` holds. Other images are neither read nor decoded, and are
    /// zeros. Where damaged images are left out all are decoded, since who is in a batch depends on each.
    ///
    /// ```
    /// use datasets::{BatchOptions, synthetic::Synthetic};
    /// let train = Synthetic { seed: 0, train: 10, test: 0 }.generate().train;
    /// let options = BatchOptions { batch_size: 4, ..BatchOptions::default() };
    /// let mut whole = train.batches(options);
    /// let mut second_halves = train.batches_in_part(options, |at, images| at >= images / 2);
    /// let (whole, half) = (whole.next().unwrap()?, second_halves.next().unwrap()?);
    /// let pixels = 2 * train.shape().len();
    /// assert!(half.images[..pixels].iter().all(|&pixel| pixel == 0.0));
    /// assert_eq!(half.images[pixels..], whole.images[pixels..]);
    /// assert_eq!(half.labels, whole.labels);
    /// # Ok::<(), datasets::Error>(())
    /// ```
    pub fn batches_in_part(
        &self,
        options: BatchOptions,
        needs: impl Fn(usize, usize) -> bool + Send + Sync + 'static,
    ) -> Batches {
        let leaves_out = self.encoded().is_some_and(|images| images.on_corrupt == OnCorrupt::Skip);
        let needs: Option<Needs> = if leaves_out { None } else { Some(Box::new(needs)) };
        Batches::new(self.clone(), options, needs)
    }
}

/// Whether the image in a place of a batch of so many has pixels.
type Needs = Box<dyn Fn(usize, usize) -> bool + Send + Sync>;

/// An iterator over the batches of a set, made by [`ImageSet::batches`].
///
/// Every batch is a function of the set and the options without `workers`, so the bytes are the same for any number
/// of threads. Dropping the iterator early stops the threads. Images in memory give no errors; photographs that are still
/// in files are decoded by all threads, into the batch, and give [`Error::Read`] or [`Error::Corrupt`], or smaller batches where damaged
/// ones are left out.
///
/// ```
/// use datasets::{BatchOptions, Order, synthetic::Synthetic};
/// let train = Synthetic { seed: 0, train: 10, test: 0 }.generate().train;
/// let order = Order::Shuffled { seed: 7, epoch: 0 };
/// let options = BatchOptions { batch_size: 4, order, workers: 2, ..BatchOptions::default() };
/// let batches = train.batches(options);
/// assert_eq!(batches.len(), 3);
/// let mut indices: Vec<usize> = batches.flat_map(|batch| batch.unwrap().indices).collect();
/// indices.sort();
/// assert_eq!(indices, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// ```
pub struct Batches {
    plan: Arc<Plan>,
    /// How many are delivered, of how many.
    delivered: usize,
    count: usize,
    source: Source,
}

enum Source {
    Inline,
    Prefetched(Prefetch<Result<Batch, Error>>),
}

impl Batches {
    fn new(set: ImageSet, options: BatchOptions, needs: Option<Needs>) -> Self {
        let plan = Arc::new(Plan::new(set, options, needs));
        let count = plan.count.saturating_sub(options.start_batch).div_ceil(options.every.max(1));
        let source = Self::source(&plan, count);
        Self { plan, delivered: 0, count, source }
    }

    fn source(plan: &Arc<Plan>, count: usize) -> Source {
        let make = {
            let plan = Arc::clone(plan);
            move |at| plan.delivered(at)
        };
        // a machine that has no thread to spare still gets its batches, only later
        match plan.options.workers.min(count) {
            0 => Source::Inline,
            workers => {
                Prefetch::start(0..count, workers, QUEUE, make).map_or(Source::Inline, Source::Prefetched)
            }
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.delivered == self.count {
            return None;
        }
        let at = self.delivered;
        self.delivered += 1;
        match &mut self.source {
            Source::Inline => Some(self.plan.delivered(at)),
            Source::Prefetched(prefetch) => prefetch.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.delivered;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}

impl std::iter::FusedIterator for Batches {}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batches({} of {} left)", self.len(), self.plan.count)
    }
}

/// All that decides what batch number i holds.
struct Plan {
    set: ImageSet,
    options: BatchOptions,
    /// None if all images have pixels.
    needs: Option<Needs>,
    permutation: Option<Vec<usize>>,
    batch_size: usize,
    count: usize,
}

impl Plan {
    fn new(set: ImageSet, options: BatchOptions, needs: Option<Needs>) -> Self {
        let batch_size = options.batch_size.max(1);
        let count = match options.drop_last {
            true => set.len() / batch_size,
            false => set.len().div_ceil(batch_size),
        };
        let permutation = options.order.permutation(set.len());
        Self { set, options, needs, permutation, batch_size, count }
    }

    /// The batch that is delivered in this place.
    fn delivered(&self, at: usize) -> Result<Batch, Error> {
        self.batch(self.options.start_batch + at * self.options.every.max(1))
    }

    fn batch(&self, index: usize) -> Result<Batch, Error> {
        let (mut indices, shape) = (self.indices(index), self.set.shape());
        if !self.options.pixels {
            let views = indices.iter().map(|&index| self.look().view(shape, index)).collect();
            return Ok(Batch { images: Vec::new(), labels: self.labels(&indices), indices, views, shape });
        }
        let mut images = vec![0.0; indices.len() * shape.len()];
        let of = indices.len();
        let needs = |at: usize| self.needs.as_ref().is_none_or(|needs| needs(at, of));
        let write = |(at, out): (usize, &mut [f32])| {
            if needs(at) { self.write(indices[at], out) } else { Ok(()) }
        };
        let size = shape.len().max(1);
        let done: Vec<Result<(), Error>> = match self.set.encoded() {
            Some(_) => images.par_chunks_exact_mut(size).enumerate().map(write).collect(),
            None => images.chunks_exact_mut(size).enumerate().map(write).collect(),
        };
        self.leave_out(done, &mut indices, &mut images)?;
        let labels = self.labels(&indices);
        Ok(Batch { images, labels, indices, views: Vec::new(), shape })
    }

    fn write(&self, index: usize, out: &mut [f32]) -> Result<(), Error> {
        self.set.write(index, self.look(), out)?;
        let (seed, epoch) = self.options.order.key();
        self.options.distortions.apply(out, self.set.shape(), [seed, epoch, index as u64]);
        Ok(())
    }

    fn labels(&self, indices: &[usize]) -> Vec<u32> {
        indices.iter().map(|&index| self.set.labels()[index]).collect()
    }

    /// Takes damaged images out of a batch, or gives the first error.
    fn leave_out(
        &self,
        done: Vec<Result<(), Error>>,
        indices: &mut Vec<usize>,
        images: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let (size, mut kept) = (self.set.shape().len(), 0);
        for (at, done) in done.into_iter().enumerate() {
            match (done, self.set.encoded()) {
                (Ok(()), _) => {
                    if kept < at {
                        images.copy_within(at * size..(at + 1) * size, kept * size);
                        indices[kept] = indices[at];
                    }
                    kept += 1;
                }
                (Err(error), Some(encoded)) => encoded.leave_out(indices[at], error)?,
                (Err(error), None) => return Err(error),
            }
        }
        indices.truncate(kept);
        images.truncate(kept * size);
        if kept > 0 { Ok(()) } else { Err(Error::AllCorrupt) }
    }

    fn indices(&self, batch: usize) -> Vec<usize> {
        let start = batch * self.batch_size;
        let positions = start..self.set.len().min(start.saturating_add(self.batch_size));
        match &self.permutation {
            Some(permutation) => permutation[positions].to_vec(),
            None => positions.collect(),
        }
    }

    fn look(&self) -> Look {
        let (seed, epoch) = self.options.order.key();
        let varied = |augmentation| Look::Varied { augmentation, seed, epoch };
        self.options.augmentation.map_or(Look::Plain, varied)
    }
}
