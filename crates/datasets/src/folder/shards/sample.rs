//! The samples of an archive.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::class::{Class, class, class_in_json};
use crate::{
    ArchiveError, Error,
    folder::names::{Part, is_foreign, is_read},
    images::store::{LARGEST, MOST_IN_MEMORY},
    skipped::Skipped,
    tar::{Member, MemberKind, Tar},
};

/// Files at the beginning of an archive that are looked at to see what it is.
const LOOKED_AT: usize = 64;

/// More bytes than a label takes.
const LONGEST_LABEL: u64 = 1 << 20;

/// A sample of an archive.
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) at: Bytes,
    pub(super) class: Class,
}

/// Where the image of a sample is.
pub(super) enum Bytes {
    Piece { start: u64, size: u64 },
    Memory(Vec<u8>),
}

/// What an archive has.
#[derive(Default)]
pub(super) struct Shard {
    /// In their order.
    pub(super) samples: Vec<Sample>,
    /// Second images of samples, and classes without an image.
    pub(super) passed_over: Skipped,
    /// Whether the archive's end is marked.
    pub(super) is_ended: bool,
}

/// Whether the first files of an archive are those of samples: beside an image there is a file `cls` with its key, or another file where
/// no folder says the class.
pub(super) fn is_shard(path: &Path) -> Result<bool, Error> {
    let mut tar = Tar::open(path)?;
    let (mut images, mut classes, mut labels, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..LOOKED_AT {
        let Some(member) = tar.next_file()? else { break };
        let (key, kind) = split_name(&member.name);
        let of_kind = match kind {
            _ if is_read(&member.name) => &mut images,
            "cls" => &mut classes,
            "json" => &mut labels,
            _ => &mut others,
        };
        of_kind.push(key.trim_start_matches("./").to_owned());
    }
    let is_sample = |key: &String| labels.contains(key) || (others.contains(key) && !key.contains('/'));
    Ok(images.iter().any(|key| classes.contains(key) || (!is_in_class(key) && is_sample(key))))
}

/// Whether a path is that of an image in a folder of a class: `train/class/x`, perhaps with a folder above.
fn is_in_class(path: &str) -> bool {
    let steps: Vec<&str> = path.split('/').collect();
    let part = steps.iter().take(2).position(|step| Part::of_folder(step).is_some());
    part.is_some_and(|at| steps.len() > at + 2)
}

/// The key of a file, and what follows the first dot of its name.
fn split_name(name: &str) -> (&str, &str) {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    name[start..].find('.').map_or((name, ""), |dot| (&name[..start + dot], &name[start + dot + 1..]))
}

impl Shard {
    /// Reads an archive; `kept` counts the bytes that all of them keep in memory.
    pub(super) fn read(path: &Path, kept: &AtomicU64) -> Result<Self, Error> {
        let mut tar = Tar::open(path)?;
        let mut shard = Self::default();
        let mut current = Current::default();
        while let Some(member) = tar.next()? {
            let key = split_name(&member.name).0;
            let is_file = member.kind == MemberKind::File;
            if !is_file || is_foreign(member.name.rsplit('/').next().unwrap_or_default()) {
                continue;
            }
            if key != current.key {
                let before = std::mem::replace(&mut current, Current::new(key));
                shard.take(before, path)?;
            }
            current.add((&mut tar, path), &member, &mut shard.passed_over, kept)?;
        }
        shard.take(current, path)?;
        shard.is_ended = tar.is_ended();
        Ok(shard)
    }

    fn take(&mut self, current: Current, path: &Path) -> Result<(), Error> {
        match (current.image, current.class) {
            (Some((name, at)), Some(class)) => self.samples.push(Sample { name, at, class }),
            (None, Some(_)) => self.passed_over.add(&current.key),
            (None, None) => {}
            (Some((name, _)), None) => {
                let others: Vec<&str> = current.others.iter().map(String::as_str).collect();
                let beside = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
                let found =
                    format!("the sample `{}` without a class: beside {name} there is {beside}", current.key);
                return Err(Error::Archive(ArchiveError::Sample { path: path.to_path_buf(), found }));
            }
        }
        Ok(())
    }
}

/// What was found of a sample.
#[derive(Default)]
struct Current {
    key: String,
    image: Option<(String, Bytes)>,
    class: Option<Class>,
    /// What else there is.
    others: Vec<String>,
}

impl Current {
    fn new(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    fn add(
        &mut self,
        (tar, path): (&mut Tar, &Path),
        member: &Member,
        passed_over: &mut Skipped,
        kept: &AtomicU64,
    ) -> Result<(), Error> {
        let kind = split_name(&member.name).1.to_ascii_lowercase();
        match kind.as_str() {
            "cls" | "json" => {
                let text = tar.content(LONGEST_LABEL)?;
                let class = if kind == "cls" { class(&text) } else { class_in_json(&text) };
                if let (Some(one), Some(other)) = (&class, &self.class)
                    && one != other
                {
                    let found =
                        format!("the sample `{}` whose `cls` and `json` name different classes", self.key);
                    return Err(Error::Archive(ArchiveError::Sample { path: path.to_path_buf(), found }));
                }
                self.class = class.or(self.class.take());
                self.others.push(kind);
            }
            _ if !is_read(&member.name) => self.others.push(kind),
            _ if self.image.is_some() => passed_over.add(&member.name),
            _ => {
                let at = match tar.is_plain() {
                    true => Bytes::Piece { start: member.offset, size: member.size },
                    false => Bytes::Memory(unpacked(tar, member, kept)?),
                };
                self.image = Some((member.name.clone(), at));
            }
        }
        Ok(())
    }
}

/// The bytes of a file in a compressed archive, while all of them take no more than memory has.
fn unpacked(tar: &mut Tar, member: &Member, kept: &AtomicU64) -> Result<Vec<u8>, Error> {
    let most = MOST_IN_MEMORY.saturating_sub(kept.fetch_add(member.size, Ordering::Relaxed));
    tar.content(most.min(LARGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_name() {
        assert_eq!(split_name("a.b/c.seg.png"), ("a.b/c", "seg.png"));
        assert_eq!(split_name("c"), ("c", ""));
    }
}
