//! Images that stay encoded until a batch is made of them.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rayon::prelude::*;

use super::{
    decode::{self, ImageFile},
    framing::{Framing, Resize},
    interpolation::Interpolation,
    resample::{Narrow, Plan},
    store::{Place, Store},
};
use crate::{
    Error, ImageShape, LeftOut, Look, OnCorrupt,
    random::{Purpose, stream},
};

/// How many files a checksum opens, evenly chosen: so many are opened in a minute by the slowest disk, while the sizes of a million files
/// come from their folders.
const OPENED: usize = 4096;

/// How images come to their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Whether those that have it are taken as they are. Most of a set have it, or else none is.
    pub(crate) keeps: bool,
    /// What others are resized to before they are cropped.
    pub(crate) to: Resize,
    pub(crate) interpolation: Interpolation,
}

/// Photographs in their files.
pub struct Encoded {
    /// The folder or archive.
    pub(crate) root: PathBuf,
    /// Paths below it.
    pub(crate) names: Vec<String>,
    /// Where the bytes of each are.
    pub(crate) places: Vec<Place>,
    pub(crate) store: Arc<Store>,
    pub(crate) shape: ImageShape,
    pub(crate) fit: Fit,
    pub(crate) on_corrupt: OnCorrupt,
    /// What was left out, by image.
    pub(crate) left_out: Mutex<BTreeMap<usize, LeftOut>>,
}

impl Encoded {
    /// Number of images.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The path of an image, for messages.
    pub(crate) fn path(&self, index: usize) -> PathBuf {
        self.root.join(&self.names[index])
    }

    /// Width and height of an image.
    pub(crate) fn size(&self, index: usize) -> Result<(usize, usize), Error> {
        let size = decode::open(&self.bytes(index)?).map(|file| file.size());
        size.map_err(|problem| self.corrupt(index, problem))
    }

    /// The planes of an image, as bytes.
    pub(crate) fn planes(&self, index: usize) -> Result<Vec<u8>, Error> {
        let (bytes, corrupt) = (self.bytes(index)?, |problem| self.corrupt(index, problem));
        let file = decode::open(&bytes).map_err(corrupt)?;
        let (width, height) = file.size();
        if self.fit.keeps && (width, height) == (self.shape.width, self.shape.height) {
            return Ok(file.decode_all().map_err(corrupt)?.planes());
        }
        let framing = Framing::central(width, height, self.fit.to, self.shape.width);
        let mut values = vec![0.0; self.shape.len()];
        self.resample(index, &file, &framing, &mut values)?;
        Ok(values.iter().map(|value| (255.0 * value).round() as u8).collect())
    }

    /// Writes an image to `out`, (3, H, W) in [0, 1].
    pub(crate) fn write(&self, index: usize, look: Look, out: &mut [f32]) -> Result<(), Error> {
        if self.fit.keeps {
            look.view(self.shape, index).apply(&self.planes(index)?, self.shape, out);
            return Ok(());
        }
        let (bytes, side) = (self.bytes(index)?, self.shape.width);
        let file = decode::open(&bytes).map_err(|problem| self.corrupt(index, problem))?;
        let (width, height) = file.size();
        let framing = match look {
            Look::Plain => Framing::central(width, height, self.fit.to, side),
            Look::Varied { augmentation, seed, epoch } => {
                let mut rng = stream(seed, Purpose::Framing, epoch, index as u64);
                Framing::random(width, height, side, augmentation.flip, &mut rng)
            }
        };
        self.resample(index, &file, &framing, out)
    }

    /// Decodes what a framing takes of an image, and resizes it.
    fn resample(
        &self,
        index: usize,
        file: &ImageFile<'_>,
        framing: &Framing,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let plan = Plan::new(framing, self.fit.interpolation, self.shape.width);
        let mut narrow = Narrow::new(&plan);
        file.rows(plan.part(), |row| narrow.take(row)).map_err(|problem| self.corrupt(index, problem))?;
        narrow.finish(out);
        Ok(())
    }

    /// A checksum of what can be known without reading every file: names, sizes, of some files the ends, and all bytes that are in memory.
    pub(crate) fn checksum(&self, len: usize) -> u32 {
        let sum = self.names[..len].iter().fold(0, |sum, name| crc32c::crc32c_append(sum, name.as_bytes()));
        let sum = crc32c::crc32c_append(sum, &(self.shape.width as u64).to_le_bytes());
        let Fit { keeps, to, interpolation } = self.fit;
        let how = if keeps { String::new() } else { format!("{to} {interpolation}") };
        let sum = crc32c::crc32c_append(sum, how.as_bytes());
        let step = len.div_ceil(OPENED).max(1);
        let each = (0..len)
            .into_par_iter()
            .map(|index| self.store.fingerprint(self.places[index], &self.path(index), index % step == 0));
        let each: Vec<u32> = each.collect();
        each.iter().fold(sum, |sum, of_file| crc32c::crc32c_append(sum, &of_file.to_le_bytes()))
    }

    /// Leaves an image out because of an error.
    ///
    /// # Errors
    /// The error itself, if the image is not damaged or damaged ones are not to be left out.
    pub(crate) fn leave_out(&self, index: usize, error: Error) -> Result<(), Error> {
        let image = self.left_out_by(error)?;
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).insert(index, image);
        Ok(())
    }

    /// The image that is to be left out because of an error.
    ///
    /// # Errors
    /// As [`leave_out`](Self::leave_out).
    pub(crate) fn left_out_by(&self, error: Error) -> Result<LeftOut, Error> {
        match self.on_corrupt {
            OnCorrupt::Error => Err(error),
            OnCorrupt::Skip => LeftOut::from_error(error),
        }
    }

    /// What was left out so far of some images: which, and what is wrong with each.
    pub(crate) fn left_out_of(&self, images: Range<usize>) -> Vec<(usize, String)> {
        let left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.range(images).map(|(&index, image)| (index, image.problem.clone())).collect()
    }

    /// Notes that an image was left out elsewhere.
    pub(crate) fn note_left_out(&self, index: usize, problem: String) {
        let image = LeftOut { path: self.path(index), problem };
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).insert(index, image);
    }

    /// What was left out so far, in the order of the images.
    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn corrupt(&self, index: usize, problem: String) -> Error {
        Error::Corrupt { path: self.path(index), problem }
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.store.bytes(self.places[index], &self.path(index))
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} images in {})", self.len(), self.root.display())
    }
}
