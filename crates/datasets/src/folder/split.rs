//! Test images out of what has none.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Layout,
    listing::{Image, Listing, take_turns},
};
use crate::{
    Note,
    random::{Purpose, permutation, stream},
};

impl Listing {
    /// Splits the fraction of images off that a layout names, if there are no test images or no parts at all; says what was done.
    pub(crate) fn split_off(&mut self, layout: &Layout, has_parts: bool) {
        let Some(fraction) = layout.val_fraction else {
            if !has_parts {
                self.notes.push(Note::AllForTest { count: self.test.len() });
            }
            return;
        };
        if has_parts && !self.test.is_empty() {
            self.notes.push(Note::NotSplit);
            return;
        }
        let mut images = std::mem::take(&mut self.train);
        images.append(&mut self.test);
        let of = images.len();
        (self.train, self.test) = split(images, fraction, layout.val_seed);
        self.notes.push(Note::SplitOff { count: self.test.len(), of, seed: layout.val_seed });
    }
}

/// Splits a fraction of the images of each class off, at least one of a class that has two. Which, follows from the seed and the names.
fn split(images: Vec<Image>, fraction: f64, seed: u64) -> (Vec<Image>, Vec<Image>) {
    let mut by_class: BTreeMap<u32, Vec<Image>> = BTreeMap::new();
    for image in images {
        by_class.entry(image.label).or_default().push(image);
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (label, mut images) in by_class {
        images.sort_by(|one, other| one.name.cmp(&other.name));
        let count = images.len();
        let wanted = (count as f64 * fraction).round() as usize;
        let wanted = wanted.clamp(usize::from(count > 1), count.saturating_sub(1));
        let order = permutation(count, &mut stream(seed, Purpose::Split, 0, u64::from(label)));
        let chosen: BTreeSet<usize> = order.into_iter().take(wanted).collect();
        for (place, image) in images.into_iter().enumerate() {
            if chosen.contains(&place) { test.push(image) } else { train.push(image) }
        }
    }
    take_turns(&mut train);
    take_turns(&mut test);
    (train, test)
}
