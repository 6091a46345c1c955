//! Folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::files::Tree;
use crate::{
    Error,
    folder::names::{Part, archive_stem, is_foreign, is_image},
    images::store::Place,
};

/// Folders below a part are gone into this deep.
const DEEPEST: usize = 8;

/// Where ImageNet is in what Kaggle publishes.
const KAGGLE: [&str; 3] = ["ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC"];

/// Lists the root of a tree: its parts if it has any, else everything.
pub(super) fn folder(tree: &mut Tree, follows_links: bool) -> Result<(), Error> {
    let root = tree.root.clone();
    let inside = fs::canonicalize(&root).map_err(|_| no_folder(&root))?;
    let walk = Walk { inside, follows_links };
    let listed = walk.entries(&root)?;
    let kaggle = KAGGLE.iter().find(|below| root.join(below).is_dir());
    let parts: Vec<Part> = listed.iter().filter_map(|entry| part_folder(&root, entry)).collect();
    // An archive beside a folder of the same part is what that was unpacked from; beside classes it is something else.
    let stands_for_part = |entry: &Entry| {
        entry.kind == Kind::File
            && archive_stem(&entry.name).is_some()
            && Part::of_step(&entry.name).is_some_and(|(part, _)| !parts.contains(&part))
    };
    let has_classes = || {
        let others = listed.iter().filter(|entry| entry.kind == Kind::Folder && !is_foreign(&entry.name));
        others.into_iter().any(|entry| has_images(&root.join(&entry.name)))
    };
    let is_split =
        kaggle.is_some() || !parts.is_empty() || (listed.iter().any(stands_for_part) && !has_classes());
    let archives: Vec<bool> = listed.iter().map(|entry| is_split && stands_for_part(entry)).collect();
    if !is_split && let Some(instead) = below_with_parts(&root) {
        return Err(Error::NoFolder { root, instead: Some(instead), unread: None });
    }
    for (entry, stands_for_part) in listed.into_iter().zip(archives) {
        let is_folder = entry.kind == Kind::Folder;
        let is_archive = !is_folder && archive_stem(&entry.name).is_some();
        let is_wanted = match (is_folder, is_split) {
            (true, true) => Part::of_folder(&entry.name).is_some(),
            (true, false) => true,
            (false, _) if is_archive => stands_for_part || (is_split && entry.name.contains("devkit")),
            (false, _) => true,
        };
        match is_wanted {
            true if is_archive => tree.add_archive(&root.join(&entry.name), &entry.name)?,
            true => walk.entry(tree, entry, "", DEEPEST)?,
            false
                if kaggle.is_none()
                    && is_folder
                    && !is_foreign(&entry.name)
                    && has_images(&root.join(&entry.name)) =>
            {
                tree.skipped.foreign.add(&entry.name);
            }
            false => {}
        }
    }
    let Some(below) = kaggle else { return Ok(()) };
    // Kaggle's archive has the labels beside the folder ILSVRC.
    let above = "../LOC_val_solution.csv";
    if !below.starts_with("ILSVRC") && root.join(above).is_file() {
        tree.add(above.to_owned(), |_| Ok(Some(Place::File)))?;
    }
    walk.below(tree, below, DEEPEST)
}

/// Lists what is below a folder of the root.
pub(super) fn below(tree: &mut Tree, below: &str, follows_links: bool) -> Result<(), Error> {
    let inside = fs::canonicalize(&tree.root).map_err(|_| no_folder(&tree.root))?;
    Walk { inside, follows_links }.below(tree, below, DEEPEST)
}

/// The part that an entry of the root is: a folder of classes. A folder of that name that holds images alone may be one class of many.
fn part_folder(root: &Path, entry: &Entry) -> Option<Part> {
    let (part, _) = Part::of_folder(&entry.name).filter(|_| entry.kind == Kind::Folder)?;
    let mut found = fs::read_dir(root.join(&entry.name)).ok()?;
    found.any(|found| found.is_ok_and(|found| found.path().is_dir())).then_some(part)
}

