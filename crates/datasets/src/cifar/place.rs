//! Where a data set is, and in which of its versions.

use std::path::{Path, PathBuf};

use super::edition::{Edition, Version};
use crate::Error;

/// What was found.
pub(super) enum Place {
    /// A version, by its number, unpacked.
    Folder(usize, PathBuf),
    /// An archive of one of the versions.
    Archive(PathBuf),
    /// Files of the Hub.
    Hub { train: Vec<PathBuf>, test: Vec<PathBuf> },
}

/// What an edition asks for is not there; the other one may be.
pub(super) fn not_found(edition: &Edition, root: &Path) -> Error {
    let other = edition.other();
    match search(other, root) {
        Some(Place::Folder(..) | Place::Archive(_)) => other_edition(edition, root),
        _ => nowhere(edition, root),
    }
}

/// The other edition where this one was looked for.
pub(super) fn other_edition(edition: &Edition, path: &Path) -> Error {
    let Edition { title: found, name: dataset, .. } = *edition.other();
    Error::OtherEdition { path: path.to_path_buf(), found, expected: edition.title, dataset }
}

/// The first that is there: `root` itself as a folder or archive; unpacked folders, archives and the Hub's files in it.
pub(super) fn find(edition: &Edition, root: &Path) -> Result<Place, Error> {
    search(edition, root).ok_or_else(|| not_found(edition, root))
}

fn search(edition: &Edition, root: &Path) -> Option<Place> {
    if root.is_file() {
        return Some(match root.extension().is_some_and(|extension| extension == "parquet") {
            true => hub(root.parent().unwrap_or(root))
                .unwrap_or_else(|| Place::Hub { train: vec![root.into()], test: vec![root.into()] }),
            false => Place::Archive(root.to_path_buf()),
        });
    }
    let own = || unpacked(edition, root, |version| version.test);
    let archive = || {
        let archives = edition.versions.iter().map(|version| root.join(version.archive));
        archives.into_iter().find(|path| path.is_file()).map(Place::Archive)
    };
    let of_hub = || hub_folders(edition, root).iter().find_map(|folder| hub(folder));
    // A folder without its last file comes last: reading it tells which one is missing.
    let without_test = || unpacked(edition, root, |version| version.train[0]);
    own().or_else(archive).or_else(of_hub).or_else(without_test)
}

/// The first version that has a file, in `root` itself or in a folder of its own.
fn unpacked(edition: &Edition, root: &Path, file: impl Fn(&Version) -> &'static str) -> Option<Place> {
    let folder = |own: bool, number: usize| {
        let version = &edition.versions[number];
        let folder = if own { root.to_path_buf() } else { root.join(version.folder) };
        folder.join(file(version)).is_file().then_some(Place::Folder(number, folder))
    };
    [(true, 0), (true, 1), (false, 0), (false, 1)].into_iter().find_map(|(own, number)| folder(own, number))
}

fn hub_folders(edition: &Edition, root: &Path) -> [PathBuf; 3] {
    [root.to_path_buf(), root.join(edition.hub), root.join("data")]
}

/// The Hub's files in a folder, in the order of their numbers.
fn hub(folder: &Path) -> Option<Place> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let of = |part: &str| {
        let is_of = |name: &&String| name.starts_with(part) && name.ends_with(".parquet");
        names.iter().filter(is_of).map(|name| folder.join(name)).collect::<Vec<_>>()
    };
    let (train, test) = (of("train"), of("test"));
    let both = !train.is_empty() && !test.is_empty();
    both.then_some(Place::Hub { train, test })
}

fn nowhere(edition: &Edition, root: &Path) -> Error {
    let mut looked = Vec::new();
    for version in &edition.versions {
        looked.push(root.join(version.test));
        looked.push(root.join(version.folder).join(version.test));
        looked.push(root.join(version.archive));
    }
    looked.extend(hub_folders(edition, root).map(|folder| folder.join("{train,test}-*.parquet")));
    let archives = edition.versions.each_ref().map(|version| version.archive);
    Error::NotFound { name: edition.title, archives, looked }
}
