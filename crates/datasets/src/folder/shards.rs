//! Shards of WebDataset: tar archives whose files lie together by sample.
//!
//! ```text
//! imagenet-train-000017.tar:  n01440764_10026.jpg  n01440764_10026.cls  n01440764_10074.jpg  …
//! ```
//!
//! The key of a sample is the path of its files up to the first dot of the name; what follows says what the file is. The class is in
//! `cls`, a number or a name, or in `json` under `label`, `cls`, `class` or `target`. The part is a word of the archive's name or its
//! folder's. The set's own order is that of the archives' names and of the samples in them.

mod class;
mod sample;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicU64,
};

use rayon::prelude::*;

use self::{
    class::Classes,
    sample::{Bytes, Sample, Shard},
};
use super::{
    listing::{Image, Kind, Listing},
    names::{Part, archive_stem, is_foreign},
    options::Layout,
};
use crate::{
    ArchiveError, Error, Note,
    images::store::{Place, Store},
    skipped::Skipped,
};

/// The archives below a root: their paths below it (nothing for the root itself), sorted, and the parts that they name.
pub(super) struct Shards {
    root: PathBuf,
    files: Vec<(String, Option<Part>)>,
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
        sample::is_shard(&first).unwrap_or(false).then(|| Self { root: root.to_path_buf(), files })
    }

    /// The samples of all archives.
    ///
    /// # Errors
    /// [`Error::Archive`] or [`Error::Read`] about an archive or a sample.
    pub(super) fn listing(self, layout: &Layout) -> Result<Listing, Error> {
        let Self { root, files } = self;
        let kept = AtomicU64::new(0);
        let shards: Vec<_> =
            files.par_iter().map(|(name, _)| Shard::read(&path(&root, name), &kept)).collect();
        let shards: Vec<Shard> = shards.into_iter().collect::<Result<_, _>>()?;
        let named = Classes::of(shards.iter().flat_map(|shard| &shard.samples).map(|sample| &sample.class))
            .map_err(|found| Error::Archive(ArchiveError::Sample { path: root.clone(), found }))?;
        let mut store = Store::default();
        let mut parts: BTreeMap<Option<Part>, Vec<Image>> = BTreeMap::new();
        let (mut notes, mut passed_over): (Vec<Note>, Skipped) =
            (missing(&files).into_iter().collect(), Skipped::default());
        for ((name, part), shard) in files.iter().zip(shards) {
            let Shard { samples, passed_over: of_shard, is_ended } = shard;
            if let Some((count, first)) = of_shard.found() {
                passed_over.add_many(count, &below(name, first));
            }
            notes.extend((!is_ended).then(|| Note::NoEnd { first: path(&root, name).display().to_string() }));
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
                let name = below(name, key);
                images.push(Image { name, place, label: named.label(&class) });
            }
        }
        let mut take = |part| parts.remove(&part).filter(|images| !images.is_empty());
        let (train, val, test, rest) =
            (take(Some(Part::Train)), take(Some(Part::Val)), take(Some(Part::Test)), take(None));
        let has_parts = train.is_some() || val.is_some() || test.is_some();
        let test = val.or(test).or(if has_parts { None } else { rest }).unwrap_or_default();
        notes.extend(passed_over.found().map(|(count, first)| Note::PassedOver { count, first }));
        let mut listing = Listing {
            root,
            store,
            classes: named.names(),
            train: train.unwrap_or_default(),
            test,
            notes,
            kind: Kind::Rows,
            is_limited: false,
        };
        listing.split_off(layout, !has_parts);
        Ok(listing)
    }
}

/// The path of a file in an archive, below the root.
fn below(archive: &str, name: String) -> String {
    if archive.is_empty() { name } else { format!("{archive}/{name}") }
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
    fn a_gap_in_the_numbers_is_seen() {
        let files = |names: &[&str]| names.iter().map(|&name| (name.to_owned(), None)).collect::<Vec<_>>();
        let whole = files(&["t-000.tar", "t-001.tar", "v-0.tar"]);
        assert_eq!(missing(&whole), None);
        let gap = missing(&files(&["t-008.tar", "t-010.tar"]));
        assert_eq!(gap, Some(Note::MissingShards { first: "t-009.tar".to_owned() }));
    }
}
