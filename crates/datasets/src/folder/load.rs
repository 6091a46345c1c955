//! Reading images of any classes.

use std::path::Path;

use super::{
    assemble::from_listing,
    options::{Layout, Options},
};
use crate::{Dataset, Error};

/// Reads a folder of images, or an archive of one. Either part may be missing, not both.
///
/// Images are RGB: grey, palette, CMYK and 16-bit images are converted (of 16 bits the upper 8 are kept; Pillow 13 clips grey ones at 255),
/// transparency is dropped, and the orientation that EXIF notes is ignored but for TIFF, as torchvision does it. Links are followed inside
/// the folder only.
///
/// ```
/// use datasets::folder::{self, Options};
/// let root = tempfile::tempdir()?;
/// for (part, class) in [("train", "dark"), ("train", "light"), ("test", "light")] {
///     let folder = root.path().join(part).join(class);
///     std::fs::create_dir_all(&folder)?;
///     // A binary PPM: 2×2 pixels.
///     std::fs::write(folder.join("0.ppm"), [b"P6 2 2 255\n".as_slice(), &[if class == "dark" { 0 } else { 255 }; 12]].concat())?;
/// }
/// let data = folder::load(root.path(), Options::default())?;
/// assert_eq!((data.train.labels(), data.test.labels()), (&[0, 1][..], &[1][..]));
/// assert_eq!(data.train.shape().width, 2);
/// assert_eq!(data.train.bytes(1)?[0], 255);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoFolder`] if there is no image below `train/`, `val/` or `test/`; [`Error::UnknownClass`], [`Error::LinkOut`], [`Error::Archive`],
/// [`Error::Read`] or [`Error::Corrupt`] about one of the files; [`Error::Table`] or [`Error::Batch`] about tables.
pub fn load(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load(root, options)
}

impl Layout {
    /// Reads images of any classes, as [`load`] does.
    ///
    /// ```
    /// use datasets::folder::{Layout, Options};
    /// let root = tempfile::tempdir()?;
    /// for (class, image) in [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 0), ("b", 1)] {
    ///     let folder = root.path().join(class);
    ///     std::fs::create_dir_all(&folder)?;
    ///     std::fs::write(folder.join(format!("{image}.ppm")), b"P6 1 1 255\n\0\0\0")?;
    /// }
    /// // There is no train/ and val/: all are test images, or some of each class are.
    /// let all = Layout::default().load(root.path(), Options::default())?;
    /// assert_eq!((all.train.len(), all.test.len()), (0, 6));
    /// let split = Layout { val_fraction: Some(0.25), ..Layout::default() }.load(root.path(), Options::default())?;
    /// assert_eq!((split.train.labels(), split.test.labels()), (&[0, 1, 0, 0][..], &[0, 1][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`]; [`Error::NoLabels`] or [`Error::LabelList`] about images in no folder of a class.
    pub fn load(&self, root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
        from_listing("folder", self.listing(root.as_ref(), options.limits)?, options)
    }
}
