//! A part of a data set, image by image in any order.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{IMAGES, LABELS};
use crate::{
    Error, ImageShape,
    npy::{aside, header, unwritable as failed, write_whole},
};

/// Writes `images.npy` and `labels.npy` of one part. Memory does not grow with the number of images; the files appear once
/// all images are there.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    aside: PathBuf,
    images: File,
    header: usize,
    shape: ImageShape,
    labels: Vec<u8>,
    is_there: Vec<bool>,
}

impl Writer {
    /// Begins a part with these labels, an image each.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be written, or a label is no byte.
    pub fn create(folder: &Path, shape: ImageShape, labels: &[u32]) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let bytes: Result<Vec<u8>, _> = labels.iter().map(|&label| u8::try_from(label)).collect();
        let labels = bytes.map_err(|error| failed(folder)(io::Error::other(format!("labels: {error}"))))?;
        let aside = aside(&folder.join(IMAGES));
        let header = header("<f4", &[labels.len(), shape.channels, shape.height, shape.width]);
        let mut images = File::create(&aside).map_err(failed(&aside))?;
        images.write_all(&header).map_err(failed(&aside))?;
        let (header, is_there) = (header.len(), vec![false; labels.len()]);
        Ok(Self { folder: folder.to_owned(), aside, images, header, shape, labels, is_there })
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
        sought.and_then(|_| self.images.write_all(&bytes)).map_err(failed(&self.aside))
    }

    /// Puts the files in their place.
    ///
    /// # Errors
    /// If an image is missing, or a file cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        if let Some(index) = self.is_there.iter().position(|is_there| !is_there) {
            let missing = io::Error::other(format!("image {index} is missing"));
            return Err(failed(&self.aside)(missing));
        }
        self.images.sync_all().map_err(failed(&self.aside))?;
        let labels = [header("|u1", &[self.labels.len()]), std::mem::take(&mut self.labels)].concat();
        write_whole(&self.folder.join(LABELS), &labels)?;
        let path = self.folder.join(IMAGES);
        fs::rename(&self.aside, &path).map_err(failed(&path))
    }
}

impl Drop for Writer {
    /// What is not finished leaves nothing behind.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.aside);
    }
}
