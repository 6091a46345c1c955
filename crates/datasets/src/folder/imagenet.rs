//! ImageNet (ILSVRC2012) and what is made of it.

use std::{collections::BTreeSet, path::Path};

use super::{Layout, Listing, Options, SIDE, from_listing, listing::take_turns};
use crate::{Dataset, Error};

/// Reads ImageNet: a folder as [`load`] takes it, with the 1000 classes named by their WordNet numbers. Without a side it is [`SIDE`].
///
/// # Errors
/// As [`load`]; [`Error::NotImageNet`] if the classes are not [`imagenet_classes`].
pub fn load_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load_imagenet(root, options)
}

/// Reads Restricted ImageNet: of ImageNet the classes that are one of nine kinds of animals, and these as classes.
///
/// # Errors
/// As [`load_imagenet`].
pub fn load_restricted_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load_restricted_imagenet(root, options)
}

impl Layout {
    /// Reads ImageNet, as [`load_imagenet`] does.
    ///
    /// # Errors
    /// As [`load_imagenet`].
    pub fn load_imagenet(&self, root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
        let listing = imagenet(self.listing(root.as_ref())?)?;
        from_listing("imagenet", listing, Options { side: options.side.or(Some(SIDE)), ..options })
    }

    /// Reads Restricted ImageNet, as [`load_restricted_imagenet`] does.
    ///
    /// # Errors
    /// As [`load_imagenet`].
    pub fn load_restricted_imagenet(
        &self,
        root: impl AsRef<Path>,
        options: Options,
    ) -> Result<Dataset, Error> {
        let mut listing = imagenet(self.listing(root.as_ref())?)?;
        let kind =
            |label: u32| RESTRICTED.iter().position(|&(_, first, last)| (first..=last).contains(&label));
        for part in [&mut listing.train, &mut listing.test] {
            part.retain_mut(|image| kind(image.label).map(|kind| image.label = kind as u32).is_some());
            take_turns(part);
        }
        listing.classes = RESTRICTED.iter().map(|kind| kind.0.to_owned()).collect();
        from_listing("resIN", listing, Options { side: options.side.or(Some(SIDE)), ..options })
    }
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
    include_str!("imagenet.txt").lines()
}

fn imagenet(listing: Listing) -> Result<Listing, Error> {
    let expected: BTreeSet<&str> = imagenet_classes().collect();
    let found: BTreeSet<&str> = listing.classes.iter().map(String::as_str).collect();
    if found == expected {
        return Ok(listing);
    }
    let first = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        one.difference(other).next().map(|&name| name.to_owned())
    };
    Err(Error::NotImageNet {
        root: listing.root,
        found: found.intersection(&expected).count(),
        missing: first(&expected, &found),
        stranger: first(&found, &expected),
    })
}
