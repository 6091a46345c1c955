//! Data sets that are fetched if they are not there.

use std::path::Path;

use progress::Progress;

use super::name::Name;
use crate::{Dataset, Error};

/// That a data set is fetched if it is not there, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Download {
    /// The address of the folder that holds the archives of CIFAR, without it their authors' own. Data sets of the Hub come from
    /// the Hub, or from the server that `HF_ENDPOINT` names.
    pub mirror: Option<String>,
}

/// CIFAR from a folder, or from the cache folder; its archive is fetched into it if the data set is not there.
#[cfg(feature = "download")]
pub(super) fn cifar(
    name: &Name,
    root: Option<&Path>,
    download: &Download,
    progress: &Progress,
    load: impl Fn(&Path) -> Result<Dataset, Error>,
) -> Result<Dataset, Error> {
    use crate::download::{Archive, cache_folder, fetch};
    let archive = if *name == Name::Cifar100 { Archive::cifar100() } else { Archive::cifar10() };
    let archive = archive.at(download.mirror.as_deref());
    let folder = root.map_or_else(cache_folder, |root| Ok(root.to_path_buf()))?;
    match load(&folder) {
        Err(Error::NotFound { .. }) => {
            progress.note(&format!("fetching {} into {}", archive.shown_url(), folder.display()));
            load(&fetch(&archive, &folder, progress)?)
        }
        loaded => loaded,
    }
}

/// CIFAR from a folder: this build fetches nothing.
#[cfg(not(feature = "download"))]
pub(super) fn cifar(
    name: &Name,
    root: Option<&Path>,
    _: &Download,
    _: &Progress,
    load: impl Fn(&Path) -> Result<Dataset, Error>,
) -> Result<Dataset, Error> {
    let unable = || Error::NeedsFeature { what: name.to_string(), action: "fetch", feature: "download" };
    match load(root.ok_or_else(unable)?) {
        Err(Error::NotFound { .. }) => Err(unable()),
        loaded => loaded,
    }
}
