//! Images of bytes, one after the other.

use std::{
    io::{self, Write},
    path::Path,
};

use files::Pending;

use crate::{
    Error, ImageShape,
    npy::{header, unwritable},
};

/// Writes an array (N, H, W, C) of u8, image by image. Memory does not grow with the number of images; the file appears once
/// all are there.
#[derive(Debug)]
pub struct Writer {
    file: Pending,
    shape: ImageShape,
    /// Images that are still to come.
    missing: usize,
    /// Images (B, H, W, C).
    images: Vec<u8>,
}

impl Writer {
    /// Begins a file of `count` images.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, shape: ImageShape, count: usize) -> Result<Self, Error> {
        let mut file = Pending::create(path)?;
        let header = header("|u1", &[count, shape.height, shape.width, shape.channels]);
        file.write_all(&header).map_err(unwritable(path))?;
        Ok(Self { file, shape, missing: count, images: Vec::new() })
    }

    /// Appends images (B, C, H, W).
    ///
    /// # Errors
    /// If they are no whole number of images, or more than there are to be, or the disk is full.
    pub fn put(&mut self, images: &[u8]) -> Result<(), Error> {
        let size = self.shape.len();
        let count = images.len() / size.max(1);
        if !images.len().is_multiple_of(size.max(1)) || count > self.missing {
            let found =
                format!("{} bytes where {} images of {} are missing", images.len(), self.missing, self.shape);
            return Err(unwritable(self.file.path())(io::Error::other(found)));
        }
        self.images.resize(images.len(), 0);
        let each = images.chunks_exact(size.max(1)).zip(self.images.chunks_exact_mut(size.max(1)));
        each.for_each(|(from, to)| planes_together(from, to, self.shape));
        let written = self.file.write_all(&self.images);
        written.map_err(unwritable(self.file.path()))?;
        self.missing -= count;
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If images are missing, or the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        if self.missing > 0 {
            let missing = io::Error::other(format!("the last {} images are missing", self.missing));
            return Err(unwritable(self.file.path())(missing));
        }
        Ok(self.file.finish()?)
    }
}

/// (C, H, W) → (H, W, C).
fn planes_together(from: &[u8], to: &mut [u8], shape: ImageShape) {
    let pixels = shape.height * shape.width;
    if let (3, (red, rest)) = (shape.channels, from.split_at(pixels.min(from.len()))) {
        // The usual case side by side, three times as fast as plane by plane.
        let planes = red.iter().zip(&rest[..pixels]).zip(&rest[pixels..]);
        to.chunks_exact_mut(3).zip(planes).for_each(|(to, ((r, g), b))| to.copy_from_slice(&[*r, *g, *b]));
        return;
    }
    for (channel, plane) in from.chunks_exact(pixels).enumerate() {
        to[channel..].iter_mut().step_by(shape.channels).zip(plane).for_each(|(to, from)| *to = *from);
    }
}
