//! Labelled images.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use rayon::prelude::*;

use crate::{Encoded, Error, HeadOutputs, ImageShape, LeftOut, Look, Note};

/// Training and test images of one data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The name users type: `cifar10`, `cifar100`, `synthetic`.
    pub name: String,
    /// Images to learn from.
    pub train: ImageSet,
    /// Images to measure on.
    pub test: ImageSet,
    /// What users should know about how it was read: files skipped, images resized.
    pub notes: Vec<Note>,
}

impl Dataset {
    /// A checksum of both parts: see [`ImageSet::checksum`].
    pub fn checksum(&self) -> u32 {
        // Rotated, so that equal parts do not cancel and swapped parts give another checksum.
        self.train.checksum() ^ self.test.checksum().rotate_left(1)
    }

    /// The same data set, with what its classes are of a network's head: see [`ImageSet::with_outputs`]. A note says so where classes
    /// become one.
    ///
    /// # Errors
    /// [`Error::OutputCount`].
    pub fn with_outputs(self, outputs: &HeadOutputs) -> Result<Self, Error> {
        let Self { name, train, test, mut notes } = self;
        notes.extend(outputs.shared().map(|[first, second]| Note::MergedClasses {
            classes: train.classes().len(),
            outputs: outputs.distinct().indices().len(),
            first: train.classes().get(first).cloned().unwrap_or_default(),
            second: train.classes().get(second).cloned().unwrap_or_default(),
        }));
        Ok(Self { name, train: train.with_outputs(outputs)?, test: test.with_outputs(outputs)?, notes })
    }
}

/// How many images of each part to read, the first ones in the set's own order; all of them without a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of the training images.
    pub train: Option<usize>,
    /// Of the test images.
    pub test: Option<usize>,
}

/// The pixels of a set, (N, C, H, W).
#[derive(Debug)]
pub enum Pixels {
    /// 0 to 255, as photographs come.
    Bytes(Vec<u8>),
    /// Numbers in [0, 1], as computed images come.
    Unit(Vec<f32>),
    /// Photographs in their files, decoded when a batch is made.
    Encoded(Encoded),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Unit(values) => values.len(),
            Self::Encoded(images) => images.len() * images.shape.len(),
        }
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(values: Vec<u8>) -> Self {
        Self::Bytes(values)
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(values: Vec<f32>) -> Self {
        Self::Unit(values)
    }
}

/// Labelled images of one shape, one class number per image; in memory, or decoded when they are asked for.
///
/// Clones share the pixels, so passing a set to background threads costs nothing.
///
/// ```
/// use datasets::{ImageSet, ImageShape};
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let classes = ["dark", "light"].map(String::from);
/// let mut set = ImageSet::new(vec![0, 10, 200, 255], vec![0, 1], classes.into(), shape)?;
/// assert_eq!(set.len(), 2);
/// assert_eq!(*set.bytes(1)?, [200, 255]);
/// set.limit(1);
/// assert_eq!(set.labels(), [0]);
/// # Ok::<(), datasets::Error>(())
/// ```
#[derive(Clone)]
pub struct ImageSet {
    storage: Arc<Storage>,
    shape: ImageShape,
    len: usize,
}

struct Storage {
    pixels: Arc<Pixels>,
    labels: Vec<u32>,
    classes: Arc<[String]>,
    /// Which outputs of a head these are, where that is known.
    outputs: Option<HeadOutputs>,
    /// Of images that were left out while all were decoded.
    left_out: Vec<LeftOut>,
}

impl ImageSet {
    /// A set of `labels.len()` images.
    ///
    /// `pixels` holds them one after the other, each plane by plane, row by row from the top (N, C, H, W).
    /// `classes[label]` is the name of a class; train and test set may share the list.
    ///
    /// # Errors
    /// [`Error::PixelCount`] if there are not `labels.len() · shape.len()` pixels, [`Error::Label`] if a label is not
    /// below `classes.len()`.
    pub fn new(
        pixels: impl Into<Pixels>,
        labels: Vec<u32>,
        classes: Arc<[String]>,
        shape: ImageShape,
    ) -> Result<Self, Error> {
        let pixels = pixels.into();
        let expected = labels.len().saturating_mul(shape.len());
        if pixels.len() != expected {
            let (found, labels, shape) = (pixels.len(), labels.len(), shape.to_string());
            return Err(Error::PixelCount { found, labels, shape, expected });
        }
        let stray = labels.iter().position(|&label| label as usize >= classes.len());
        if let Some(index) = stray {
            return Err(Error::Label { index, found: labels[index], classes: classes.len() });
        }
        let (len, pixels) = (labels.len(), Arc::new(pixels));
        let storage = Storage { pixels, labels, classes, outputs: None, left_out: Vec::new() };
        Ok(Self { storage: Arc::new(storage), shape, len })
    }

