//! Which files of the cache folder a data set has.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    Error, HubError, Repository,
    folder::tables::{Tables, choose, walk},
    packed::open_regular,
};

/// The revisions that are looked for, in order: what its authors published, then the Hub's conversion of it.
const REVISIONS: [&str; 2] = ["main", "refs/convert/parquet"];

/// The files of a data set in a cache folder.
pub(super) fn find(cache: &Path, repository: &Repository) -> Result<Tables, Error> {
    let root = folder(cache, repository);
    let missing = |looked| Error::Hub(HubError::NotInCache { repository: repository.to_string(), looked });
    if !root.is_dir() {
        return Err(missing(root));
    }
    if unfinished(&root).exists() {
        return Err(Error::Hub(HubError::Files {
            folder: root,
            found: "a download that was not finished".to_owned(),
        }));
    }
    let mut without = None;
    for folder in snapshots(&root)? {
        let refused = |found| Error::Hub(HubError::Files { folder: folder.clone(), found });
        match choose(&walk(&folder, Some(&root))?.parquet).map_err(refused)? {
            Some(splits) => return Ok(Tables { root: folder, splits, is_whole: false }),
            None => without = without.or(Some(folder)),
        }
    }
    Err(match without {
        Some(folder) => Error::Hub(HubError::Files { folder, found: "none".to_owned() }),
        None => missing(root.join("refs").join(REVISIONS[0])),
    })
}

/// The folder of a repository in a cache folder.
pub(super) fn folder(cache: &Path, repository: &Repository) -> PathBuf {
    cache.join(format!("datasets--{}", repository.id().replace('/', "--")))
}

/// The file in a repository's folder that is there while the repository is being fetched: an interrupted download leaves some
/// of the files of a split, and nothing else says that others are missing.
pub(super) fn unfinished(folder: &Path) -> PathBuf {
    folder.join(".unfinished")
}

/// The folders of the revisions that are there, in the order in which they are looked for.
fn snapshots(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for revision in REVISIONS {
        let path = root.join("refs").join(revision);
        if !path.is_file() {
            continue;
        }
        let mut commit = String::new();
        let read = open_regular(&path)?.0.take(256).read_to_string(&mut commit);
        read.map_err(|source| Error::Read { path: path.clone(), source })?;
        let commit = commit.trim();
        if commit.is_empty() || !commit.chars().all(|c| c.is_ascii_alphanumeric()) {
            let (found, expected) = (format!("`{commit}`"), "the number of a commit".to_owned());
            return Err(Error::Batch { path, found, expected });
        }
        let folder = root.join("snapshots").join(commit);
        if folder.is_dir() {
            found.push(folder);
        }
    }
    Ok(found)
}
