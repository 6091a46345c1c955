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
//! Where most images are squares of the side that is asked for, these are taken as they are, the others resized, and all decoded once if that
//! takes no more than [`IN_MEMORY`]. Otherwise they stay in their files and are decoded when a batch is made of them: test images by
//! torchvision's `Resize(256)` and `CenterCrop(224)`, training images by `RandomResizedCrop(224)` and a flip (other sides in the same
//! proportion; [`Options`] names another size to resize to, and another filter). Which decoders and what becomes of grey, CMYK and 16-bit images: RGB of 8 bits, as described at [`load`].

mod listing;
mod sizes;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

pub(crate) use self::listing::{Image, Listing, nearby};
use self::{
    listing::take_turns,
    sizes::{Odd, Sample},
};
use crate::{
    Dataset, Encoded, Error, HeadOutputs, ImageSet, ImageShape, Interpolation, Limits, Note, OnCorrupt,
    OutputsOrigin, Pixels, Resize, images::encoded::Fit,
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

/// Reads ImageNet: a folder as [`load`] takes it, with classes named by their WordNet numbers; all 1000, or a part of them, as
/// ImageNette and ImageNet-A have it. A part says which outputs of a network for all they are ([`ImageSet::outputs`]). Without a side it
/// is [`SIDE`].
///
/// # Errors
/// As [`load`]; [`Error::NotImageNet`] if a class is none of [`imagenet_classes`], or there is only one.
pub fn load_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    let mut listing = imagenet(root.as_ref(), 2)?;
    let outputs: Vec<usize> = places(&listing.classes).collect();
    let is_part = outputs.len() < imagenet_classes().count();
    listing.notes.extend(is_part.then_some(Note::PartOfImageNet { found: outputs.len() }));
    let options = Options { side: options.side.or(Some(SIDE)), ..options };
    let dataset = from_listing("imagenet", listing, options)?;
    if !is_part {
        return Ok(dataset);
    }
    dataset.with_outputs(&HeadOutputs::new(outputs, OutputsOrigin::WordNet))
}

/// Reads Restricted ImageNet: of ImageNet the classes that are one of nine kinds of animals, and these as classes.
///
/// # Errors
/// As [`load_imagenet`], and if a class of the 1000 is missing.
pub fn load_restricted_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    let mut listing = imagenet(root.as_ref(), 1000)?;
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

/// The classes of ILSVRC2012, by their WordNet numbers, in the order of their labels.
///
/// ```
/// let classes: Vec<&str> = datasets::folder::imagenet_classes().collect();
/// assert_eq!((classes.len(), classes[0], classes[151]), (1000, "n01440764", "n02085620"));
/// ```
pub fn imagenet_classes() -> impl Iterator<Item = &'static str> {
    include_str!("folder/imagenet.txt").lines()
}

/// A folder of at least so many of ImageNet's classes, and of no others.
fn imagenet(root: &Path, least: usize) -> Result<Listing, Error> {
    let listing = Listing::read(root)?;
    let known: BTreeSet<&str> = imagenet_classes().collect();
    let found: BTreeSet<&str> = listing.classes.iter().map(String::as_str).collect();
    if found.len() >= least && found.is_subset(&known) {
        return Ok(listing);
    }
    let first = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        one.difference(other).next().map(|&name| name.to_owned())
    };
    let needs_all = least == known.len();
    Err(Error::NotImageNet {
        root: root.to_path_buf(),
        found: found.intersection(&known).count(),
        expected: if needs_all { "all 1000" } else { "two or more of the 1000" },
        missing: if needs_all { first(&known, &found) } else { None },
        stranger: first(&found, &known),
    })
}

/// The places of classes among ImageNet's.
fn places(classes: &[String]) -> impl Iterator<Item = usize> {
    let known: BTreeMap<&str, usize> = imagenet_classes().enumerate().map(|(at, name)| (name, at)).collect();
    classes.iter().filter_map(move |class| known.get(class.as_str()).copied())
}

/// The data set of images that were listed, in their order.
pub(crate) fn from_listing(name: &str, listing: Listing, options: Options) -> Result<Dataset, Error> {
    let Listing { root, store, classes, train, test, mut notes } = listing;
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
