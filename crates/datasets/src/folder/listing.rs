//! Which images there are, and of which class.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error, Note,
    images::encoded::{LARGEST, MOST_IN_MEMORY, Store},
    skipped::Skipped,
    tar::{Member, MemberKind, Tar},
};

/// Folders below a class are gone into this deep.
const DEEPEST: usize = 8;

/// The folders of training and of test images.
const PARTS: [&str; 3] = ["train", "val", "test"];

const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "bmp", "ppm", "pgm", "webp"];

/// Images that are not read here; the user is notified.
const UNREAD: [&str; 7] = ["gif", "tif", "tiff", "heic", "avif", "jp2", "jxl"];

/// An image.
pub(crate) struct Image {
    /// Its path below the root.
    pub(crate) name: String,
    /// Where it starts in the archive (its number among those in memory), and its size; zero for a file.
    pub(crate) place: (u64, u64),
    pub(crate) label: u32,
}

/// The images of both parts.
pub(crate) struct Listing {
    pub(crate) root: PathBuf,
    pub(crate) store: Store,
    /// Sorted.
    pub(crate) classes: Vec<String>,
    pub(crate) train: Vec<Image>,
    pub(crate) test: Vec<Image>,
    /// Files that were skipped.
    pub(crate) notes: Vec<Note>,
}

/// Paths and places of images, by class.
type Classes = BTreeMap<String, Files>;
type Files = Vec<(String, (u64, u64))>;

/// The classes of each part.
#[derive(Default)]
struct Found {
    parts: BTreeMap<String, Classes>,
    /// Images of kinds that are not read.
    unread: Skipped,
    /// Links in an archive.
    links: Skipped,
    /// What other programs left.
    foreign: Skipped,
}

impl Listing {
    /// Lists a folder or an archive.
    pub(super) fn read(root: &Path) -> Result<Self, Error> {
        let mut found = Found::default();
        let store = match root.is_file() {
            true => found.archive(root)?,
            false => found.folder(root)?,
        };
        found.listing(root, store)
    }
}

impl Found {
    fn folder(&mut self, root: &Path) -> Result<Store, Error> {
        let inside = fs::canonicalize(root).map_err(|_| no_folder(root))?;
        for part in PARTS {
            if !root.join(part).is_dir() {
                continue;
            }
            let classes = self.parts.entry(part.to_owned()).or_default();
            for class in entries(&root.join(part), &inside)? {
                let below = format!("{part}/{}", class.name);
                if is_foreign(&class.name) {
                    if class.kind == Kind::Folder {
                        self.foreign.add(&below);
                    }
                    continue;
                }
                match class.kind {
                    Kind::Folder => {}
                    Kind::File => continue,
                    // Left out, it would give the classes after it other labels.
                    Kind::BrokenLink => return Err(Error::BrokenClass { path: root.join(below) }),
                }
                let images = classes.entry(class.name).or_default();
                walk(root, &below, &inside, DEEPEST, images, &mut self.foreign)?;
                images.retain(|(name, _)| {
                    let is_read = is_read(name);
                    if !is_read {
                        self.unread.add(name);
                    }
                    is_read
                });
            }
        }
        Ok(Store::Files)
    }

    fn archive(&mut self, path: &Path) -> Result<Store, Error> {
        let mut tar = Tar::open(path)?;
        let (mut unpacked, mut bytes): (Vec<Box<[u8]>>, u64) = (Vec::new(), 0);
        let mut seen: HashMap<String, (u64, u64)> = HashMap::new();
        while let Some(member) = tar.next()? {
            let refused =
                |found: String| Error::Archive { path: path.to_path_buf(), offset: member.offset, found };
            let Some((part, class)) = place(&member).map_err(refused)? else { continue };
            if member.name.split('/').any(|step| step != "." && is_foreign(step)) {
                self.foreign.add(&member.name);
                continue;
            }
            let classes = self.parts.entry(part.to_owned()).or_default();
            let images = classes.entry(class.to_owned()).or_default();
            if member.kind == MemberKind::Folder {
                continue;
            }
            if seen.contains_key(&member.name) {
                return Err(refused(format!("`{}` for the second time", member.name)));
            }
            if !is_read(&member.name) {
                self.unread.add(&member.name);
                continue;
            }
            let at = match &member.kind {
                MemberKind::HardLink(target) => seen.get(target).copied(),
                _ if tar.is_plain() => Some((member.offset, member.size)),
                _ => {
                    unpacked.push(tar.content(LARGEST)?.into_boxed_slice());
                    bytes += member.size;
                    Some((unpacked.len() as u64 - 1, member.size))
                }
            };
            let Some(at) = at else {
                tar.skip_link(&member.name);
                continue;
            };
            if bytes > MOST_IN_MEMORY {
                let found = format!(
                    "more than {MOST_IN_MEMORY} bytes of images, which a compressed archive may not have (unpack it)"
                );
                return Err(refused(found));
            }
            images.push((member.name.clone(), at));
            seen.insert(member.name, at);
        }
        self.links = tar.links();
        Ok(if tar.is_plain() { Store::Archive } else { Store::Memory(unpacked) })
    }

