//! Which images are of which part of a data set, and how they lie in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    names::{Part, archive_stem},
    tree::TreeFile,
};

/// Steps above the parts, at most: `ILSVRC/Data/CLS-LOC/train`.
const HIGHEST: usize = 3;

/// A folder between a part and its images, which Tiny-ImageNet has.
const IMAGES: &str = "images";

/// The images of a part.
pub(super) enum Content {
    /// In a folder a class; and those that lie beside these folders.
    Classes(BTreeMap<String, Vec<TreeFile>>, Vec<TreeFile>),
    /// All in one folder, which says nothing of their classes.
    Flat(Vec<TreeFile>),
}

impl Content {
    /// The same images flat, for those whose classes a list says.
    pub(super) fn flat(self) -> Self {
        match self {
            Self::Classes(classes, loose) => {
                Self::Flat(classes.into_values().flatten().chain(loose).collect())
            }
            flat => flat,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Classes(classes, _) => classes.values().map(Vec::len).sum(),
            Self::Flat(files) => files.len(),
        }
    }
}

/// A folder, or an archive in its place, and what is below it.
#[derive(Default)]
struct Branch {
    /// Its path with a slash at the end; empty for the root.
    prefix: String,
    images: Vec<TreeFile>,
    folders: Vec<String>,
}

/// The images of each part, or of no part where there is none.
pub(super) fn parts(images: Vec<TreeFile>, folders: Vec<String>) -> BTreeMap<Option<Part>, Content> {
    let paths = images.iter().map(|file| &file.name).chain(&folders);
    let inside = wrapper(&images);
    let below = prefixes(images.iter().filter_map(|file| file.name.strip_prefix(inside)), 0);
    // Several parts below what holds all images: its own name, such as `train.tar`, says nothing.
    let found = match below.len() > 1 {
        true => below.into_iter().map(|(part, prefix)| (part, format!("{inside}{prefix}"))).collect(),
        false => prefixes(paths.map(String::as_str), HIGHEST),
    };
    let mut branches: BTreeMap<Part, Branch> =
        found.into_iter().map(|(part, prefix)| (part, Branch { prefix, ..Branch::default() })).collect();
    let mut rest = Branch::default();
    for image in images {
        branch(&mut branches, &mut rest, &image.name).images.push(image);
    }
    for folder in folders {
        branch(&mut branches, &mut rest, &folder).folders.push(folder);
    }
    let has_classes = branches
        .values()
        .any(|branch| branch.images.iter().any(|image| branch.below(&image.name).contains('/')));
    if !has_classes && !rest.images.is_empty() {
        // `train` is a class among others.
        for branch in std::mem::take(&mut branches).into_values() {
            rest.images.extend(branch.images);
            rest.folders.extend(branch.folders);
        }
    }
    if branches.is_empty() {
        rest.prefix = wrapper(&rest.images).to_owned();
        return BTreeMap::from([(None, rest.content())]);
    }
    branches.into_iter().map(|(part, branch)| (Some(part), branch.content())).collect()
}

/// The branch that a path belongs to.
fn branch<'a>(branches: &'a mut BTreeMap<Part, Branch>, rest: &'a mut Branch, path: &str) -> &'a mut Branch {
    branches.values_mut().find(|branch| path.starts_with(&branch.prefix)).unwrap_or(rest)
}

/// The folder of each part: the highest that is called so, so many steps deep at most, and of several that which has the most usual name.
fn prefixes<'a>(paths: impl Iterator<Item = &'a str>, deepest: usize) -> BTreeMap<Part, String> {
    let mut best: BTreeMap<Part, (usize, usize, &str)> = BTreeMap::new();
    for path in paths {
        let mut start = 0;
        for at in 0..=deepest {
            let Some(length) = path[start..].find('/') else { break };
            let end = start + length + 1;
            if let Some((part, rank)) = Part::of_step(&path[start..end - 1]) {
                let found = (at, rank, &path[..end]);
                best.entry(part).and_modify(|known| *known = found.min(*known)).or_insert(found);
                break;
            }
            start = end;
        }
    }
    let highest = best.values().map(|(at, ..)| *at).min();
    best.retain(|_, (at, ..)| Some(*at) == highest);
    best.into_iter().map(|(part, (.., prefix))| (part, prefix.to_owned())).collect()
}

/// The folders that hold all else, where classes are below them. (A single class with its images in folders of their own looks the same,
/// and is no data set.)
fn wrapper(images: &[TreeFile]) -> &str {
    let Some(first) = images.first() else { return "" };
    let mut end = 0;
    while let Some(length) = first.name[end..].find('/') {
        let prefix = &first.name[..=end + length];
        let is_below =
            |image: &TreeFile| image.name.strip_prefix(prefix).is_some_and(|rest| rest.contains('/'));
        if !images.iter().all(is_below) {
            break;
        }
        end = prefix.len();
    }
    &first.name[..end]
}

