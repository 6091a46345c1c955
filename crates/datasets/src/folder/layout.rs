//! How images lie below a root, and what that says of their classes.
//!
//! ```text
//! {train,val,test}/{class}/…/x.jpg       torchvision's ImageFolder, in a folder, an archive, or an archive a part
//! {train,val}/{class}/…, val/x.jpg       the test images flat, with a list of labels: ImageNet as it is published, Tiny-ImageNet
//! {class}/…/x.jpg                        no parts: all are test images, or a fraction of each class is
//! ```

use std::{fs, path::PathBuf};

use super::{
    labels::Labels,
    listing::{Image, Kind, Listing, numbers_as_text, take_turns},
    names::{Part, archive_stem},
    options::Layout,
    parts::{Content, parts},
    tree::{Tree, TreeFile},
};
use crate::{Error, Note};

/// The images of a tree as training and test images.
///
/// # Errors
/// [`Error::NoFolder`], [`Error::UnknownClass`], [`Error::NoLabels`] or [`Error::LabelList`].
pub(super) fn listing(mut tree: Tree, layout: &Layout) -> Result<Listing, Error> {
    let (images, folders) = (std::mem::take(&mut tree.images), std::mem::take(&mut tree.folders));
    let mut parts = parts(images, folders);
    let notes = tree.notes();
    let labels = match &layout.val_labels {
        Some(path) => Some(Labels::read(path)?),
        None => Labels::of(&tree)?,
    };
    let mut take = |part| parts.remove(&Some(part)).filter(|content: &Content| content.len() > 0);
    let (train, val, test) = (take(Part::Train), take(Part::Val), take(Part::Test));
    let test = val.or(test);
    let is_whole = train.is_none() && test.is_none();
    let test = if is_whole { parts.remove(&None).filter(|content| content.len() > 0) } else { test };
    // A list that somebody names is of these images, wherever they lie.
    let test = if layout.val_labels.is_some() { test.map(Content::flat) } else { test };
    let is_split_off = layout.val_fraction.is_some();
    // What has no labels is no loss where others are split off.
    let test = test.filter(|test| !(is_split_off && labels.is_none() && matches!(test, Content::Flat(_))));
    let classes = match (&train, &test, &labels) {
        (Some(Content::Classes(classes, _)), _, _) | (None, Some(Content::Classes(classes, _)), _) => {
            classes.keys().cloned().collect()
        }
        (None, Some(Content::Flat(_)), Some(labels)) => labels.classes(),
        (Some(Content::Flat(files)), _, _) | (None, Some(Content::Flat(files)), None) => {
            let path = files.first().map_or_else(PathBuf::new, |file| tree.root.join(&file.name));
            return Err(Error::NoLabels { path });
        }
        (None, None, _) => return Err(nothing(tree)),
    };
    if is_whole && let Some(parts) = parts_as_classes(&classes) {
        return Err(Error::PartsAsClasses { root: tree.root, parts });
    }
    let labelled = Labelled { tree: &tree, labels: labels.as_ref(), classes: &classes };
    let ((train, of_train), (test, of_test)) = (labelled.images(train)?, labelled.images(test)?);
    let numbers = numbers_as_text(&classes);
    let Tree { root, store, .. } = tree;
    let mut listing =
        Listing { root, store, classes, train, test, notes, kind: Kind::Files, is_limited: false };
    listing.split_off(layout, is_whole);
    listing.notes.extend(of_train.into_iter().chain(of_test).chain(numbers));
    Ok(listing)
}

/// Classes that are all called after parts, such as `seg_train` and `seg_test`: parts are meant, under names that are not known.
fn parts_as_classes(classes: &[String]) -> Option<[String; 2]> {
    let [first, second, ..] = classes else { return None };
    let are_parts = classes.iter().all(|class| Part::of_archive(class).is_some());
    are_parts.then(|| [first.clone(), second.clone()])
}

/// The error of a root without images that are read: an archive in it may be meant, or images of other kinds.
fn nothing(tree: Tree) -> Error {
    let files = fs::read_dir(&tree.root).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_archive = |path: &PathBuf| {
        path.is_file()
            && path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| archive_stem(name).is_some())
    };
    let instead = files.filter(is_archive).min();
    Error::NoFolder { unread: tree.unread(), root: tree.root, instead }
}

/// What labels are made of.
struct Labelled<'a> {
    tree: &'a Tree,
    labels: Option<&'a Labels>,
    classes: &'a [String],
}

impl Labelled<'_> {
    /// The images of a part with their labels, and what to tell of these.
    fn images(&self, part: Option<Content>) -> Result<(Vec<Image>, Vec<Note>), Error> {
        let (mut images, mut notes) = (Vec::new(), Vec::new());
        match part {
            None => {}
            Some(Content::Classes(classes, loose)) => {
                let first = loose.iter().map(|file| file.name.clone()).min();
                notes.extend(first.map(|first| Note::LooseImages { count: loose.len(), first }));
                for (class, files) in classes {
                    let label = self.classes.binary_search(&class);
                    let unknown = |_| Error::UnknownClass { root: self.tree.root.clone(), class };
                    let label = label.map_err(unknown)? as u32;
                    let image = |TreeFile { name, place }| Image { name, place, label };
                    images.extend(files.into_iter().map(image));
                }
            }
            Some(Content::Flat(mut files)) => {
                files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
                let path = || self.tree.root.join(&files[0].name);
                let labels = self.labels.ok_or_else(|| Error::NoLabels { path: path() })?;
                let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
                let (labels, told) = labels.of_images(&names, self.classes)?;
                notes = told;
                let image = |(TreeFile { name, place }, label)| Image { name, place, label };
                images.extend(files.into_iter().zip(labels).map(image));
            }
        }
        take_turns(&mut images);
        Ok((images, notes))
    }
}
