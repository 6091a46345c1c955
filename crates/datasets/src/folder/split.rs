//! Test images out of what has none.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    listing::{Kind, Listing, take_turns},
    options::Layout,
};
use crate::{
    Note,
    random::{Purpose, permutation, stream},
};

impl Listing {
    /// Splits a fraction of the images of each class off as test images, if there are none but those of a set without parts (`is_whole`),
    /// and notes what was done.
    pub(super) fn split_off(&mut self, layout: &Layout, is_whole: bool) {
        let seed = layout.val_seed;
        let note = match layout.val_fraction {
            None if is_whole => Note::AllForTest { count: self.test.len() },
            None => return,
            Some(fraction) if is_whole || self.test.is_empty() => {
                self.train.append(&mut self.test);
                let of = self.train.len();
                self.split(fraction, seed);
                Note::SplitOff { count: self.test.len(), of, seed }
            }
            Some(_) => Note::NotSplit,
        };
        self.notes.push(note);
    }

    /// Splits a fraction of the training images of each class off, at least one of a class that has two.
    fn split(&mut self, fraction: f64, seed: u64) {
        let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, image) in self.train.iter().enumerate() {
            by_class.entry(image.label).or_default().push(place);
        }
        let mut chosen = BTreeSet::new();
        for (label, places) in by_class {
            let count = places.len();
            let wanted = (count as f64 * fraction).round() as usize;
            let wanted = wanted.clamp(usize::from(count > 1), count.saturating_sub(1));
            let order = permutation(count, &mut stream(seed, Purpose::Split, 0, u64::from(label)));
            chosen.extend(order.into_iter().take(wanted).map(|place| places[place]));
        }
        for (place, image) in std::mem::take(&mut self.train).into_iter().enumerate() {
            if chosen.contains(&place) { self.test.push(image) } else { self.train.push(image) }
        }
        if self.kind == Kind::Files {
            take_turns(&mut self.train);
            take_turns(&mut self.test);
        }
    }
}