    /// The same images, with what their classes are of a network's head. Classes that share an output are one class from then on, in
    /// the place of the first and with the names of all: a head restricted to a data set has one output a class.
    ///
    /// ```
    /// use datasets::{HeadOutputs, ImageSet, ImageShape, OutputsOrigin};
    /// let shape = ImageShape { channels: 1, height: 1, width: 1 };
    /// let classes = ["crane", "tench", "sarus"].map(String::from);
    /// let set = ImageSet::new(vec![1, 2, 3], vec![0, 1, 2], classes.into(), shape)?;
    /// let set = set.with_outputs(&HeadOutputs::new(vec![134, 0, 134], OutputsOrigin::Given))?;
    /// assert_eq!(set.classes(), ["crane + sarus", "tench"]);
    /// assert_eq!(set.labels(), [0, 1, 0]);
    /// assert_eq!(set.outputs().map(HeadOutputs::indices), Some(&[134, 0][..]));
    /// # Ok::<(), datasets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutputCount`] if there is not an output for each class.
    pub fn with_outputs(self, outputs: &HeadOutputs) -> Result<Self, Error> {
        let (storage, found) = (&self.storage, outputs.indices().len());
        if found != storage.classes.len() {
            return Err(Error::OutputCount { found, expected: storage.classes.len() });
        }
        let new_labels = outputs.labels();
        let storage = Storage {
            pixels: Arc::clone(&storage.pixels),
            labels: storage.labels.iter().map(|&label| new_labels[label as usize]).collect(),
            classes: outputs.names(&storage.classes).into(),
            outputs: Some(outputs.distinct()),
            left_out: storage.left_out.clone(),
        };
        Ok(Self { storage: Arc::new(storage), ..self })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the set has no image.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the first `n` images in the set's own order; all of them if there are fewer.
    pub fn limit(&mut self, n: usize) {
        self.len = self.len.min(n);
    }

    /// Shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The bytes of all images, (N, C, H, W), where they are in memory as bytes.
    pub fn all_bytes(&self) -> Option<&[u8]> {
        match &*self.storage.pixels {
            Pixels::Bytes(bytes) => Some(&bytes[..self.len * self.shape.len()]),
            Pixels::Unit(_) | Pixels::Encoded(_) => None,
        }
    }

    /// Pixels of image `index`, (C, H, W), 0 to 255; numbers in [0, 1] as the nearest byte.
    ///
    /// # Errors
    /// If the image is in a file that cannot be read or decoded; never for images in memory.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len), as for a slice.
    pub fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let span = self.span(index);
        Ok(match &*self.storage.pixels {
            Pixels::Bytes(bytes) => Cow::Borrowed(&bytes[span]),
            Pixels::Unit(values) => {
                let byte = |value: &f32| (255.0 * value.clamp(0.0, 1.0)).round() as u8;
                Cow::Owned(values[span].iter().map(byte).collect())
            }
            Pixels::Encoded(images) => Cow::Owned(images.planes(index)?),
        })
    }

    /// Writes a view of image `index` to `out`: (C, H, W) in [0, 1], a byte divided by 255.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len), or `out` is not of the set's shape.
    pub fn write(&self, index: usize, look: Look, out: &mut [f32]) -> Result<(), Error> {
        let (span, shape) = (self.span(index), self.shape);
        match &*self.storage.pixels {
            Pixels::Bytes(bytes) => look.view(shape, index).apply(&bytes[span], shape, out),
            Pixels::Unit(values) => look.view(shape, index).apply(&values[span], shape, out),
            Pixels::Encoded(images) => images.write(index, look, out)?,
        }
        Ok(())
    }

