//! ImageNet (ILSVRC2012) and what is made of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    assemble::from_listing,
    listing::{Kind, Listing, take_turns},
    options::{Layout, Options, SIDE},
};
use crate::{Dataset, Error, HeadOutputs, Limits, Note, OutputsOrigin, TableError};

/// Reads ImageNet: a folder as [`load`](super::load) takes it, with classes named by their WordNet numbers, or by their places from 0 as
/// ImageNet-V2 has them; all 1000, or a part of them, as ImageNette and ImageNet-A have it. A part says which outputs of a network for all
/// they are ([`ImageSet::outputs`](crate::ImageSet::outputs)). Tables may have other names for all 1000 (as `imagenet-1k` of the Hub has): a
/// [`Note`] says that their labels are taken for the places of [`imagenet_classes`]. Without a side it is [`SIDE`].
///
/// # Errors
/// As [`load`](super::load); [`Error::NotImageNet`] if a class is none of [`imagenet_classes`], or there is only one.
pub fn load_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load_imagenet(root, options)
}

/// Reads Restricted ImageNet: of ImageNet the classes that are one of nine kinds of animals, and these as classes.
///
/// # Errors
/// As [`load_imagenet`], and if a class of the 1000 is missing.
pub fn load_restricted_imagenet(root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
    Layout::default().load_restricted_imagenet(root, options)
}

impl Layout {
    /// Reads ImageNet, as [`load_imagenet`] does.
    ///
    /// # Errors
    /// As [`load_imagenet`].
    pub fn load_imagenet(&self, root: impl AsRef<Path>, options: Options) -> Result<Dataset, Error> {
        let (listing, outputs) = imagenet(self.listing(root.as_ref(), options.limits)?, 2)?;
        dataset("imagenet", listing, outputs, options)
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
        let (mut listing, _) = imagenet(self.listing(root.as_ref(), Limits::default())?, 1000)?;
        let kind =
            |label: u32| RESTRICTED.iter().position(|&(_, first, last)| (first..=last).contains(&label));
        for part in [&mut listing.train, &mut listing.test] {
            part.retain_mut(|image| kind(image.label).map(|kind| image.label = kind as u32).is_some());
            if listing.kind == Kind::Files {
                take_turns(part);
            }
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

/// The data set of images whose classes are those of ImageNet in these places.
pub(super) fn dataset(
    name: &str,
    mut listing: Listing,
    places: Vec<usize>,
    options: Options,
) -> Result<Dataset, Error> {
    let is_part = places.len() < imagenet_classes().count();
    listing.notes.extend(is_part.then_some(Note::PartOfImageNet { found: places.len() }));
    let options = Options { side: options.side.or(Some(SIDE)), ..options };
    let dataset = from_listing(name, listing, options)?;
    match is_part {
        true => dataset.with_outputs(&HeadOutputs::new(places, OutputsOrigin::WordNet)),
        false => Ok(dataset),
    }
}

/// Checks that there are at least so many classes of ImageNet and no others, and puts them in ImageNet's order; gives their places in it.
pub(super) fn imagenet(mut listing: Listing, least: usize) -> Result<(Listing, Vec<usize>), Error> {
    if listing.kind == Kind::Rows && listing.classes.iter().all(|class| class.parse::<usize>().is_ok()) {
        // Which classes there are must not depend on how many rows are read.
        if listing.is_limited {
            return Err(Error::Table(TableError::Unfit {
                path: listing.root,
                found: "labels without names, of which only the first were to be read".to_owned(),
                expected: "names of the classes, or all rows".to_owned(),
            }));
        }
        keep_used(&mut listing);
    }
    let known: Vec<&str> = imagenet_classes().collect();
    let places = match places(&listing.classes).filter(|places| places.len() >= least) {
        Some(places) => places,
        // As those of the Hub are.
        None if listing.kind == Kind::Rows && listing.classes.len() == known.len() => {
            listing.notes.push(Note::AssumedImageNet { first: listing.classes[0].clone() });
            return Ok((listing, (0..known.len()).collect()));
        }
        None if listing.kind == Kind::Rows => {
            return Err(Error::Table(TableError::Unfit {
                path: listing.root,
                found: format!("{} classes", listing.classes.len()),
                expected: "the 1000 of ImageNet, with labels in the order of ILSVRC2012".to_owned(),
            }));
        }
        None => return Err(not_imagenet(listing, least)),
    };
    let are_numbers = listing.classes[0] != known[places[0]];
    if are_numbers {
        listing.notes.retain(|note| !matches!(note, Note::NumbersAsText { .. }));
        let (class, stands_for) = (listing.classes[0].clone(), known[places[0]].to_owned());
        listing.notes.push(Note::NumbersAsPlaces { class, stands_for });
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&class| places[class]);
    let mut labels = vec![0; places.len()];
    order.iter().zip(0..).for_each(|(&class, label)| labels[class] = label);
    let is_sorted = order.is_sorted();
    for part in [&mut listing.train, &mut listing.test] {
        part.iter_mut().for_each(|image| image.label = labels[image.label as usize]);
        if !is_sorted && listing.kind == Kind::Files {
            take_turns(part);
        }
    }
    let outputs: Vec<usize> = order.iter().map(|&class| places[class]).collect();
    listing.classes = outputs.iter().map(|&place| known[place].to_owned()).collect();
    Ok((listing, outputs))
}

/// Leaves the classes out that no image has: of numbers as labels nothing else says which classes there are.
fn keep_used(listing: &mut Listing) {
    let images = || listing.train.iter().chain(&listing.test);
    let used: BTreeSet<u32> = images().map(|image| image.label).collect();
    let labels: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
    listing.train.iter_mut().chain(&mut listing.test).for_each(|image| image.label = labels[&image.label]);
    listing.classes = used.iter().map(|&label| listing.classes[label as usize].clone()).collect();
}

/// The places of classes among ImageNet's: by their WordNet numbers, or the numbers that all of them are.
fn places(classes: &[String]) -> Option<Vec<usize>> {
    let known: BTreeMap<&str, usize> = imagenet_classes().zip(0..).collect();
    let by_name = classes.iter().map(|class| known.get(class.as_str()).copied()).collect::<Option<_>>();
    let number = |class: &String| class.parse().ok().filter(|&place: &usize| place < known.len());
    let places: Vec<usize> = by_name.or_else(|| classes.iter().map(number).collect())?;
    // 7 and 07 are one.
    let distinct: BTreeSet<usize> = places.iter().copied().collect();
    (distinct.len() == places.len()).then_some(places)
}

fn not_imagenet(listing: Listing, least: usize) -> Error {
    let known: BTreeSet<&str> = imagenet_classes().collect();
    let found: BTreeSet<&str> = listing.classes.iter().map(String::as_str).collect();
    let first = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        one.difference(other).next().map(|&name| name.to_owned())
    };
    let needs_all = least == known.len();
    Error::NotImageNet {
        found: found.intersection(&known).count(),
        expected: if needs_all { "all 1000" } else { "two or more of the 1000" },
        missing: if needs_all { first(&known, &found) } else { None },
        stranger: first(&found, &known),
        root: listing.root,
    }
}
