//! Folders and archives of images, as people have them.
//!
//! ```text
//! {root}/train/{class}/…/image.jpg          jpg, jpeg, png, bmp, ppm, pgm, webp, tif, tiff or gif
//! {root}/val/{class}/…                      or valid/, validation/, test/, testing/; Train/ and training/ too
//! {root}/val/image.jpg                      flat, with a list of labels: Tiny-ImageNet, ImageNet as Kaggle has it, or Layout::val_labels
//! {root}/train.tar, {root}/val.tar          an archive a part: ImageNet as it is published, an archive a class in the one of train
//! {root}/imagenet-train-000017.tar          shards of WebDataset: key.jpg, key.cls or key.json
//! {root}/{class}/…                          no parts: all are test images, or Layout::val_fraction of them
//! ```
//!
//! `root` is such a folder, or an archive of one: zip, or tar, plain or compressed by gzip, bzip2, xz or zstd. Images in a plain tar or a
//! zip archive are read from where they are; what is in a compressed tar is kept in memory. Classes are the folders of `train/`, sorted by
//! name (those of `val/` where there is nothing to train on). The set's own order takes the first image of each class, then the second of
//! each, and so on, so that the first n are of all classes.
//!
//! A folder of tables, or a table, may stand for one of images: Parquet or Arrow files with a column of images and one of labels, as the
//! Hugging Face Hub has them and Python's `datasets` saves them:
//!
//! ```text
//! {root}/…/train-00000-of-00005.parquet, {root}/…/train/0000.parquet     and the same of validation, valid, val, dev or test
//! {root}/train/data-00000-of-00001.arrow                                 save_to_disk
//! {root}/….parquet, {root}/….arrow, or {root} itself                     no split: all are test images, or Layout::val_fraction of them
//! ```
//!
//! The images are in `img` or `image` (bytes, or a structure with `bytes`), the labels in `label`, `labels` or `fine_label`, or as
//! [`Layout::labels`] says. Their order is that of the rows. Of Arrow files only places and labels are in memory; of Parquet files the
//! images are, as far as the limits reach.
//!
//! Where most images are squares of the side that is asked for, these are taken as they are, the others resized, and all decoded once if that
//! takes no more than [`IN_MEMORY`]. Otherwise they stay in their files and are decoded when a batch is made of them: test images by
//! torchvision's `Resize(256)` and `CenterCrop(224)`, training images by `RandomResizedCrop(224)` and a flip (other sides in the same
//! proportion; [`Options`] names another size to resize to, and another filter). Which decoders and what becomes of grey, CMYK and 16-bit images: RGB of 8 bits, as described at [`load`].

mod imagenet;
mod labels;
mod layout;
mod listing;
mod names;
mod parts;
mod shards;
mod sizes;
mod split;
pub(crate) mod tables;
mod tree;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

pub use self::imagenet::{imagenet_classes, load_imagenet, load_restricted_imagenet};
pub(crate) use self::listing::{Image, Listing, nearby};
use self::{
    shards::Shards,
    sizes::{Odd, Sample},
    tables::Tables,
    tree::Tree,
};
use crate::{
    Dataset, Encoded, Error, ImageSet, ImageShape, Interpolation, Limits, Note, OnCorrupt, Pixels, Resize,
    cifar::Labels, images::encoded::Fit,
};

/// Bytes of pixels up to which a part of a data set is kept decoded.
pub const IN_MEMORY: usize = 1 << 30;

/// The side of images that are not all of one square size, if none is asked for.
pub const SIDE: usize = 224;

/// How a folder is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Rows and columns of an image; without it those of the images if most are squares of one size, else [`SIDE`].
    pub side: Option<usize>,
    /// What images are resized to before the middle is cut out; without it a shorter side of 256 for a side of 224, and in this
    /// proportion for others.
    pub resize: Option<Resize>,
    /// By which filter images are resized.
    pub interpolation: Interpolation,
    /// How many images.
    pub limits: Limits,
    /// What becomes of damaged ones.
    pub on_corrupt: OnCorrupt,
}

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
/// [`Error::Read`] or [`Error::Corrupt`] about one of the files; [`Error::Table`], [`Error::NoImageBytes`] or [`Error::Batch`] about tables.
pub fn load(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load(root, options)
}

