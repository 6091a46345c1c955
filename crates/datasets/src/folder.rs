//! Folders of images, a folder a class, as torchvision's `ImageFolder` reads them.
//!
//! ```text
//! {root}/train/{class}/…/image.jpg          jpg, jpeg, png, bmp, ppm, pgm or webp
//! {root}/val/{class}/…                      or test/
//! ```
//!
//! `root` is such a folder, or a tar archive of one: plain, or compressed by gzip, xz or zstd. Classes are the folders of `train/`, sorted by name
//! (those of `val/` where there is nothing to train on). The set's own order takes the first image of each class, then the second of each,
//! and so on, so that the first n are of all classes.
//!
//! Where all images have the side that is asked for they are taken as they are, and decoded once if that takes no more than
//! [`IN_MEMORY`]. Otherwise they stay in their files and are decoded when a batch is made of them: test images by
//! torchvision's `Resize(256)` and `CenterCrop(224)`, training images by `RandomResizedCrop(224)` and a flip (other sides in the same
//! proportion). Which decoders and what becomes of grey, CMYK and 16-bit images: RGB of 8 bits, as described at [`load`].

mod listing;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use rayon::prelude::*;

use self::listing::take_turns;
pub(crate) use self::listing::{Image, Listing, nearby};
use crate::{
    Dataset, Encoded, Error, ImageSet, ImageShape, Limits, Note, OnCorrupt, Pixels, images::encoded::Fit,
};

/// Bytes of pixels up to which a part of a data set is kept decoded.
pub const IN_MEMORY: usize = 1 << 30;

/// The side of images that are not all of one square size, if none is asked for.
pub const SIDE: usize = 224;

/// How a folder is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Rows and columns of an image; without it those of the images if they are squares of one size, else [`SIDE`].
    pub side: Option<usize>,
    /// How many images.
    pub limits: Limits,
    /// What becomes of damaged ones.
    pub on_corrupt: OnCorrupt,
}

/// Reads a folder of images, or an archive of one. Either part may be missing, not both.
///
/// Images are RGB: grey, palette, CMYK and 16-bit images are converted (of 16 bits the upper 8 are kept), transparency is dropped, and the
/// orientation that EXIF notes is ignored, as torchvision does all that. Links are followed inside the folder only.
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
/// [`Error::Read`] or [`Error::Corrupt`] about one of the files.
pub fn load(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    let listing = Listing::read(root.as_ref())?;
    from_listing("folder", listing, options)
}

/// Reads ImageNet: a folder as [`load`] takes it, with the 1000 classes named by their WordNet numbers. Without a side it is [`SIDE`].
///
/// # Errors
/// As [`load`]; [`Error::NotImageNet`] if the classes are not 1000, or not named so.
pub fn load_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    let listing = imagenet(root.as_ref())?;
    from_listing("imagenet", listing, Options { side: options.side.or(Some(SIDE)), ..options })
}

/// Reads Restricted ImageNet: of ImageNet the classes that are one of nine kinds of animals, and these as classes.
///
/// # Errors
/// As [`load_imagenet`].
pub fn load_restricted_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    let mut listing = imagenet(root.as_ref())?;
    let kind = |label: u32| RESTRICTED.iter().position(|&(_, first, last)| (first..=last).contains(&label));
    for part in [&mut listing.train, &mut listing.test] {
        part.retain_mut(|image| kind(image.label).map(|kind| image.label = kind as u32).is_some());
        take_turns(part);
    }
    listing.classes = RESTRICTED.iter().map(|kind| kind.0.to_owned()).collect();
    from_listing("resIN", listing, Options { side: options.side.or(Some(SIDE)), ..options })
}

/// The kinds of Restricted ImageNet, with the first and the last of their classes.
const RESTRICTED: [(&str, u32, u32); 9] = [
    ("dog", 151, 268),
    ("cat", 281, 285),
    ("frog", 30, 32),
    ("turtle", 33, 37),
    ("bird", 80, 100),
    ("monkey", 365, 382),
    ("fish", 389, 397),
    ("crab", 118, 121),
    ("insect", 300, 319),
];

