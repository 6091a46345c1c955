//! Archives: tar, plain or compressed, with archives in it; zip.

use std::{collections::HashMap, path::Path};

use super::files::Tree;
use crate::{
    ArchiveError, Error,
    folder::names::{archive_stem, is_foreign, is_image, is_read, is_text},
    images::store::{LARGEST, Place, Store},
    packed::open_regular,
    tar::{Member, MemberKind, Tar},
    zip,
};

/// An archive that is being listed.
struct Archive<'a> {
    path: &'a Path,
    /// Its path below the root, empty for the root itself.
    below: &'a str,
    /// Its number in the store.
    number: u32,
    /// Where the files are that hard links may name.
    seen: HashMap<String, Place>,
}

impl Tree {
    /// Lists an archive whose path below the root is `below`.
    pub(super) fn add_archive(&mut self, path: &Path, below: &str) -> Result<(), Error> {
        let number = self.store.archive(path);
        let mut archive = Archive { path, below, number, seen: HashMap::new() };
        match is_zip(path)? {
            true => archive.zip(self),
            false => archive.tar(self, Tar::open(path)?, below),
        }
    }
}

/// Whether a file begins as zip archives do.
fn is_zip(path: &Path) -> Result<bool, Error> {
    let (mut file, _) = open_regular(path)?;
    let mut start = [0; 4];
    let read = crate::packed::fill(&mut file, &mut start);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(matches!(start, [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6]))
}

impl Archive<'_> {
    fn tar(&mut self, tree: &mut Tree, mut tar: Tar, below: &str) -> Result<(), Error> {
        while let Some(member) = tar.next()? {
            let refused = |found: String| {
                Error::Archive(ArchiveError::Damaged {
                    path: self.path.to_path_buf(),
                    offset: member.offset,
                    found,
                })
            };
            let name = clean(&member.name).map_err(refused)?;
            if name.is_empty() {
                continue;
            }
            let path = joined(below, &name);
            if is_passed_over(tree, &name, &path, member.kind == MemberKind::Folder) {
                continue;
            }
            let is_archive = archive_stem(&name).is_some();
            let is_wanted = is_image(&name) || is_text(&name) || is_archive;
            match member.kind {
                MemberKind::Folder => tree.folders.push(path),
                _ if !is_wanted => {}
                MemberKind::File if is_archive => self.inner(tree, &tar, &member, &path)?,
                _ if self.seen.contains_key(&name) => {
                    return Err(refused(format!("`{name}` for the second time")));
                }
                kind => tree.add(path, |store| {
                    let place =
                        self.place(store, &mut tar, &name, Member { name: String::new(), kind, ..member })?;
                    self.seen.extend(place.map(|place| (name, place)));
                    Ok(place)
                })?,
            }
        }
        if !tar.is_ended() {
            tree.skipped.unended.add(&self.path.display().to_string());
        }
        let links = tar.links().found();
        links.into_iter().for_each(|(count, first)| tree.skipped.links.add_many(count, &first));
        Ok(())
    }

    /// Where the bytes of a file are; nothing of a hard link to what is not there.
    fn place(
        &self,
        store: &mut Store,
        tar: &mut Tar,
        name: &str,
        member: Member,
    ) -> Result<Option<Place>, Error> {
        let Member { kind, offset, size, .. } = member;
        let refused = |found: String| {
            Error::Archive(ArchiveError::Damaged { path: self.path.to_path_buf(), offset, found })
        };
        let bytes = match kind {
            MemberKind::HardLink(target) => {
                let place = clean(&target).ok().and_then(|target| self.seen.get(&target).copied());
                if place.is_none() {
                    tar.skip_link(name);
                }
                return Ok(place);
            }
            MemberKind::Sparse(map) => {
                let pieces = tar.content(LARGEST)?;
                let whole = map.expand(&pieces, LARGEST);
                whole.ok_or_else(|| refused(format!("a file `{name}` whose holes do not add up")))?
            }
            _ if tar.is_plain() => {
                return Ok(Some(Place::Piece { archive: self.number, start: offset, size }));
            }
            _ => tar.content(LARGEST)?,
        };
        store.keep(bytes).map(Some).map_err(refused)
    }

    /// An archive in an archive.
    fn inner(&mut self, tree: &mut Tree, tar: &Tar, member: &Member, path: &str) -> Result<(), Error> {
        let is_tar = path.ends_with(".tar");
        if !tar.is_plain() || !is_tar || path.matches(".tar/").count() > 1 {
            let found =
                format!("the archive `{}` in a place where it cannot be read (unpack it)", member.name);
            return Err(Error::Archive(ArchiveError::Damaged {
                path: self.path.to_path_buf(),
                offset: member.offset,
                found,
            }));
        }
        tree.folders.push(path.to_owned());
        let seen = std::mem::take(&mut self.seen);
        self.tar(tree, Tar::within(self.path, member.offset, member.size)?, path)?;
        self.seen = seen;
        Ok(())
    }

    fn zip(&mut self, tree: &mut Tree) -> Result<(), Error> {
        for zip::Member { name: stored, kind } in zip::members(self.path)? {
            let refused =
                |found: String| Error::Archive(ArchiveError::Member { path: self.path.join(&stored), found });
            let name = clean(&stored).map_err(refused)?;
            let path = joined(self.below, &name);
            if name.is_empty() || is_passed_over(tree, &name, &path, kind == zip::MemberKind::Folder) {
                continue;
            }
            let archive = self.number;
            match kind {
                zip::MemberKind::Folder => tree.folders.push(path),
                _ if !is_image(&name) && !is_text(&name) => {}
                zip::MemberKind::Link => tree.skipped.links.add(&path),
                zip::MemberKind::Refused(found) => return Err(refused(found)),
                zip::MemberKind::File { start, packed, deflated } => {
                    let place = match deflated {
                        None => Place::Piece { archive, start, size: packed },
                        Some(size) => Place::Deflated { archive, start, packed, size },
                    };
                    if self.seen.insert(name, place).is_some() {
                        return Err(refused("there for the second time".to_owned()));
                    }
                    tree.add(path, |_| Ok(Some(place)))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a member is of what other programs leave; such are counted.
fn is_passed_over(tree: &mut Tree, name: &str, path: &str, is_folder: bool) -> bool {
    let is_foreign = name.split('/').any(is_foreign);
    if is_foreign && (is_folder || is_read(name)) {
        tree.skipped.foreign.add(path);
    }
    is_foreign
}

/// A path in an archive, without steps that say nothing.
///
/// # Errors
/// If it leads out of the archive.
fn clean(name: &str) -> Result<String, String> {
    // Some programs on Windows write its own separators.
    let name = name.replace('\\', "/");
    let steps: Vec<&str> = name.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    if name.starts_with('/') || steps.contains(&"..") {
        return Err(format!("the path `{name}`, which leads out of the archive"));
    }
    Ok(steps.join("/"))
}

fn joined(below: &str, name: &str) -> String {
    if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") }
}
