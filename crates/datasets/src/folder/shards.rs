//! Shards of WebDataset: tar archives whose files lie together by sample.
//!
//! ```text
//! imagenet-train-000017.tar:  n01440764_10026.jpg  n01440764_10026.cls  n01440764_10074.jpg  …
//! ```
//!
//! The key of a sample is the path of its files up to the first dot of the name; what follows says what the file is. The class is in
//! `cls`, a number or a name, or in `json` under `label`, `cls`, `class` or `target`. The part is a word of the archive's name or its
//! folder's. The set's own order is that of the archives' names and of the samples in them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    listing::{Image, Kind, Listing},
    names::{Part, archive_stem, is_foreign, is_read},
    options::Layout,
};
use crate::{
    ArchiveError, Error, Note,
    images::store::{LARGEST, Place, Store},
    tar::{MemberKind, Tar},
};

/// Files at the beginning of an archive that are looked at to see what it is.
const LOOKED_AT: usize = 64;

/// More bytes than a label takes.
const LONGEST_LABEL: u64 = 1 << 20;

/// More classes than any data set of images has.
const MOST_CLASSES: u64 = 1 << 20;

/// The keys of a class in what `json` says of a sample.
const KEYS: [&str; 4] = ["label", "cls", "class", "target"];

/// The archives below a root: their paths below it (nothing for the root itself), sorted, and the parts that they name.
pub(super) struct Shards {
    root: PathBuf,
    files: Vec<(String, Option<Part>)>,
}

/// The class of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Number(u32),
    Name(String),
}

/// A sample of an archive.
struct Sample {
    name: String,
    at: Bytes,
    class: Class,
}

/// Where the image of a sample is.
enum Bytes {
    Piece { start: u64, size: u64 },
    Memory(Vec<u8>),
}

impl Shards {
    /// The archives below a root, if they are shards.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let mut files = Vec::new();
        if root.is_file() {
            files.push((String::new(), root.file_name()?.to_str().and_then(Part::of_archive)));
        } else {
            files.extend(archives(root, ""));
            for folder in fs::read_dir(root).ok()?.flatten() {
                let name = folder.file_name().into_string().unwrap_or_default();
                if let Some((part, _)) = Part::of_folder(&name) {
                    let inside = archives(&folder.path(), &format!("{name}/"));
                    files.extend(inside.into_iter().map(|(path, _)| (path, Some(part))));
                }
            }
        }
        files.sort_unstable();
        let first = files.first().map(|(name, _)| path(root, name))?;
        is_shard(&first).unwrap_or(false).then(|| Self { root: root.to_path_buf(), files })
    }

    /// The samples of all archives.
    ///
    /// # Errors
    /// [`Error::Archive`] or [`Error::Read`] about an archive, [`Error::Archive`] about a sample.
    pub(super) fn listing(self, layout: &Layout) -> Result<Listing, Error> {
        let Self { root, files } = self;
        let samples: Vec<_> = files.par_iter().map(|(name, _)| samples(&path(&root, name))).collect();
        let samples: Vec<Vec<Sample>> = samples.into_iter().collect::<Result<_, _>>()?;
        let named = Classes::of(samples.iter().flatten().map(|sample| &sample.class))
            .map_err(|found| Error::Archive(ArchiveError::Sample { path: root.clone(), found }))?;
        let mut store = Store::default();
        let mut parts: BTreeMap<Option<Part>, Vec<Image>> = BTreeMap::new();
        for ((name, part), samples) in files.iter().zip(samples) {
            let file = path(&root, name);
            let archive = store.archive(&file);
            let images = parts.entry(*part).or_default();
            for Sample { name: key, at, class } in samples {
                let place = match at {
                    Bytes::Piece { start, size } => Place::Piece { archive, start, size },
                    Bytes::Memory(bytes) => store.keep(bytes).map_err(|found| {
                        Error::Archive(ArchiveError::Sample { path: file.clone(), found })
                    })?,
                };
                let name = if name.is_empty() { key } else { format!("{name}/{key}") };
                images.push(Image { name, place, label: named.label(&class) });
            }
        }
        let mut take = |part| parts.remove(&part).filter(|images| !images.is_empty());
        let (train, val, test, rest) =
            (take(Some(Part::Train)), take(Some(Part::Val)), take(Some(Part::Test)), take(None));
        let has_parts = train.is_some() || val.is_some() || test.is_some();
        let test = val.or(test).or(if has_parts { None } else { rest }).unwrap_or_default();
        let notes = missing(&files).into_iter().collect();
        let mut listing = Listing {
            root,
            store,
            classes: named.names(),
            train: train.unwrap_or_default(),
            test,
            notes,
            kind: Kind::Rows,
        };
        listing.split_off(layout, !has_parts);
        Ok(listing)
    }
}

