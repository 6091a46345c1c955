//! A part of a data set, image by image in any order.

use std::{
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use files::{Pending, write_atomically};

use super::{IMAGES, LABELS};
use crate::{
    Error, ImageShape,
    npy::{header, unwritable},
};

/// Writes `images.npy` and `labels.npy` of one part. Memory does not grow with the number of images; the files appear once
/// all images are there.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    images: Pending,
    header: usize,
    shape: ImageShape,
    labels: Vec<u8>,
    is_there: Vec<bool>,
}

impl Writer {
    /// Begins a part with these labels, an image each.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be written, or a label is above 255.
    pub fn create(folder: &Path, shape: ImageShape, labels: &[u32]) -> Result<Self, Error> {
        files::create_folders(folder)?;
        let bytes: Result<Vec<u8>, _> = labels.iter().map(|&label| u8::try_from(label)).collect();
        let labels =
            bytes.map_err(|error| unwritable(folder)(io::Error::other(format!("labels: {error}"))))?;
        let header = header("<f4", &[labels.len(), shape.channels, shape.height, shape.width]);
        let mut images = Pending::create(&folder.join(IMAGES))?;
        images.write_all(&header).map_err(unwritable(images.path()))?;
        let (header, is_there) = (header.len(), vec![false; labels.len()]);
        Ok(Self { folder: folder.to_owned(), images, header, shape, labels, is_there })
    }

    /// Writes image `index`, (3, H, W) in [0, 1].
    ///
    /// # Errors
    /// If the disk is full.
    ///
    /// # Panics
    /// If there is no such image, or it is of another size.
    pub fn put(&mut self, index: usize, image: &[f32]) -> Result<(), Error> {
        assert_eq!(image.len(), self.shape.len(), "an image of {}", self.shape);
        self.is_there[index] = true;
        let bytes: Vec<u8> = image.iter().flat_map(|value| value.to_le_bytes()).collect();
        let place = (self.header + index * bytes.len()) as u64;
        let sought = self.images.seek(SeekFrom::Start(place));
        let written = sought.and_then(|_| self.images.write_all(&bytes));
        written.map_err(unwritable(self.images.path()))
    }

    /// Puts the files in their place.
    ///
    /// # Errors
    /// If an image is missing, or a file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        if let Some(index) = self.is_there.iter().position(|is_there| !is_there) {
            let missing = io::Error::other(format!("image {index} is missing"));
            return Err(unwritable(self.images.path())(missing));
        }
        // Labels are replaced only once the images are on the disk.
        self.images.sync()?;
        let labels = [header("|u1", &[self.labels.len()]), self.labels].concat();
        write_atomically(&self.folder.join(LABELS), &labels)?;
        Ok(self.images.finish()?)
    }
}
