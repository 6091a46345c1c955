//! The archive of a version, read from front to back: its members stand in any order.

use std::{io::Read, path::Path, sync::Arc};

use super::{
    edition::{Edition, Version},
    part::{Part, Source},
    place,
};
use crate::{
    ArchiveError, Dataset, Error, Limits, class_names,
    tar::{Member, Tar},
};

/// What an archive has given so far.
struct Found<'a> {
    edition: &'a Edition,
    path: &'a Path,
    limits: Limits,
    version: Option<&'a Version>,
    /// Whether a file of the other edition was skipped.
    has_other: bool,
    /// The training files in their order, then the test file.
    parts: Vec<Option<Part>>,
    names: Option<Arc<[String]>>,
}

/// Reads a data set from an archive of one of its versions.
pub(super) fn load(edition: &Edition, path: &Path, limits: Limits) -> Result<Dataset, Error> {
    let mut tar = Tar::open(path)?;
    let mut found =
        Found { edition, path, limits, version: None, has_other: false, parts: Vec::new(), names: None };
    while let Some(member) = tar.next_file()? {
        found.take(&member, &mut tar)?;
    }
    found.dataset()
}

impl<'a> Found<'a> {
    /// Reads a member if it belongs to the data set.
    fn take(&mut self, member: &Member, tar: &mut Tar) -> Result<(), Error> {
        let Some((version, name)) = member_of(self.edition, &member.name) else {
            self.has_other |= member_of(self.edition.other(), &member.name).is_some();
            return Ok(());
        };
        // The first version found is kept to.
        if self.version.is_some_and(|kept| kept.folder != version.folder) {
            return Ok(());
        }
        let path = self.path.join(&member.name);
        if name == version.names {
            let content = tar.content(class_names::LONGEST)?;
            self.names = Some(version.names(&path, &content, self.edition)?);
            return Ok(());
        }
        let Some(at) = version.train.iter().chain([&version.test]).position(|file| *file == name) else {
            return Ok(());
        };
        self.version = Some(version);
        self.parts.resize_with(version.train.len() + 1, || None);
        if self.parts[at].is_some() {
            let found = format!("`{}` for the second time", member.name);
            return Err(Error::Archive(ArchiveError::Damaged {
                path: self.path.to_path_buf(),
                offset: member.offset,
                found,
            }));
        }
        let limit = if at == version.train.len() { self.limits.test } else { self.limits.train };
        let mut part = Part::default();
        let (size, reserve) = (member.size, member.size.min(tar.len()));
        let from = Source { path: &path, size, reserve, content: tar.by_ref().take(size) };
        version.read(from, self.edition.classes(), limit, &mut part)?;
        self.parts[at] = Some(part);
        Ok(())
    }

    fn dataset(self) -> Result<Dataset, Error> {
        let Some(version) = self.version else {
            if self.has_other {
                return Err(place::other_edition(self.edition, self.path));
            }
            let member =
                self.edition.versions.each_ref().map(|v| format!("{}/{}", v.folder, v.test)).join(" or ");
            return Err(missing(self.path, &member));
        };
        let mut files: Vec<(&str, Option<Part>)> =
            version.train.iter().copied().chain([version.test]).zip(self.parts).collect();
        let missing = |file| missing(self.path, &format!("{}/{file}", version.folder));
        let (file, test) = files.pop().unwrap_or((version.test, None));
        let mut test = test.ok_or_else(|| missing(file))?;
        test.limit(self.limits.test);
        let mut train = Part::default();
        for (file, part) in files {
            train.append(part.ok_or_else(|| missing(file))?);
        }
        train.limit(self.limits.train);
        self.edition.dataset([train, test], self.names)
    }
}

/// The version and file that a member is: the folder must be the version's.
fn member_of<'e, 'n>(edition: &'e Edition, name: &'n str) -> Option<(&'e Version, &'n str)> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let (folder, file) = name.split_once('/')?;
    let version = edition.versions.iter().find(|version| version.folder == folder)?;
    Some((version, file))
}

fn missing(path: &Path, member: &str) -> Error {
    Error::Archive(ArchiveError::Missing { path: path.to_path_buf(), member: member.to_owned() })
}
