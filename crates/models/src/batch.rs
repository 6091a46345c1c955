//! Batches that fit a network.

use candle_core::Tensor;

use crate::{error::Error, sizes};

/// Images that fit the network: (N, 3, H, W), at least one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Images<'a>(pub(crate) &'a Tensor);

/// Images with a label in range for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) images: Images<'a>,
    pub(crate) labels: &'a [u32],
}

/// What the loss of a training step compares the logits of each image with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Targets<'a> {
    /// Its class.
    Labels(&'a [u32]),
    /// A number for each class, (N, classes): smoothed or mixed labels.
    Soft(&'a [f32]),
}

/// What a training step learns from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrainingBatch<'a> {
    pub(crate) images: Images<'a>,
    pub(crate) targets: Targets<'a>,
}

impl<'a> From<Batch<'a>> for TrainingBatch<'a> {
    fn from(Batch { images, labels }: Batch<'a>) -> Self {
        Self { images, targets: Targets::Labels(labels) }
    }
}

impl<'a> TrainingBatch<'a> {
    /// Checks a batch with a row of `classes` numbers for each image, at least 0, which sum to 1.
    ///
    /// # Errors
    /// As [`Images::new`], or [`Error::Targets`].
    pub(crate) fn soft(
        images: &'a Tensor,
        targets: &'a [f32],
        classes: usize,
        fits: impl Fn([usize; 2]) -> bool,
    ) -> Result<Self, Error> {
        let images = Images::new(images, fits)?;
        check_targets(targets, images.count(), classes)?;
        Ok(Self { images, targets: Targets::Soft(targets) })
    }
}

impl<'a> Images<'a> {
    /// Checks images; `fits` says whether the network's windows fit on so many rows and columns.
    ///
    /// # Errors
    /// If there are none, they are not (N, 3, H, W), or the network takes no such size.
    pub(crate) fn new(images: &'a Tensor, fits: impl Fn([usize; 2]) -> bool) -> Result<Self, Error> {
        let &[count, 3, height, width] = images.dims() else {
            return Err(Error::BatchShape { found: images.dims().to_vec() });
        };
        if count == 0 {
            return Err(Error::BatchShape { found: images.dims().to_vec() });
        }
        sizes::check([height, width], fits)?;
        Ok(Self(images))
    }

    pub(crate) fn count(self) -> usize {
        self.0.dims()[0]
    }
}

impl<'a> Batch<'a> {
    /// Checks a batch.
    ///
    /// # Errors
    /// If it is empty, is not (N, 3, H, W), is of a size that the network does not take, or has other labels than images.
    pub(crate) fn new(
        images: &'a Tensor,
        labels: &'a [u32],
        classes: usize,
        fits: impl Fn([usize; 2]) -> bool,
    ) -> Result<Self, Error> {
        let &[count, 3, ..] = images.dims() else {
            return Err(Error::BatchShape { found: images.dims().to_vec() });
        };
        if count != labels.len() || count == 0 {
            return Err(Error::BatchMismatch { images: count, labels: labels.len() });
        }
        if let Some(&label) = labels.iter().find(|&&label| label as usize >= classes) {
            return Err(Error::LabelOutOfRange { label, classes });
        }
        Ok(Self { images: Images::new(images, fits)?, labels })
    }
}

/// How far from 1 the numbers of an image may sum: rounding, and no more.
const SUM_TOLERANCE: f64 = 1e-3;

fn check_targets(targets: &[f32], images: usize, classes: usize) -> Result<(), Error> {
    let refused = |problem: String| Err(Error::Targets { images, classes, problem });
    if targets.len() != images * classes {
        return refused(format!("{} numbers", targets.len()));
    }
    for (image, row) in targets.chunks(classes.max(1)).enumerate() {
        let sum: f64 = row.iter().copied().map(f64::from).sum();
        // What is no number is not near 1 either.
        let is_one = (sum - 1.0).abs() <= SUM_TOLERANCE;
        if !is_one || row.iter().any(|number| *number < 0.0) {
            return refused(format!(
                "numbers of image {image} that sum to {sum}, the smallest {}",
                least(row)
            ));
        }
    }
    Ok(())
}

fn least(row: &[f32]) -> f32 {
    row.iter().copied().fold(f32::INFINITY, f32::min)
}