/// The path of an archive.
fn path(root: &Path, name: &str) -> PathBuf {
    if name.is_empty() { root.to_path_buf() } else { root.join(name) }
}

/// The tar archives in a folder, with what stands before their names.
fn archives(folder: &Path, before: &str) -> Vec<(String, Option<Part>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_tar = |name: &String| archive_stem(name).is_some() && !name.ends_with(".zip") && !is_foreign(name);
    names.filter(is_tar).map(|name| (format!("{before}{name}"), Part::of_archive(&name))).collect()
}

/// Whether the first files of an archive are those of samples with labels.
fn is_shard(path: &Path) -> Result<bool, Error> {
    let mut tar = Tar::open(path)?;
    let (mut images, mut labels): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for _ in 0..LOOKED_AT {
        let Some(member) = tar.next_file()? else { break };
        let (key, kind) = split_name(&member.name);
        match kind {
            "cls" | "json" => labels.push(key.to_owned()),
            _ if is_read(&member.name) => images.push(key.to_owned()),
            _ => {}
        }
    }
    Ok(images.iter().any(|key| labels.contains(key)))
}

/// The key of a file, and what follows the first dot of its name.
fn split_name(name: &str) -> (&str, &str) {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    name[start..].find('.').map_or((name, ""), |dot| (&name[..start + dot], &name[start + dot + 1..]))
}

/// The samples of an archive, in their order.
fn samples(path: &Path) -> Result<Vec<Sample>, Error> {
    let mut tar = Tar::open(path)?;
    let mut samples = Vec::new();
    let mut current = Parts::default();
    while let Some(member) = tar.next()? {
        let (key, kind) = split_name(&member.name);
        let kind = kind.to_ascii_lowercase();
        if member.kind != MemberKind::File
            || is_foreign(&member.name[key.rfind('/').map_or(0, |at| at + 1)..])
        {
            continue;
        }
        if key != current.key {
            samples.extend(current.finish(path)?);
            current = Parts { key: key.to_owned(), ..Parts::default() };
        }
        match kind.as_str() {
            "cls" | "json" => {
                let text = tar.content(LONGEST_LABEL)?;
                let class = if kind == "cls" { class(&text) } else { class_in_json(&text) };
                current.class = class.or(current.class);
            }
            _ if is_read(&member.name) && current.image.is_none() => {
                let at = match tar.is_plain() {
                    true => Bytes::Piece { start: member.offset, size: member.size },
                    false => Bytes::Memory(tar.content(LARGEST)?),
                };
                current.image = Some((member.name.clone(), at));
            }
            _ => {}
        }
    }
    samples.extend(current.finish(path)?);
    Ok(samples)
}

/// What was found of a sample.
#[derive(Default)]
struct Parts {
    key: String,
    image: Option<(String, Bytes)>,
    class: Option<Class>,
}

impl Parts {
    fn finish(self, path: &Path) -> Result<Option<Sample>, Error> {
        match (self.image, self.class) {
            (None, _) => Ok(None),
            (Some((name, at)), Some(class)) => Ok(Some(Sample { name, at, class })),
            (Some(_), None) => {
                let found = format!("the sample `{}` without a class in cls or json", self.key);
                Err(Error::Archive(ArchiveError::Sample { path: path.to_path_buf(), found }))
            }
        }
    }
}

/// A number or a name.
fn class(text: &[u8]) -> Option<Class> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text.parse::<u32>() {
        Ok(number) => Some(Class::Number(number)),
        Err(_) => (!text.is_empty()).then(|| Class::Name(text.to_owned())),
    }
}