fn imagenet(root: &Path) -> Result<Listing, Error> {
    let listing = Listing::read(root)?;
    let is_wnid = |name: &String| {
        name.len() == 9 && name.starts_with('n') && name[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let found = listing.classes.iter().filter(|name| is_wnid(name)).count();
    if found == 1000 && listing.classes.len() == 1000 {
        return Ok(listing);
    }
    Err(Error::NotImageNet { root: root.to_path_buf(), found, folders: listing.classes.len() })
}

/// The data set of images that were listed, in their order.
pub(crate) fn from_listing(name: &str, listing: Listing, options: Options) -> Result<Dataset, Error> {
    let Listing { root, store, classes, train, test, mut notes } = listing;
    let classes: Arc<[String]> = classes.into();
    let (store, limits) = (Arc::new(store), options.limits);
    let part = |images: Vec<Image>, limit: Option<usize>| {
        let kept = limit.unwrap_or(usize::MAX);
        let (names, rest): (Vec<_>, Vec<_>) =
            images.into_iter().take(kept).map(|image| (image.name, (image.place, image.label))).unzip();
        let (places, labels): (Vec<_>, Vec<u32>) = rest.into_iter().unzip();
        let shape = ImageShape { channels: 3, height: 0, width: 0 };
        let (fit, on_corrupt, left_out) = (Fit::Resized, options.on_corrupt, Mutex::default());
        (
            Encoded {
                root: root.clone(),
                names,
                places,
                store: Arc::clone(&store),
                shape,
                fit,
                on_corrupt,
                left_out,
            },
            labels,
        )
    };
    let mut parts = [part(train, limits.train), part(test, limits.test)];
    let (common, odd) = match common_side(&parts)? {
        Sides::Common(side) => (side, None),
        Sides::Odd(odd) => (None, Some(odd)),
    };
    let side = options.side.or(common).unwrap_or(SIDE);
    if let (None, Some(Odd { path, size, others })) = (options.side, odd) {
        notes.push(Note::Resized { side, path, size, others });
    }
    for (encoded, _) in &mut parts {
        encoded.shape = ImageShape { channels: 3, height: side, width: side };
        encoded.fit = if common == Some(side) { Fit::AsTheyAre } else { Fit::Resized };
    }
    let [train, test] = parts.map(|(encoded, labels)| set(encoded, labels, &classes));
    Ok(Dataset { name: name.to_owned(), train: train?, test: test?, notes })
}

fn set(encoded: Encoded, labels: Vec<u32>, classes: &Arc<[String]>) -> Result<ImageSet, Error> {
    let shape = encoded.shape;
    let set = ImageSet::new(Pixels::Encoded(encoded), labels, Arc::clone(classes), shape)?;
    let is_small = set.len().saturating_mul(shape.len()) <= IN_MEMORY;
    if set.is_whole() && is_small { set.decoded() } else { Ok(set) }
}

/// What was found of the sizes of images.
enum Sides {
    /// All are squares of this side; nothing without images.
    Common(Option<usize>),
    /// They are not.
    Odd(Odd),
}

/// The first image that is not a square of the size of those before it.
struct Odd {
    path: String,
    /// Columns and rows.
    size: [usize; 2],
    others: Option<usize>,
}

/// The side of all images, if they are squares of one size. Photographs differ soon, so few files are opened for the answer.
fn common_side(parts: &[(Encoded, Vec<u32>)]) -> Result<Sides, Error> {
    const AT_ONCE: usize = 256;
    let mut common = None;
    for (encoded, _) in parts {
        let indices: Vec<usize> = (0..encoded.len()).collect();
        for some in indices.chunks(AT_ONCE) {
            let sizes: Vec<_> = some.par_iter().map(|&index| encoded.size(index)).collect();
            for (&index, size) in some.iter().zip(sizes) {
                let (width, height) = match size {
                    Err(Error::Corrupt { .. }) if encoded.on_corrupt == OnCorrupt::Skip => continue,
                    size => size?,
                };
                let others = common;
                let side = *common.get_or_insert(width);
                if (width, height) != (side, side) {
                    let path = encoded.names[index].clone();
                    return Ok(Sides::Odd(Odd { path, size: [width, height], others }));
                }
            }
        }
    }
    Ok(Sides::Common(common))
}
