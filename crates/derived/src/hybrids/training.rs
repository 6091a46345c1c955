//! Hybrids as training images.

use std::path::Path;

use datasets::{Dataset, ImageSet, frequency};
use progress::Progress;

use super::{
    made::Made,
    maker::Maker,
    names::{HybridFiles, Origin, Part},
    place,
};
use crate::Error;

/// The seed of the pairs of hybrids to train on. It is part of the data set, not of a run, so that runs of all seeds share their
/// hybrids.
pub const TRAINING_SEED: u64 = 0;

/// Hybrids in the place of training images.
#[derive(Debug)]
pub struct TrainingHybrids {
    /// As many as the data set has training images.
    pub images: ImageSet,
    /// Their files.
    pub files: HybridFiles,
    /// The seed of their pairs; another than [`TRAINING_SEED`] where they were made with one.
    pub seed: u64,
    /// What was made because it was not there.
    pub made: Vec<Made>,
}

/// The hybrids of a data set's training images in a folder; made first if they are not there. Labels are those of the images that
/// give `keep`; `radius` is in cycles per image.
///
/// # Errors
/// As [`Maker::make`]; [`Error::StaleHybrids`] if they were made of other images or are not finished; if they cannot be read.
pub fn training_images(
    dataset: &Dataset,
    folder: &Path,
    keep: Part,
    radius: usize,
    progress: &Progress,
) -> Result<TrainingHybrids, Error> {
    let files = HybridFiles::at(folder, keep, radius);
    let mut made = Vec::new();
    if !files.images.exists() || place::is_unfinished(folder, &files.images)? {
        let maker = Maker { radius, seed: TRAINING_SEED, ..Maker::new(dataset, folder) };
        made = maker.make(keep, &[], progress)?;
    }
    let seed = seed(&files, dataset, radius)?;
    let images = frequency::load(&files.images, &files.labels, &dataset.train)?;
    Ok(TrainingHybrids { images, files, seed, made })
}

/// The seed of hybrids of this data set's images; those of other images are rejected.
fn seed(hybrids: &HybridFiles, dataset: &Dataset, radius: usize) -> Result<u64, Error> {
    let stored = files::read(&hybrids.origin).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match stored {
        Some(Origin { images_checksum, seed }) if images_checksum == dataset.train.checksum() => Ok(seed),
        _ => Err(Error::StaleHybrids { images: hybrids.images.clone(), radius }),
    }
}