    /// The same images in memory, decoded by all threads; damaged ones are left out where that is wanted.
    ///
    /// # Errors
    /// If one cannot be read or decoded.
    pub fn decoded(&self) -> Result<Self, Error> {
        let Pixels::Encoded(images) = &*self.storage.pixels else { return Ok(self.clone()) };
        let size = self.shape.len();
        let mut pixels = vec![0; self.len * size];
        let decode = |(index, out): (usize, &mut [u8])| {
            images.planes(index).map(|planes| out.copy_from_slice(&planes))
        };
        let done: Vec<Result<(), Error>> =
            pixels.par_chunks_exact_mut(size.max(1)).enumerate().map(decode).collect();
        let (mut labels, mut left_out) = (Vec::with_capacity(self.len), Vec::new());
        for (index, done) in done.into_iter().enumerate() {
            match done {
                Ok(()) => {
                    pixels.copy_within(index * size..(index + 1) * size, labels.len() * size);
                    labels.push(self.labels()[index]);
                }
                Err(error) => left_out.push(images.left_out_by(error)?),
            }
        }
        pixels.truncate(labels.len() * size);
        let (len, classes) = (labels.len(), Arc::clone(&self.storage.classes));
        let (pixels, outputs) = (Arc::new(Pixels::Bytes(pixels)), self.storage.outputs.clone());
        let storage = Storage { pixels, labels, classes, outputs, left_out };
        Ok(Self { storage: Arc::new(storage), shape: self.shape, len })
    }

    /// The damaged images that were left out so far, each with what is wrong with it.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let later = match &*self.storage.pixels {
            Pixels::Encoded(images) => images.left_out(),
            _ => Vec::new(),
        };
        [&self.storage.left_out[..], &later].concat()
    }

    /// The damaged ones among some images that were left out of batches so far: their numbers, and what is wrong with each. Several
    /// processes that read a set in parts tell each other so.
    pub fn left_out_of(&self, images: Range<usize>) -> Vec<(usize, String)> {
        self.encoded().map_or_else(Vec::new, |encoded| encoded.left_out_of(images))
    }

    /// Notes images that another process has left out, as [`ImageSet::left_out_of`] gives them. Numbers beyond the set are ignored.
    pub fn note_left_out(&self, images: Vec<(usize, String)>) {
        let Some(encoded) = self.encoded() else { return };
        let own = images.into_iter().filter(|(index, _)| *index < self.len);
        own.for_each(|(index, problem)| encoded.note_left_out(index, problem));
    }

    /// Photographs in files whose pixels are taken as they are.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(&*self.storage.pixels, Pixels::Encoded(images) if images.fit.keeps)
    }

    /// The photographs, if they are still in files.
    pub(crate) fn encoded(&self) -> Option<&Encoded> {
        match &*self.storage.pixels {
            Pixels::Encoded(images) => Some(images),
            _ => None,
        }
    }

    /// Class number of each image, in the set's own order.
    pub fn labels(&self) -> &[u32] {
        &self.storage.labels[..self.len]
    }

    /// Name of each class, by class number.
    pub fn classes(&self) -> &[String] {
        &self.storage.classes
    }

    /// Which output of a network's head each class is, where the data set says so; else class i is output i.
    pub fn outputs(&self) -> Option<&HeadOutputs> {
        self.storage.outputs.as_ref()
    }

    /// A checksum (CRC-32C) of all pixels and labels: another set has another one, but for one case in four billion. Of
    /// photographs that are still in files, labels, names and sizes are taken, and of 4096 of them, evenly chosen, the first and last 4 KiB.
    pub fn checksum(&self) -> u32 {
        let end = self.len * self.shape.len();
        let pixels = match &*self.storage.pixels {
            Pixels::Bytes(bytes) => crc32c::crc32c(&bytes[..end]),
            Pixels::Unit(values) => {
                let mut buffer = Vec::with_capacity(1 << 16);
                values[..end].chunks(1 << 14).fold(0, |sum, values| {
                    buffer.clear();
                    buffer.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    crc32c::crc32c_append(sum, &buffer)
                })
            }
            Pixels::Encoded(images) => images.checksum(self.len),
        };
        self.labels().iter().fold(pixels, |sum, label| crc32c::crc32c_append(sum, &label.to_le_bytes()))
    }

    fn span(&self, index: usize) -> Range<usize> {
        assert!(index < self.len, "image {index} of a set of {}", self.len);
        index * self.shape.len()..(index + 1) * self.shape.len()
    }
}

impl fmt::Debug for ImageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = self.classes().len();
        write!(f, "ImageSet({} images of {}, {classes} classes)", self.len, self.shape)
    }
}
