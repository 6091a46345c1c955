//! Which images there are, and of which class.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::names::Part;
use crate::{
    Note,
    images::store::{Place, Store},
};

/// An image.
pub(crate) struct Image {
    /// Its path below the root.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) label: u32,
}

/// What images are listed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Files: labels are the places of sorted names, and the images of classes take turns.
    Files,
    /// Rows of tables: labels are the tables' own, and so is the order.
    Rows,
}

/// The images of both parts.
pub(crate) struct Listing {
    pub(crate) root: PathBuf,
    pub(crate) store: Store,
    /// By label.
    pub(crate) classes: Vec<String>,
    pub(crate) train: Vec<Image>,
    pub(crate) test: Vec<Image>,
    /// What users should know about how they were found.
    pub(crate) notes: Vec<Note>,
    pub(crate) kind: Kind,
    /// Whether there may be more images, which were not read.
    pub(crate) is_limited: bool,
}

/// Of classes whose names are all numbers: two that are in another order as numbers.
pub(super) fn numbers_as_text(classes: &[String]) -> Option<Note> {
    let numbers: Vec<u64> = classes.iter().map(|name| name.parse().ok()).collect::<Option<_>>()?;
    let place = numbers.windows(2).position(|pair| pair[0] > pair[1])?;
    Some(Note::NumbersAsText { before: classes[place].clone(), after: classes[place + 1].clone() })
}

/// The folder above one, or one in it, that is what was asked for: people name a step too much or too little.
pub(crate) fn nearby(root: &Path, is_one: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let above = root.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let below = || {
        let folders = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
        folders.filter(|folder| folder.is_dir() && is_one(folder)).min()
    };
    let is_part =
        root.file_name().and_then(|name| name.to_str()).is_some_and(|name| Part::of_folder(name).is_some());
    let above = (is_part && is_one(above)).then(|| above.to_path_buf());
    above.or_else(below)
}

/// The first image of each class by name, then the second of each, and so on.
pub(super) fn take_turns(images: &mut Vec<Image>) {
    images.sort_by(|one, other| (one.label, &one.name).cmp(&(other.label, &other.name)));
    let mut taken: BTreeMap<u32, usize> = BTreeMap::new();
    let mut turn = |label| {
        let turn = taken.entry(label).or_default();
        *turn += 1;
        *turn
    };
    let turns: Vec<usize> = images.iter().map(|image| turn(image.label)).collect();
    let mut order: Vec<(usize, Image)> = turns.into_iter().zip(std::mem::take(images)).collect();
    order.sort_by_key(|(turn, image)| (*turn, image.label));
    images.extend(order.into_iter().map(|(_, image)| image));
}