    fn listing(mut self, root: &Path, store: Store) -> Result<Listing, Error> {
        let mut part =
            |name: &str| self.parts.remove(name).filter(|classes| classes.values().any(|c| !c.is_empty()));
        let (train, test) = (part("train"), part("val").or_else(|| part("test")));
        let named = train.as_ref().or(test.as_ref());
        let named = named.ok_or_else(|| no_folder(root))?;
        let classes: Vec<String> = named.keys().cloned().collect();
        let images = |part: Option<Classes>| {
            let mut images = Vec::new();
            for (class, files) in part.unwrap_or_default() {
                let label = classes.binary_search(&class);
                let label =
                    label.map_err(|_| Error::UnknownClass { root: root.to_path_buf(), class })? as u32;
                images.extend(files.into_iter().map(|(name, place)| Image { name, place, label }));
            }
            take_turns(&mut images);
            Ok::<_, Error>(images)
        };
        let (train, test) = (images(train)?, images(test)?);
        let unread = self.unread.found().map(|(count, first)| Note::UnreadKinds { count, first });
        let links = self.links.found().map(|(count, first)| Note::LinksInArchive { count, first });
        let foreign = self.foreign.found().map(|(count, first)| Note::PassedOver { count, first });
        let notes = unread.into_iter().chain(links).chain(foreign).chain(numbers_as_text(&classes)).collect();
        Ok(Listing { root: root.to_path_buf(), store, classes, train, test, notes })
    }
}

/// Of classes whose names are all numbers: two that are in another order as numbers.
fn numbers_as_text(classes: &[String]) -> Option<Note> {
    let numbers: Vec<u64> = classes.iter().map(|name| name.parse().ok()).collect::<Option<_>>()?;
    let place = numbers.windows(2).position(|pair| pair[0] > pair[1])?;
    Some(Note::NumbersAsText { before: classes[place].clone(), after: classes[place + 1].clone() })
}

fn no_folder(root: &Path) -> Error {
    let has_parts = |folder: &Path| PARTS.iter().any(|part| folder.join(part).is_dir());
    Error::NoFolder { root: root.to_path_buf(), instead: nearby(root, has_parts) }
}

/// The folder above one, or one in it, that is what was asked for: people name a step too much or too little.
pub(crate) fn nearby(root: &Path, is_one: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let above = root.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let below = || {
        let folders = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
        folders.filter(|folder| folder.is_dir() && is_one(folder)).min()
    };
    let is_part = root.file_name().is_some_and(|name| PARTS.iter().any(|part| name == *part));
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

/// Part and class of a member, if it is an image of one, or a folder: `[folder/]train/class/…/name.jpg`.
fn place(member: &Member) -> Result<Option<(&str, &str)>, String> {
    let steps: Vec<&str> = member.name.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    if member.name.starts_with('/') || steps.contains(&"..") {
        return Err(format!("the path `{}`, which leads out of the archive", member.name));
    }
    let is_folder = member.kind == MemberKind::Folder;
    if !is_folder && !is_image(&member.name) {
        return Ok(None);
    }
    let is_part = |step: &&str| PARTS.contains(step);
    let at = steps.iter().take(2).position(is_part);
    let least = if is_folder { 1 } else { 2 };
    let found = at.and_then(|at| (steps.len() > at + least).then(|| (steps[at], steps[at + 1])));
    Ok(found)
}

/// Whether a name is of what other programs leave among images: editors, desktops, archivers.
fn is_foreign(name: &str) -> bool {
    const KNOWN: [&str; 6] =
        ["__MACOSX", "@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN", "System Volume Information"];
    name.starts_with('.') || KNOWN.contains(&name)
}

/// Whether a file is named like an image, if only one of a kind that is not read.
fn is_image(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    // macOS leaves such companions in archives.
    !file.starts_with("._") && (is_read(file) || has_extension(file, &UNREAD))
}

fn is_read(name: &str) -> bool {
    has_extension(name, &EXTENSIONS)
}

fn has_extension(name: &str, of: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| of.contains(&extension.as_str()))
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

/// What is in a folder, sorted. Links must not lead out of the data set.
fn entries(folder: &Path, inside: &Path) -> Result<Vec<Entry>, Error> {
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
                Ok(target) if !target.starts_with(inside) => return Err(Error::LinkOut { path, target }),
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

/// All images below a folder. What only has the name of an image is listed too: decoding reports it.
fn walk(
    root: &Path,
    below: &str,
    inside: &Path,
    deep: usize,
    images: &mut Files,
    foreign: &mut Skipped,
) -> Result<(), Error> {
    for entry in entries(&root.join(below), inside)? {
        let name = format!("{below}/{}", entry.name);
        if is_foreign(&entry.name) {
            if entry.kind == Kind::Folder || is_image(&name) {
                foreign.add(&name);
            }
            continue;
        }
        let before = images.len();
        if entry.kind == Kind::Folder && deep > 0 {
            walk(root, &name, inside, deep - 1, images, foreign)?;
        }
        // A folder `x.jpg` may well be one of images.
        let is_told = entry.kind != Kind::Folder || images.len() == before;
        if is_told && is_image(&name) {
            images.push((name, (0, 0)));
        }
    }
    Ok(())
}
