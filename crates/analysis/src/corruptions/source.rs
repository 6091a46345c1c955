//! Where corrupted images come from.

use std::sync::{Mutex, PoisonError};

use datasets::{Batch, Corruption, ImageSet, ImageShape, Look, catalog::CorruptedImages};
use random::Stream;
use rayon::prelude::*;

use super::{
    SEVERITIES,
    built_in::{ALL, Recipe},
};
use crate::Error;

/// Up to this side images have the strengths of CIFAR-10-C, others those of ImageNet-C.
const MOST_SMALL: usize = 64;

/// Corrupted images: of a published set, or made of the images at hand.
#[derive(Debug)]
pub enum CorruptionSource {
    /// CIFAR-10-C, CIFAR-100-C or ImageNet-C.
    Published(Box<CorruptedImages>),
    /// Brightness, contrast, Gaussian blur, Gaussian noise and impulse noise, drawn by a seed.
    BuiltIn {
        /// The seed.
        seed: u64,
    },
    /// In memory: of each corruption its name, and the images at severities 1 to 5.
    Given(Vec<(String, Vec<ImageSet>)>),
}

/// A corruption and its severity, 1 to 5, and the images that were opened last.
#[derive(Debug)]
pub(super) struct Corrupter<'a> {
    source: CorruptionSource,
    clean: &'a ImageSet,
    open: Mutex<Option<(Corruption, ImageSet)>>,
}

impl<'a> Corrupter<'a> {
    /// # Errors
    /// If images that are given are not the clean ones, or a severity is missing.
    pub(super) fn new(source: CorruptionSource, clean: &'a ImageSet) -> Result<Self, Error> {
        let corrupter = Self { source, clean, open: Mutex::new(None) };
        if let CorruptionSource::Given(given) = &corrupter.source {
            for (name, sets) in given {
                if sets.len() != SEVERITIES {
                    return Err(Error::Severities { corruption: name.clone(), found: sets.len() });
                }
                for (severity, set) in (1..).zip(sets) {
                    corrupter.check(set, &Corruption { name: name.clone(), severity: Some(severity) })?;
                }
            }
        }
        Ok(corrupter)
    }

    /// The names of the corruptions, in order.
    pub(super) fn names(&self) -> Vec<String> {
        match &self.source {
            CorruptionSource::Published(images) => images.names().to_vec(),
            CorruptionSource::BuiltIn { .. } => ALL.iter().map(|(name, ..)| (*name).to_owned()).collect(),
            CorruptionSource::Given(given) => given.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// In words, for results.
    pub(super) fn words(&self) -> String {
        match &self.source {
            CorruptionSource::Published(_) => "published images".to_owned(),
            CorruptionSource::BuiltIn { seed } => format!("made of the images, seed {seed}"),
            CorruptionSource::Given(_) => "given images".to_owned(),
        }
    }

    /// A batch's pixels with a corruption.
    pub(super) fn pixels(&self, batch: &Batch, corruption: &Corruption) -> Result<Vec<f32>, Error> {
        match &self.source {
            CorruptionSource::Published(images) => self.published(images, batch, corruption),
            CorruptionSource::BuiltIn { seed } => Ok(built_in(*seed, batch, corruption)),
            CorruptionSource::Given(given) => {
                let of_name = given.iter().find(|(name, _)| *name == corruption.name);
                let severity = usize::from(corruption.severity.unwrap_or(1).max(1)) - 1;
                let set = of_name.and_then(|(_, sets)| sets.get(severity));
                set.map_or_else(|| Ok(batch.images.clone()), |set| of_set(set, batch))
            }
        }
    }

    fn published(
        &self,
        images: &CorruptedImages,
        batch: &Batch,
        corruption: &Corruption,
    ) -> Result<Vec<f32>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|(of, _)| of != corruption) {
            // One after the other: all together may be larger than memory.
            *open = None;
            let set = images.open(corruption)?;
            self.check(&set, corruption)?;
            *open = Some((corruption.clone(), set));
        }
        open.as_ref().map_or_else(|| Ok(batch.images.clone()), |(_, set)| of_set(set, batch))
    }

    /// That corrupted images are the clean ones, as far as labels tell.
    fn check(&self, set: &ImageSet, corruption: &Corruption) -> Result<(), Error> {
        let (clean, found) = (self.clean.labels(), set.labels());
        if set.shape() == self.clean.shape() && clean == found {
            return Ok(());
        }
        let at = clean.iter().zip(found).position(|(clean, found)| clean != found);
        Err(Error::OtherImages {
            corruption: corruption.to_string(),
            clean: clean.len(),
            found: found.len(),
            differ: at.or_else(|| (clean.len() != found.len()).then(|| clean.len().min(found.len()))),
        })
    }
}

/// A batch's images out of a set of the same order.
fn of_set(set: &ImageSet, batch: &Batch) -> Result<Vec<f32>, Error> {
    let mut pixels = vec![0.0; batch.images.len()];
    let each = pixels.par_chunks_mut(set.shape().len()).zip(&batch.indices);
    each.try_for_each(|(image, &index)| set.write(index, Look::Plain, image))?;
    Ok(pixels)
}

fn built_in(seed: u64, batch: &Batch, corruption: &Corruption) -> Vec<f32> {
    let shape: ImageShape = batch.shape;
    let is_small = shape.height <= MOST_SMALL && shape.width <= MOST_SMALL;
    let mut pixels = batch.images.clone();
    let Some(which) = ALL.iter().position(|(name, ..)| *name == corruption.name) else { return pixels };
    let (_, kind, small, large) = ALL[which];
    let severity = corruption.severity.unwrap_or(1);
    let strength = if is_small { small } else { large }[usize::from(severity.clamp(1, 5)) - 1];
    let epoch = (which as u64) << 8 | u64::from(severity);
    pixels.par_chunks_mut(shape.len()).zip(&batch.indices).for_each(|(image, &index)| {
        let stream = Stream { domain: *b"corr", seed, purpose: 1, epoch, index: index as u64 };
        Recipe { kind, strength }.apply(image, shape, &stream);
    });
    pixels
}