fn class_in_json(text: &[u8]) -> Option<Class> {
    let object: serde_json::Value = serde_json::from_slice(text).ok()?;
    KEYS.iter().find_map(|key| match object.get(key)? {
        serde_json::Value::Number(number) => Some(Class::Number(u32::try_from(number.as_u64()?).ok()?)),
        serde_json::Value::String(name) => class(name.as_bytes()),
        _ => None,
    })
}

/// The classes of all samples.
enum Classes {
    /// As many as the largest number says.
    Numbers(u32),
    /// By name.
    Names(BTreeMap<String, u32>),
}

impl Classes {
    /// # Errors
    /// What was found, if it is names and numbers.
    fn of<'a>(classes: impl Iterator<Item = &'a Class>) -> Result<Self, String> {
        let (mut numbers, mut names) = (None, BTreeMap::new());
        for class in classes {
            match class {
                Class::Number(number) => numbers = numbers.max(Some(*number)),
                Class::Name(name) => drop(names.insert(name.clone(), 0)),
            }
        }
        match numbers {
            Some(_) if !names.is_empty() => {
                Err("classes of which some are numbers and some are names".to_owned())
            }
            Some(number) if u64::from(number) < MOST_CLASSES => Ok(Self::Numbers(number + 1)),
            Some(number) => Err(format!("the class {number}")),
            None => {
                names.values_mut().zip(0..).for_each(|(label, place)| *label = place);
                Ok(Self::Names(names))
            }
        }
    }

    fn label(&self, class: &Class) -> u32 {
        match (self, class) {
            (Self::Numbers(_), Class::Number(number)) => *number,
            (Self::Names(names), Class::Name(name)) => names.get(name).copied().unwrap_or_default(),
            _ => 0,
        }
    }

    fn names(self) -> Vec<String> {
        match self {
            Self::Numbers(count) => (0..count).map(|class| class.to_string()).collect(),
            Self::Names(names) => names.into_keys().collect(),
        }
    }
}

/// A number that is missing in the names of archives of which others have the numbers before and after it.
fn missing(files: &[(String, Option<Part>)]) -> Option<Note> {
    let mut numbers: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for (name, _) in files {
        let stem = archive_stem(name)?;
        let rest = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = stem[rest.len()..].parse().ok()?;
        numbers.entry((rest, &name[stem.len()..])).or_default().push(number);
    }
    numbers.into_iter().find_map(|((before, ending), mut numbers)| {
        numbers.sort_unstable();
        let gap = numbers.windows(2).find(|pair| pair[1] - pair[0] > 1)?;
        let width = files[0].0.len() - before.len() - ending.len();
        let first = format!("{before}{:0width$}{ending}", gap[0] + 1);
        Some(Note::MissingShards { first })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_name() {
        assert_eq!(split_name("a.b/c.seg.png"), ("a.b/c", "seg.png"));
        assert_eq!(split_name("c"), ("c", ""));
    }

    #[test]
    fn classes_are_numbers_or_names() {
        assert_eq!(class(b"17\n"), Some(Class::Number(17)));
        assert_eq!(class(b"n01440764"), Some(Class::Name("n01440764".to_owned())));
        assert_eq!(class_in_json(br#"{"caption": "x", "label": 3}"#), Some(Class::Number(3)));
        assert_eq!(class_in_json(br#"{"caption": "x"}"#), None);
        let both = [Class::Number(1), Class::Name("a".to_owned())];
        assert!(Classes::of(both.iter()).is_err());
    }

    #[test]
    fn a_gap_in_the_numbers_is_seen() {
        let files = |names: &[&str]| names.iter().map(|&name| (name.to_owned(), None)).collect::<Vec<_>>();
        let whole = files(&["t-000.tar", "t-001.tar", "v-0.tar"]);
        assert_eq!(missing(&whole), None);
        let gap = missing(&files(&["t-008.tar", "t-010.tar"]));
        assert_eq!(gap, Some(Note::MissingShards { first: "t-009.tar".to_owned() }));
    }
}
