//! Where the images of a fit come from.

use crate::{Error, images::CHANNELS};

/// Images of one size by number. The same number gives the same image whenever it is asked for, on any thread.
pub trait ImageSource: Sync {
    /// How many images there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Height and width of each, in pixels.
    fn size(&self) -> [usize; 2];

    /// Writes image `index`, (3, H, W) with values in [0, 1], to `pixels`, which has that length.
    fn write(&self, index: usize, pixels: &mut [f32]);
}

/// Images in memory as bytes, (N, 3, H, W), 0 to 255.
///
/// ```
/// use cdes::ImageSource;
/// let images = cdes::ByteImages::new(&[0, 51, 102, 153, 204, 255], [1, 2])?;
/// let mut pixels = [0.0; 6];
/// images.write(0, &mut pixels);
/// assert_eq!(pixels, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
/// assert!(cdes::ByteImages::new(&[0; 7], [1, 2]).is_err());
/// # Ok::<(), cdes::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ByteImages<'a>(Stored<'a, u8>);

/// Images in memory as numbers in [0, 1], (N, 3, H, W).
///
/// ```
/// use cdes::ImageSource;
/// let values = [0.5; 2 * 3 * 4];
/// let images = cdes::FloatImages::new(&values, [2, 2])?;
/// assert_eq!((images.len(), images.size()), (2, [2, 2]));
/// # Ok::<(), cdes::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FloatImages<'a>(Stored<'a, f32>);

impl<'a> ByteImages<'a> {
    /// Images of [height, width].
    ///
    /// # Errors
    /// If there is no whole number of them.
    pub fn new(values: &'a [u8], size: [usize; 2]) -> Result<Self, Error> {
        Ok(Self(Stored::new(values, size)?))
    }
}

impl<'a> FloatImages<'a> {
    /// Images of [height, width].
    ///
    /// # Errors
    /// If there is no whole number of them.
    pub fn new(values: &'a [f32], size: [usize; 2]) -> Result<Self, Error> {
        Ok(Self(Stored::new(values, size)?))
    }
}

impl ImageSource for ByteImages<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn size(&self) -> [usize; 2] {
        self.0.size
    }

    fn write(&self, index: usize, pixels: &mut [f32]) {
        pixels
            .iter_mut()
            .zip(self.0.image(index))
            .for_each(|(pixel, &byte)| *pixel = f32::from(byte) / 255.0);
    }
}

impl ImageSource for FloatImages<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn size(&self) -> [usize; 2] {
        self.0.size
    }

    fn write(&self, index: usize, pixels: &mut [f32]) {
        pixels.copy_from_slice(self.0.image(index));
    }
}

#[derive(Debug, Clone, Copy)]
struct Stored<'a, T> {
    values: &'a [T],
    size: [usize; 2],
    image: usize,
}

impl<'a, T> Stored<'a, T> {
    fn new(values: &'a [T], size: [usize; 2]) -> Result<Self, Error> {
        let image =
            size.into_iter().try_fold(CHANNELS, |product, side| product.checked_mul(side)).unwrap_or(0);
        if image == 0 || !values.len().is_multiple_of(image) {
            let expected = format!("a whole number of images of 3×{}×{}", size[0], size[1]);
            return Err(Error::Length { what: "images in memory", found: values.len(), expected });
        }
        Ok(Self { values, size, image })
    }

    fn len(&self) -> usize {
        self.values.len() / self.image
    }

    fn image(&self, index: usize) -> &'a [T] {
        &self.values[index * self.image..][..self.image]
    }
}