impl Branch {
    /// The rest of a path.
    fn below<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.prefix).unwrap_or_default()
    }

    fn content(mut self) -> Content {
        self.pass_through();
        let named: BTreeSet<Option<&str>> = self.images.iter().map(|image| self.class(&image.name)).collect();
        let is_flat = named.iter().eq(&[None]) || named.iter().eq(&[Some(IMAGES)]);
        if is_flat {
            return Content::Flat(self.images);
        }
        let (mut classes, mut loose) = (BTreeMap::<String, Vec<TreeFile>>::new(), Vec::new());
        for folder in &self.folders {
            let class = self.class(folder).unwrap_or(self.below(folder));
            if !class.is_empty() {
                classes.entry(class_name(class)).or_default();
            }
        }
        let named: Vec<_> = self.images.iter().map(|image| self.class(&image.name).map(class_name)).collect();
        for (image, class) in self.images.into_iter().zip(named) {
            match class {
                Some(class) => classes.entry(class).or_default().push(image),
                None => loose.push(image),
            }
        }
        Content::Classes(classes, loose)
    }

    /// Goes down where all is in one folder that is no class, or in folders that lead to one: in an archive `train.zip` there may be
    /// `set/train`.
    fn pass_through(&mut self) {
        if self.prefix.is_empty() {
            return;
        }
        let (all, mut end) = (wrapper(&self.images).to_owned(), self.prefix.len());
        for step in all.get(end..).unwrap_or_default().split_inclusive('/') {
            end += step.len();
            let step = &step[..step.len() - 1];
            if Part::of_folder(step).is_some() || step == IMAGES {
                self.prefix = all[..end].to_owned();
            }
        }
    }

    /// The folder below this one that a path begins with.
    fn class<'a>(&self, path: &'a str) -> Option<&'a str> {
        self.below(path).split_once('/').map(|(class, _)| class)
    }
}

/// A class is called by its folder, or by its archive without the ending.
fn class_name(step: &str) -> String {
    archive_stem(step).unwrap_or(step).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::store::Place;

    /// Parts and their classes, or `flat`.
    fn arranged(paths: &[&str], folders: &[&str]) -> Vec<(Option<Part>, Vec<String>)> {
        let image = |&path: &&str| TreeFile { name: path.to_owned(), place: Place::File };
        let folders = folders.iter().map(|&folder| folder.to_owned()).collect();
        let parts = parts(paths.iter().map(image).collect(), folders);
        let classes = |content| match content {
            Content::Classes(classes, _) => classes.into_keys().collect(),
            Content::Flat(_) => vec!["flat".to_owned()],
        };
        parts.into_iter().map(|(part, content)| (part, classes(content))).collect()
    }

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_highest_folder_of_a_part_is_it() {
        let train = [(Some(Part::Train), classes(&["a", "b"]))];
        assert_eq!(arranged(&["train/a/1.jpg", "train/b/test/1.jpg"], &[]), train);
        assert_eq!(arranged(&["x/y/z/Training/a/1.jpg", "x/y/z/Training/b/1.jpg"], &[]), train);
        let both = ["train/a/1.jpg", "validation/a/1.jpg", "val/b/1.jpg"];
        let found = arranged(&both, &["train", "train/b", "train/b/c"]);
        assert_eq!((&found[..1], &found[1..]), (&train[..], &[(Some(Part::Val), classes(&["b"]))][..]));
    }

    #[test]
    fn archives_stand_for_folders() {
        let paths = ["img_train.tar/n01.tar/1.jpg", "img_train.tar/n02.tar/1.jpg", "img_val.tar/1.jpg"];
        let expected = [(Some(Part::Train), classes(&["n01", "n02"])), (Some(Part::Val), classes(&["flat"]))];
        assert_eq!(arranged(&paths, &[]), expected);
    }

    #[test]
    fn what_holds_all_of_a_part_is_no_class() {
        let paths = ["train.tar.gz/train/a/1.jpg", "train.tar.gz/train/b/1.jpg", "val/images/a/1.jpg"];
        let expected = [(Some(Part::Train), classes(&["a", "b"])), (Some(Part::Val), classes(&["a"]))];
        assert_eq!(arranged(&paths, &["val/images"]), expected);
        assert_eq!(arranged(&["train/images/1.jpg", "val/a/1.jpg"], &[])[0].1, ["flat"]);
    }

    #[test]
    fn folders_that_lead_to_a_part_are_no_classes() {
        let train = (Some(Part::Train), classes(&["a", "b"]));
        let paths = ["train.zip/set/train/a/1.jpg", "train.zip/set/train/b/1.jpg", "val.zip/set/val/a/1.jpg"];
        let expected = [train.clone(), (Some(Part::Val), classes(&["a"]))];
        assert_eq!(arranged(&paths, &[]), expected);
        let paths = ["train/set/train/a/1.jpg", "train/set/train/b/1.jpg", "val/set/val/a/1.jpg"];
        assert_eq!(arranged(&paths, &["train/set"]), expected);
        let paths =
            ["train.tar/root/train/a/1.jpg", "train.tar/root/train/b/1.jpg", "train.tar/root/val/a/1.jpg"];
        assert_eq!(arranged(&paths, &[]), expected);
        // A class whose images lie deeper stays one.
        assert_eq!(arranged(&["train/a/x/1.jpg", "train/b/1.jpg", "val/a/x/1.jpg"], &[])[1].1, ["a"]);
    }

    #[test]
    fn without_parts_folders_are_classes() {
        assert_eq!(arranged(&["a/1.jpg", "b/x/1.jpg"], &["c"]), [(None, classes(&["a", "b", "c"]))]);
        assert_eq!(arranged(&["set/a/1.jpg", "set/b/1.jpg"], &["set"]), [(None, classes(&["a", "b"]))]);
        // A class may be called like a part.
        assert_eq!(arranged(&["boat/1.jpg", "train/1.jpg"], &[]), [(None, classes(&["boat", "train"]))]);
        assert_eq!(arranged(&["1.jpg", "2.jpg"], &[]), [(None, classes(&["flat"]))]);
    }
}
