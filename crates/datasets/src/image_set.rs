//! Labelled images in memory.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use crate::{BatchOptions, Batches, Error, View};

/// Training and test images of one data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The name users type: `cifar10`, `cifar100`, `synthetic`.
    pub name: String,
    /// Images to learn from.
    pub train: ImageSet,
    /// Images to measure on.
    pub test: ImageSet,
}

impl Dataset {
    /// A checksum of both parts: see [`ImageSet::checksum`].
    pub fn checksum(&self) -> u32 {
        // Turned, so that equal parts do not cancel and exchanged ones are told.
        self.train.checksum() ^ self.test.checksum().rotate_left(1)
    }
}

/// How many images of a data set to read, the first ones of each part in its own order; all where there is no number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of the training images.
    pub train: Option<usize>,
    /// Of the test images.
    pub test: Option<usize>,
}

/// Shape of an image: planes × rows × columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// Colour planes.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// An RGB image of 32×32, the shape of CIFAR.
    pub const RGB32: Self = Self { channels: 3, height: 32, width: 32 };

    /// Values per image: channels · height · width.
    pub const fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether an image of this shape has no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// The pixels of a set, (N, C, H, W).
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 0 to 255, as photographs come.
    Bytes(Vec<u8>),
    /// Numbers in [0, 1], as computed images come.
    Unit(Vec<f32>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Unit(values) => values.len(),
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

/// Labelled images of one shape, one class number per image.
///
/// Clones share the pixels, so passing a set to background threads costs nothing.
///
/// ```
/// use datasets::{ImageSet, ImageShape};
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let classes = ["dark", "light"].map(String::from);
/// let mut set = ImageSet::new(vec![0, 10, 200, 255], vec![0, 1], classes.into(), shape)?;
/// assert_eq!(set.len(), 2);
/// assert_eq!(*set.bytes(1), [200, 255]);
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
    pixels: Pixels,
    labels: Vec<u32>,
    classes: Arc<[String]>,
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
        let len = labels.len();
        Ok(Self { storage: Arc::new(Storage { pixels, labels, classes }), shape, len })
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

    /// Pixels of image `index`, (C, H, W), 0 to 255; numbers in [0, 1] as the nearest byte.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len), as for a slice.
    pub fn bytes(&self, index: usize) -> Cow<'_, [u8]> {
        match &self.storage.pixels {
            Pixels::Bytes(bytes) => Cow::Borrowed(&bytes[self.span(index)]),
            Pixels::Unit(values) => {
                let byte = |value: &f32| (255.0 * value.clamp(0.0, 1.0)).round() as u8;
                Cow::Owned(values[self.span(index)].iter().map(byte).collect())
            }
        }
    }

    /// Writes image `index`, seen through `view`, to `out`: (C, H, W) in [0, 1], a byte divided by 255.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len), or `out` is not of the set's shape.
    pub fn write(&self, index: usize, view: View, out: &mut [f32]) {
        match &self.storage.pixels {
            Pixels::Bytes(bytes) => view.apply(&bytes[self.span(index)], self.shape, out),
            Pixels::Unit(values) => view.apply(&values[self.span(index)], self.shape, out),
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

    /// A checksum (CRC-32C) of all pixels and labels: another set has another one, but for one case in four billion.
    pub fn checksum(&self) -> u32 {
        let end = self.len * self.shape.len();
        let pixels = match &self.storage.pixels {
            Pixels::Bytes(bytes) => crc32c::crc32c(&bytes[..end]),
            Pixels::Unit(values) => {
                let mut buffer = Vec::with_capacity(1 << 16);
                values[..end].chunks(1 << 14).fold(0, |sum, values| {
                    buffer.clear();
                    buffer.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    crc32c::crc32c_append(sum, &buffer)
                })
            }
        };
        self.labels().iter().fold(pixels, |sum, label| crc32c::crc32c_append(sum, &label.to_le_bytes()))
    }

    /// The images in batches: see [`BatchOptions`].
    pub fn batches(&self, options: BatchOptions) -> Batches {
        Batches::new(self.clone(), options)
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
