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