/// A folder in the root that has parts.
fn below_with_parts(root: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
    folders.filter(|folder| folder.is_dir() && has_parts(folder)).min()
}

/// Whether there is an image in a folder, or in one below it.
fn has_images(folder: &Path) -> bool {
    let is_image = |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_image);
    let entries =
        |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries(folder)
        .any(|path| is_image(&path) || (path.is_dir() && entries(&path).any(|path| is_image(&path))))
}

fn no_folder(root: &Path) -> Error {
    Error::NoFolder { root: root.to_path_buf(), instead: below_with_parts(root), unread: None }
}

struct Walk {
    /// What links may lead to.
    inside: PathBuf,
    follows_links: bool,
}

struct Entry {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    /// A file, or something else with its name, which is reported when it is decoded.
    File,
    /// A link to what is not there, or to itself.
    BrokenLink,
}

impl Walk {
    /// All below a folder.
    fn below(&self, tree: &mut Tree, below: &str, deep: usize) -> Result<(), Error> {
        for entry in self.entries(&tree.root.join(below))? {
            self.entry(tree, entry, below, deep)?;
        }
        Ok(())
    }

    /// A file, or all below a folder. What only has the name of an image is listed too: decoding reports it.
    fn entry(&self, tree: &mut Tree, entry: Entry, below: &str, deep: usize) -> Result<(), Error> {
        let Entry { name, kind } = entry;
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if is_foreign(&name) {
            if kind == Kind::Folder || is_image(&name) {
                tree.skipped.foreign.add(&path);
            }
            return Ok(());
        }
        // Left out, it would give the classes after it other labels.
        let is_class = deep + 1 >= DEEPEST && !is_image(&name) && !name.contains('.');
        if kind == Kind::BrokenLink && is_class {
            return Err(Error::BrokenClass { path: tree.root.join(path) });
        }
        let before = tree.images.len();
        if kind == Kind::Folder {
            tree.folders.push(path.clone());
            if deep > 0 {
                self.below(tree, &path, deep - 1)?;
            }
        }
        // A folder `x.jpg` may well be one of images.
        let is_told = kind != Kind::Folder || (tree.images.len() == before && is_image(&name));
        if is_told { tree.add(path, |_| Ok(Some(Place::File))) } else { Ok(()) }
    }

    /// What is in a folder, sorted. Links must not lead out of the data set, unless they are followed.
    fn entries(&self, folder: &Path) -> Result<Vec<Entry>, Error> {
        let failed = |source| Error::Read { path: folder.to_path_buf(), source };
        let own = fs::canonicalize(folder).map_err(failed)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let found = entry.file_type().map_err(failed)?;
            let mut kind = if found.is_dir() { Kind::Folder } else { Kind::File };
            if found.is_symlink() {
                let path = entry.path();
                kind = match fs::canonicalize(&path) {
                    Ok(target) if !self.follows_links && !target.starts_with(&self.inside) => {
                        return Err(Error::LinkOut { path, target });
                    }
                    // All below it is found on the way that does not go round; each further round would count it again.
                    Ok(target) if own.starts_with(&target) => continue,
                    Ok(target) if target.is_dir() => Kind::Folder,
                    Ok(_) => Kind::File,
                    Err(_) => Kind::BrokenLink,
                };
            }
            match entry.file_name().into_string() {
                Ok(name) => entries.push(Entry { name, kind }),
                // Left out, a class would give those after it other labels.
                Err(name) if kind != Kind::File || is_image(&name.to_string_lossy()) => {
                    let source = std::io::Error::other("its name is not UTF-8; rename it");
                    return Err(Error::Read { path: entry.path(), source });
                }
                Err(_) => {}
            }
        }
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

/// Whether a folder has one of the parts of a data set.
fn has_parts(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                entry.file_name().to_str().and_then(Part::of_folder).is_some() && entry.path().is_dir()
            })
        })
    })
}