/// How the images lie below a root, as far as their names do not say it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Whether links out of the root are followed. Without, they are refused: a data set from elsewhere may hold any.
    pub follows_links: bool,
    /// A list of the labels of test images that lie in no folder of a class: `name class` a line, or a class a line in the order of
    /// the names; a class is a folder's name, or its place from 0.
    pub val_labels: Option<PathBuf>,
    /// What part of the images of each class is split off as test images, where there are no others: above 0 and below 1.
    pub val_fraction: Option<f64>,
    /// The seed of which these are.
    pub val_seed: u64,
    /// Which labels of a table that has two kinds of them, as CIFAR-100 does: in `label`, `labels` or `fine_label`, or in `coarse_label`.
    pub labels: Labels,
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

    /// The images of tables, if there are tables, or of files. The limits spare reading what is beyond them, where images must be read to be
    /// listed; which are taken is decided later.
    fn listing(&self, root: &Path, limits: Limits) -> Result<Listing, Error> {
        let Some(tables) = Tables::find(root, self.follows_links)? else {
            return match Shards::find(root) {
                Some(shards) => shards.listing(self),
                None => layout::listing(Tree::read(root, self.follows_links)?, self),
            };
        };
        let is_whole = tables.is_whole;
        let limits = if self.val_fraction.is_some() { Limits::default() } else { limits };
        let mut listing = tables.listing(self.labels, limits)?;
        listing.split_off(self, is_whole);
        Ok(listing)
    }
}

/// The data set of images that were listed, in their order.
pub(crate) fn from_listing(name: &str, listing: Listing, options: Options) -> Result<Dataset, Error> {
    let Listing { root, store, classes, train, test, mut notes, .. } = listing;
    let classes: Arc<[String]> = classes.into();
    let store = Arc::new(store);
    let part = |images: Vec<Image>| {
        let (names, rest): (Vec<_>, Vec<_>) =
            images.into_iter().map(|image| (image.name, (image.place, image.label))).unzip();
        let (places, labels): (Vec<_>, Vec<u32>) = rest.into_iter().unzip();
        let encoded = Encoded {
            root: root.clone(),
            names,
            places,
            store: Arc::clone(&store),
            shape: ImageShape { channels: 3, height: 0, width: 0 },
            fit: Fit { keeps: false, to: Resize::Shorter(0), interpolation: options.interpolation },
            on_corrupt: options.on_corrupt,
            left_out: Mutex::default(),
        };
        (encoded, labels)
    };
    let mut parts = [part(train), part(test)];
    let sample = sizes::sample(&parts.each_ref().map(|(encoded, _)| encoded));
    for ((encoded, labels), limit) in parts.iter_mut().zip([options.limits.train, options.limits.test]) {
        let kept = limit.unwrap_or(usize::MAX);
        encoded.names.truncate(kept);
        encoded.places.truncate(kept);
        labels.truncate(kept);
    }
    let side = options.side.or(sample.common).unwrap_or(SIDE);
    let to = options.resize.unwrap_or_else(|| usual_size(side));
    if to.length() < side {
        return Err(Error::ResizeBelowSide { to, side });
    }
    let keeps = sample.common == Some(side);
    // Where none could be looked at, the reason is told now.
    let odd = match keeps || (sample.common, &sample.other) == (None, &None) {
        true => sizes::odd(&parts.each_ref().map(|(encoded, _)| encoded), side)?,
        false => None,
    };
    notes.extend(size_notes(&sample, odd, options.side, side, to));
    for (encoded, _) in &mut parts {
        encoded.shape = ImageShape { channels: 3, height: side, width: side };
        encoded.fit = Fit { keeps, to, interpolation: options.interpolation };
    }
    let [train, test] = parts.map(|(encoded, labels)| set(encoded, labels, &classes));
    Ok(Dataset { name: name.to_owned(), train: train?, test: test?, notes })
}

/// What to tell of images that are resized.
fn size_notes(
    sample: &Sample,
    odd: Option<Odd>,
    asked: Option<usize>,
    side: usize,
    to: Resize,
) -> Option<Note> {
    if let Some(Odd { count, path, size }) = odd {
        return Some(Note::OddSizes { side, count, path, size });
    }
    match (sample.common, &sample.other) {
        // A wave of two of their pixels is the finest that they have.
        (Some(common), _) if common < to.length() && common != side => {
            Some(Note::Enlarged { from: common, side, finest: common * side / (2 * to.length()) })
        }
        (None, Some((path, size))) if asked.is_none() => {
            Some(Note::Resized { side, path: path.clone(), size: *size })
        }
        _ => None,
    }
}

/// Of photographs of 224 pixels the shorter side is resized to 256, and in this proportion for others.
fn usual_size(side: usize) -> Resize {
    Resize::Shorter(((side * 256) as f64 / 224.0).round() as usize)
}

fn set(encoded: Encoded, labels: Vec<u32>, classes: &Arc<[String]>) -> Result<ImageSet, Error> {
    let shape = encoded.shape;
    let set = ImageSet::new(Pixels::Encoded(encoded), labels, Arc::clone(classes), shape)?;
    let is_small = set.len().saturating_mul(shape.len()) <= IN_MEMORY;
    if set.is_whole() && is_small { set.decoded() } else { Ok(set) }
}
