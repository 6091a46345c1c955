//! ImageNet-C: the validation images of ImageNet with a corruption.
//!
//! ```text
//! {root}/{corruption}/{severity}/{class}/x.JPEG     or a folder between, as {root}/noise/gaussian_noise/3/…; or an archive of that
//! ```

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    imagenet::{dataset, imagenet},
    layout,
    listing::Listing,
    options::{Layout, Options},
    tree::Tree,
};
use crate::{Corruption, Dataset, Error, Note};

impl Layout {
    /// Reads ImageNet-C: the images with a corruption as test images, of one severity or of all, one after the other. Classes and side are
    /// as of [`load_imagenet`](super::load_imagenet).
    ///
    /// # Errors
    /// [`Error::Corruption`] if none is named, or one that is not there; as [`load_imagenet`](super::load_imagenet).
    pub fn load_imagenet_c(
        &self,
        root: impl AsRef<Path>,
        corruption: Option<&Corruption>,
        options: Options,
    ) -> Result<Dataset, Error> {
        let root = root.as_ref();
        let found = Found::read(root, self.follows_links)?;
        let is_known = |corruption: &&Corruption| found.names.contains(&corruption.name);
        let Some(corruption) = corruption.filter(is_known) else {
            let (path, found, known) = (
                root.to_path_buf(),
                corruption.map(|corruption| corruption.name.clone()),
                found.names.into_iter().collect(),
            );
            return Err(Error::Corruption { path, found, known });
        };
        let severities = match corruption.severity {
            Some(severity) => severity..=severity,
            None => Corruption::SEVERITIES,
        };
        let mut read: Option<(Listing, Vec<usize>)> = None;
        for severity in severities {
            let listing = layout::listing(found.tree(&corruption.name, severity)?, self)?;
            let (mut listing, places) = imagenet(listing, 2)?;
            listing.notes.retain(|note| !matches!(note, Note::AllForTest { .. }));
            match &mut read {
                None => read = Some((listing, places)),
                Some((first, _)) if first.classes == listing.classes => first.test.append(&mut listing.test),
                Some((first, _)) => return Err(other_classes(first, &listing)),
            }
        }
        let nothing = || Error::NoFolder { root: root.to_path_buf(), instead: None, unread: None };
        let (listing, places) = read.ok_or_else(nothing)?;
        dataset("imagenet-c", listing, places, options)
    }
}

/// A class that one severity has and another has not.
fn other_classes(one: &Listing, other: &Listing) -> Error {
    let is_missing = |class: &&String| !one.classes.contains(class) || !other.classes.contains(class);
    let class = one.classes.iter().chain(&other.classes).find(is_missing).cloned().unwrap_or_default();
    Error::UnknownClass { root: one.root.clone(), class }
}

/// The corruptions at a root.
struct Found<'a> {
    root: &'a Path,
    follows_links: bool,
    /// All files, if the root is an archive.
    archive: bool,
    names: BTreeSet<String>,
}

impl<'a> Found<'a> {
    fn read(root: &'a Path, follows_links: bool) -> Result<Self, Error> {
        let mut found = Self { root, follows_links, archive: root.is_file(), names: BTreeSet::new() };
        if found.archive {
            let tree = Tree::read(root, follows_links)?;
            let above = tree.images.iter().filter_map(|image| corruption_of(&image.name));
            found.names = above.map(|(name, _)| name.to_owned()).collect();
            return Ok(found);
        }
        for folder in folders(root) {
            let inside = folders(&root.join(&folder));
            if has_severities(&root.join(&folder)) {
                found.names.insert(folder);
            } else {
                let deeper = |name: &&String| has_severities(&root.join(&folder).join(name));
                found.names.extend(inside.iter().filter(deeper).cloned());
            }
        }
        Ok(found)
    }

    /// The images with a corruption.
    fn tree(&self, name: &str, severity: u8) -> Result<Tree, Error> {
        if self.archive {
            let mut tree = Tree::read(self.root, self.follows_links)?;
            let severity = severity.to_string();
            tree.images.retain(|image| corruption_of(&image.name) == Some((name, &severity)));
            tree.folders.clear();
            return Ok(tree);
        }
        let below = format!("{name}/{severity}");
        let groups = folders(self.root).into_iter().map(|group| format!("{group}/{below}"));
        let places = [below.clone()].into_iter().chain(groups);
        let place = places.into_iter().find(|place| self.root.join(place).is_dir()).unwrap_or(below);
        Tree::read_below(self.root, &place, self.follows_links)
    }
}

/// Corruption and severity in a path: `…/gaussian_noise/3/n01440764/x.JPEG`.
fn corruption_of(path: &str) -> Option<(&str, &str)> {
    let mut steps = path.rsplit('/').skip(2);
    let (severity, name) = (steps.next()?, steps.next()?);
    is_severity(severity).then_some((name, severity))
}

/// Whether there are folders of severities in a folder, with folders of classes in them.
fn has_severities(folder: &Path) -> bool {
    let has_classes =
        |severity: &String| is_severity(severity) && !folders(&folder.join(severity)).is_empty();
    folders(folder).iter().any(has_classes)
}

fn is_severity(name: &str) -> bool {
    name.parse().is_ok_and(|severity| Corruption::SEVERITIES.contains(&severity))
}

/// The names of the folders in a folder.
fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
