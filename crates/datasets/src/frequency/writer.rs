//! Images of bytes, one after the other.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    Error, ImageShape,
    npy::{aside, header, unwritable},
};

/// Writes an array (N, H, W, C) of u8, image by image. Memory does not grow with the number of images; the file appears once
/// all are there.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    aside: PathBuf,
    file: BufWriter<File>,
    shape: ImageShape,
    /// Images that are still to come.
    missing: usize,
    /// An image (H, W, C).
    image: Vec<u8>,
}

impl Writer {
    /// Begins a file of `count` images.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, shape: ImageShape, count: usize) -> Result<Self, Error> {
        let aside = aside(path);
        let file = File::create(&aside).map_err(unwritable(&aside))?;
        let image = vec![0; shape.len()];
        let mut writer =
            Self { path: path.to_owned(), aside, file: BufWriter::new(file), shape, missing: count, image };
        let header = header("|u1", &[count, shape.height, shape.width, shape.channels]);
        writer.file.write_all(&header).map_err(unwritable(&writer.aside))?;
        Ok(writer)
    }

    /// Appends images (B, C, H, W).
    ///
    /// # Errors
    /// If they are no whole number of images, or more than there are to be, or the disk is full.
    pub fn put(&mut self, images: &[u8]) -> Result<(), Error> {
        let (size, pixels) = (self.shape.len(), self.shape.height * self.shape.width);
        let count = images.len() / size.max(1);
        if !images.len().is_multiple_of(size.max(1)) || count > self.missing {
            let found =
                format!("{} bytes where {} images of {} are missing", images.len(), self.missing, self.shape);
            return Err(unwritable(&self.path)(io::Error::other(found)));
        }
        for image in images.chunks_exact(size.max(1)) {
            for (channel, plane) in image.chunks_exact(pixels).enumerate() {
                let to = self.image[channel..].iter_mut().step_by(self.shape.channels);
                to.zip(plane).for_each(|(to, from)| *to = *from);
            }
            self.file.write_all(&self.image).map_err(unwritable(&self.aside))?;
        }
        self.missing -= count;
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If images are missing, or the file cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.missing > 0 {
            let missing = io::Error::other(format!("the last {} images are missing", self.missing));
            return Err(unwritable(&self.path)(missing));
        }
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(unwritable(&self.aside))?;
        fs::rename(&self.aside, &self.path).map_err(unwritable(&self.path))
    }
}

impl Drop for Writer {
    /// What is not finished leaves nothing behind.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.aside);
    }
}
